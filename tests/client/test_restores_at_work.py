"""Restores that show that they are at work, and end when the program is about to be replaced."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from client.jobs.cancellation import Cancellation
from client.jobs.restores_at_work import ask_to_end, at_work, forget_call, is_any_at_work

SCRIPT = (
    "import sys\nfrom pathlib import Path\nfrom client.jobs.cancellation import Cancellation\n"
    "from client.jobs.restores_at_work import at_work\n"
    "with at_work(Path(sys.argv[1]), Cancellation()):\n    print(flush=True)\n    sys.stdin.read()\n"
)


def test_several_are_seen_until_the_last_one_is_gone_however_it_went(tmp_path: Path) -> None:
    assert not is_any_at_work(tmp_path)
    several = [
        subprocess.Popen([sys.executable, "-c", SCRIPT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for restore in several:
        assert restore.stdout is not None
        restore.stdout.readline()
    assert is_any_at_work(tmp_path)
    several[0].kill()
    several[0].communicate()
    assert is_any_at_work(tmp_path)
    several[1].communicate()
    assert not is_any_at_work(tmp_path)


def test_those_at_work_hear_the_call_and_later_ones_do_not(tmp_path: Path) -> None:
    first, second = Cancellation(), Cancellation()
    with at_work(tmp_path, first):
        ask_to_end(tmp_path)
        assert first.wait(5)
        assert first.by_system
    with at_work(tmp_path, second):
        assert not second.wait(0.7)
        forget_call(tmp_path)
        assert not second.wait(0.7)


def test_a_store_that_takes_no_mark_keeps_nobody_from_restoring(tmp_path: Path) -> None:
    (tmp_path / "requests").write_text("in the way")
    with at_work(tmp_path, Cancellation()), at_work(tmp_path / "nowhere", Cancellation()):
        assert not is_any_at_work(tmp_path)
