"""The measurement can be trusted: its files are the same everywhere, its figures add up, its verdicts are right."""
from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.measure import CommandFailed, measure
from bench.results import BUDGETS, Result, Results, as_tables, missed, verdicts
from bench.workload import Workload, files_in, same_trees, stored_bytes

CHECKOUT = Path(__file__).resolve().parents[1]
SCALE = 0.002


def digest(folder: Path) -> str:
    """One digest of all names and bytes."""
    found = hashlib.sha256()
    for path in sorted(files_in(folder)):
        found.update(f"{path.relative_to(folder)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()


def test_it_makes_the_same_files_each_time(tmp_path: Path) -> None:
    one, other = (Workload(tmp_path / name, SCALE) for name in ("one", "other"))
    for workload in (one, other):
        workload.make_small()
        workload.make_large()
    assert digest(one.small) == digest(other.small)
    assert digest(one.large) == digest(other.large)
    assert len(list(files_in(one.small))) == 40
    assert 500_000 < stored_bytes(one.small) < 800_000
    assert same_trees(one.small, other.small)
    next(files_in(other.small)).write_bytes(b"other")
    assert not same_trees(one.small, other.small)


def test_it_undoes_its_changes(tmp_path: Path) -> None:
    workload = Workload(tmp_path, SCALE)
    workload.make_small()
    workload.make_large()
    before = digest(workload.folder)
    times = {path: path.stat().st_mtime_ns for path in files_in(workload.folder)}
    workload.change_small()
    workload.change_large()
    changed = [path for path, time in times.items() if path.stat().st_mtime_ns != time]
    assert len(changed) == 4
    workload.undo_changes()
    assert digest(workload.folder) == before
    assert {path: path.stat().st_mtime_ns for path in files_in(workload.folder)} == times


def test_it_makes_many_names_of_few_contents(tmp_path: Path) -> None:
    workload = Workload(tmp_path, SCALE)
    workload.make_many()
    assert len(list(files_in(workload.many))) == 2_000
    assert len(list(files_in(workload.few))) == 1_000


def test_it_adds_up_the_memory_of_all_processes() -> None:
    hold = "import sys, time; held = bytearray(40_000_000); time.sleep(0.6)"
    both = f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {hold!r}]); {hold}; child.wait()"
    alone, together = (measure([sys.executable, "-c", program]) for program in (hold, both))
    assert 40e6 < alone.memory < 75e6
    assert 80e6 < together.memory < 150e6
    assert alone.wall > 0.6 > alone.cpu


def test_it_tells_of_a_command_that_fails() -> None:
    with pytest.raises(CommandFailed, match="ended with 3:\nno"):
        measure([sys.executable, "-c", "print('no'); raise SystemExit(3)"])


def test_it_holds_each_figure_against_its_budget() -> None:
    results = Results()
    for wall in (3.0, 2.0, 2.5):
        results.add(Result("ibs", "W1", wall, memory=90_000_000))
    results.add(Result("restic", "W1", 4.5))
    results.add(Result("ibs", "W3", 1.0))
    results.add(Result("restic", "W3", 2.0))
    results.add(Result("rclone", "W3", 1.5))
    results.add(Result("ibs", "W1-line", 11.0, stored=100_000_000))
    results.add(Result("ibs", "commit", 5.0, rate=20_000.0))
    found = {str(verdict["budget"])[:9]: (verdict["value"], verdict["met"]) for verdict in verdicts(results)
             if verdict["value"] is not None}
    assert found == {"W1 first ": (1.8, True), "W1 memory": (90.0, True), "W3 nothin": (0.667, False),
                     "W1 at 40 ": (1.25, True), "Commit of": (20_000, True)}
    assert len(missed(results)) == 1
    assert "| W3 nothing changed: part of the best peer's time | ≤ 0.6 | 0.67 | **no** |" in as_tables(results)
    assert "| W1 | ibs | 2.50 (2.00, 2.50, 3.00) |" in as_tables(results)
    assert len(BUDGETS) == len(verdicts(Results()))


@pytest.mark.long
def test_it_measures_whole_backups_on_real_servers(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    for folder in list(tmp_path.parents)[:2]:
        folder.chmod(0o755)
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "W1", "W3", "W4", "W5", "--scale", str(SCALE), "--no-peers", "--folder",
         tmp_path / "bench", "--json", figures], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    works = {result["work"]: result for result in json.loads(figures.read_text())["results"]}
    assert set(works) == {"W1", "W2", "W3", "W4-small", "W4-large", "W5"}
    assert works["W1"]["stored"] > works["W3"]["stored"]
    assert all(result["memory"] > 10e6 for result in works.values())
