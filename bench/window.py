"""script/bench client: what the client's window costs, on a screen of Xvfb, and how quickly it answers in a backup.

First paint, memory and processor of the idle window; the lateness of a timer while 20,000 files are backed up, and how
much longer that takes than from the command line; a tick with nothing due. Vorta is measured beside it when its
command is named.
"""
from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.measure import measure
from bench.network import LOOPBACK
from bench.results import machine
from bench.servers import COMMANDS, running_portal, running_storage, servers_can_run
from bench.tools import Ours
from bench.workload import Workload, read_all
from tests.parts.window import Screen, screen

CHECKOUT = Path(__file__).resolve().parents[1]
FIRST_PAINT, IDLE_MEMORY, IDLE_SHARE, ANSWER, SLOWDOWN, TICK = 0.5, 45.0, 0.1, 50.0, 10.0, 0.35
"""A share of 0.1 % is a millisecond in each second, for looking once whether somebody else began a backup."""
SETTLED, IDLE = 8.0, 30.0
PAINT_PATIENCE = 30.0
RESOLUTIONS = {"100 %": 96, "200 %": 192}


@dataclass(frozen=True)
class Figure:
    """One figure of one program; `limit` is the most that it may be, None where nothing was promised."""

    program: str
    text: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def met(self) -> str:
        """Whether it is as promised."""
        return "" if self.limit is None else "yes" if self.value <= self.limit else "**no**"


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], on: Screen, **variables: str
) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """A program with a window, and when it was started; it is ended with the block."""
    began = time.monotonic()
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, env=os.environ | {"DISPLAY": on.display} | variables)
    try:
        yield process, began
    finally:
        process.terminate()
        process.wait(20)


def paint_seconds(command: Sequence[str | Path], folder: Path, dpi: int, **variables: str) -> float:
    """From the start of the process until something is seen on a screen of its own, of that resolution."""
    with screen(folder, dpi=dpi) as on, running(command, on, **variables) as (process, began):
        while on.is_blank():
            if process.poll() is not None or time.monotonic() - began > PAINT_PATIENCE:
                raise SystemExit(f"{command[0]} painted nothing")
            time.sleep(0.005)
        return time.monotonic() - began


def idle_cost(command: Sequence[str | Path], folder: Path, **variables: str) -> tuple[float, float]:
    """(resident megabytes, processor in percent) of a window that nobody touches, its children included."""
    with screen(folder) as on, running(command, on, **variables) as (process, _):
        time.sleep(SETTLED)
        before = _processor(process.pid)
        time.sleep(IDLE)
        share = (_processor(process.pid) - before) / IDLE * 100
        return _memory(process.pid), share


def _processor(pid: int) -> float:
    """Seconds that the threads of a process have used; to the nanosecond, unlike its `stat`."""
    return sum(int(file.read_text().split()[0]) for file in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def _memory(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6


class ClientBench:
    """One measurement of the client; figures are told as they come."""

    def __init__(self, options: argparse.Namespace) -> None:
        """`options` as read_options makes them."""
        self.options = options
        self.figures: list[Figure] = []

    def tell(self, program: str, text: str, value: float, unit: str, limit: float | None = None) -> None:
        """Keep a figure and show it."""
        self.figures.append(Figure(program, text, value, unit, limit))
        print(f"{program:<8} {text:<60} {value:8.2f} {unit}", flush=True)

    def run(self) -> None:
        """Everything, on servers of its own."""
        workload = Workload(self.options.folder, self.options.scale)
        workload.make_small()
        with (tempfile.TemporaryDirectory(prefix="run-", dir=self.options.folder) as name,
              running_storage(Path(name), LOOPBACK.host) as storage, running_portal(Path(name), storage) as portal):
            folder = Path(name)
            ours = Ours(storage, LOOPBACK, folder, portal)
            self.measure_backups(ours, workload.small, folder)
            home = folder / f"home-{workload.small.name}"
            self.measure_tick(home)
            self.measure_window("ibs", [COMMANDS / "ibs-client", "--home", home], folder, paint=FIRST_PAINT,
                                memory=IDLE_MEMORY, share=IDLE_SHARE)
            if self.options.vorta:
                self.measure_window("vorta", shlex.split(self.options.vorta), folder)

    def measure_window(
        self, program: str, command: Sequence[str | Path], folder: Path, *, paint: float | None = None,
        memory: float | None = None, share: float | None = None,
    ) -> None:
        """First paint, and the cost of rest."""
        personal = folder / f"person-{program}"
        personal.mkdir(exist_ok=True)
        variables = {"HOME": str(personal), "XDG_RUNTIME_DIR": str(personal)}
        for size, dpi in RESOLUTIONS.items():
            times = [paint_seconds(command, folder / f"screen-{program}-{dpi}-{number}", dpi, **variables)
                     for number in range(self.options.repeat + 1)][1:]  # the first one warms the disk's memory
            self.tell(program, f"first paint at {size}", median(times), "s", paint)
        resident, busy = idle_cost(command, folder / f"screen-{program}-idle", **variables)
        self.tell(program, "idle window: resident", resident, "MB", memory)
        self.tell(program, "idle window: processor", busy, "%", share)

    def measure_tick(self, home: Path) -> None:
        """Nothing is due: the schedule is off."""
        command: list[str | Path] = [COMMANDS / "ibs-client", "--home", home, "tick"]
        measure(command)
        costs = [measure(command) for _ in range(5)]
        self.tell("ibs", "tick with nothing due: processor", median(cost.cpu for cost in costs), "s", TICK)

    def measure_backups(self, ours: Ours, tree: Path, folder: Path) -> None:
        """The same first backup from the command line and from the window, in turn."""
        home, walls = folder / f"home-{tree.name}", {"command": list[float](), "window": list[float]()}
        answers: list[dict[str, float]] = []
        for turn in range(self.options.repeat):
            for way in sorted(walls, reverse=bool(turn % 2)):
                shutil.rmtree(home, ignore_errors=True)
                ours.prepare(tree)
                read_all(tree)
                if way == "command":
                    walls[way].append(ours.back_up(tree, first=True).wall)
                else:
                    answers.append(self.back_up_in_window(home, folder / f"screen-{turn}"))
                    walls[way].append(answers[-1]["wall"])
        files = f"{int(answers[0]['files']):,} files"
        self.tell("ibs", f"{files} from the command line", median(walls["command"]), "s")
        self.tell("ibs", f"{files} from the window", median(walls["window"]), "s")
        slower = (median(walls["window"]) / median(walls["command"]) - 1) * 100
        self.tell("ibs", "slower from the window", slower, "%", SLOWDOWN)
        for name, text, limit in (("median_ms", "median", None), ("p99_ms", "99th percentile", ANSWER),
                                  ("worst_ms", "worst", None)):
            value = median(answer[name] for answer in answers)
            self.tell("ibs", f"window's answer during the backup: {text}", value, "ms", limit)
        most = max(answer["memory"] for answer in answers) / 1e6
        self.tell("ibs", "window during the backup: most resident", most, "MB")

    def back_up_in_window(self, home: Path, place: Path) -> dict[str, float]:
        """The figures of bench.window_probe."""
        with screen(place) as on:
            done = subprocess.run([sys.executable, "-m", "bench.window_probe", str(home)], cwd=CHECKOUT, check=True,
                                  env=os.environ | {"DISPLAY": on.display}, capture_output=True, text=True)
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        if found["skipped"]:
            raise SystemExit(f"the backup skipped {found['skipped']} files")
        return found

    def as_table(self) -> str:
        """In Markdown."""
        lines = ["| program | figure | at most | measured | met |", "|---|---|--:|--:|---|"]
        for one in self.figures:
            limit = "" if one.limit is None else f"{one.limit:g} {one.unit}"
            lines.append(f"| {one.program} | {one.text} | {limit} | {one.value:,.2f} {one.unit} | {one.met} |")
        return "\n".join(lines)

    def record(self, file: Path) -> None:
        """Append date, machine and table to the results document."""
        facts = machine()
        where = [f"{facts['cores']} cores", facts["processor"], facts["memory"], facts["system"],
                 f"python {facts['python']}", "Xvfb", f"median of {self.options.repeat}"]
        if self.options.vorta:
            said = subprocess.run([*shlex.split(self.options.vorta), "--version"], capture_output=True, text=True,
                                  check=False, env=os.environ | {"QT_QPA_PLATFORM": "offscreen"})
            where.append(said.stdout.strip() or "vorta")
        with file.open("a") as document:
            document.write(f"\n## {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, the client's window\n\n{'; '.join(where)}. "
                           f"A tick is one look at the clock; an answer is how late a timer of Tk comes.\n\n"
                           f"{self.as_table()}\n")


def read_options() -> argparse.Namespace:
    """The words after script/bench client."""
    parser = argparse.ArgumentParser(prog="script/bench client", description=(__doc__ or "").split("\n\n")[1])
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="measure N times, tell the median (3)")
    parser.add_argument("--scale", type=float, default=1.0, metavar="F", help="a smaller workload, to try this out")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/ibs-bench"), metavar="DIR",
                        help="where the trees are made and kept (400 MB)")
    parser.add_argument("--vorta", metavar="COMMAND", help="measure Vorta's window beside it")
    parser.add_argument("--record", action="store_true", help="append the table to bench/RESULTS.md")
    return parser.parse_args()


def main() -> int:
    """Measure; returns 1 when something is not as promised, at full scale."""
    options = read_options()
    options.folder = options.folder.absolute()
    options.folder.mkdir(parents=True, exist_ok=True)
    if not servers_can_run():
        raise SystemExit("script/bench runs vsftpd, which needs root")
    bench = ClientBench(options)
    bench.run()
    print(f"\n{bench.as_table()}")
    if options.record:
        bench.record(CHECKOUT / "bench/RESULTS.md")
    return 1 if options.scale == 1 and any("no" in one.met for one in bench.figures) else 0


if __name__ == "__main__":
    sys.exit(main())
