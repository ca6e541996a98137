"""The activity log: every run, skipped file and decision, also of runs that were killed."""
from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client.api.portal import Portal
from client.events import (
    Cancelled,
    Event,
    Failed,
    FileSkipped,
    Finished,
    FolderMissing,
    Notice,
    PackStored,
    Progress,
    Started,
)
from client.store import activity, documents
from client.store.activity import ActivityLog, log_files, read_logs, repair_logs, send_unsent
from protocol.messages import Done
from tests.client.talking_portal import HANG_UP, TalkingPortal, message, refusal

BEGAN = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
STRANGE = os.fsdecode(b"/home/caf\xe9\x01 & <x>\n.txt")
FINISHED = Finished(snapshot=12, files=3, bytes=300, read=30, stored=20, skipped=1, seconds=1.25)
EVERYTHING: tuple[Event, ...] = (
    Started(12), Progress(1, 2, 3, "/x"), FileSkipped(STRANGE, "IBS-4101", "it was in use"),
    FolderMissing("/media/disk", "IBS-4102", "not found"), PackStored(1, 8), Notice("The index was rebuilt."),
    Failed("IBS-2101", "Can't reach “it” & <that>.\x00", "Wait."), Failed("IBS-1201", "No.", "", refused=True),
    Cancelled(), FINISHED,
)


def ticking(begin: datetime = BEGAN) -> Callable[[], datetime]:
    """A clock that goes on by a second at each look."""
    moments = (begin + timedelta(seconds=second) for second in range(10**6))
    return lambda: next(moments)


def write_log(home: Path, run: int, *, begin: datetime = BEGAN) -> None:
    with ActivityLog(home, "backup", ticking(begin)) as log:
        log.record(Started(run))
        log.record(FINISHED)


def test_every_kind_of_event_is_recorded_and_fits_the_description(tmp_path: Path) -> None:
    with ActivityLog(tmp_path, "backup", ticking()) as log:
        for event in EVERYTHING:
            log.record(event)
    (path,) = log_files(tmp_path)
    assert path.name == "20261122T083000000000Z-12.xml"
    assert path.stat().st_mode & 0o077 == 0
    root = documents.parse(path.read_bytes())
    assert list(documents.load_schema("activity").iter_errors(root)) == []
    (job,) = read_logs(tmp_path, 10)
    assert [kind for kind, _, _ in job.entries] == [
        "started", "file-skipped", "folder-missing", "notice", "failed", "failed", "cancelled", "finished",
    ]
    assert job.entries[1][2] == {"path": STRANGE, "code": "IBS-4101", "reason": "it was in use"}
    assert job.entries[4][2]["sentence"] == "Can't reach “it” & <that>.\x00"
    assert (job.run, job.outcome, job.began) == (12, "finished", "2026-11-22T08:30:00Z")


def test_logs_are_listed_newest_first(tmp_path: Path) -> None:
    for run in (1, 2, 3):
        write_log(tmp_path, run, begin=BEGAN + timedelta(hours=run))
    assert [job.run for job in read_logs(tmp_path, 2)] == [3, 2]


def test_a_killed_run_keeps_its_log_and_shows_as_interrupted(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom client.store.activity import ActivityLog\n"
        "from client.events import *\nlog = ActivityLog(Path(sys.argv[1]), 'backup')\n"
        "log.record(Started(7))\nlog.record(Notice('One.'))\nlog._file.write(b'<notice at=\"2026')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert log_files(tmp_path) == []
    assert repair_logs(tmp_path) == 1
    (job,) = read_logs(tmp_path, 10)
    assert (job.run, job.outcome) == (7, "interrupted")
    assert [kind for kind, _, _ in job.entries] == ["started", "notice", "interrupted"]
    root = documents.parse(log_files(tmp_path)[0].read_bytes())
    assert list(documents.load_schema("activity").iter_errors(root)) == []
    assert repair_logs(tmp_path) == 0


def test_a_log_that_can_not_be_closed_now_keeps_no_backup_from_running(tmp_path: Path) -> None:
    folder = tmp_path / "activity"
    (folder / "20261122T083000000000Z-x.open").mkdir(parents=True)
    (folder / "20261122T084000000000Z-x.open").write_bytes(b'<activity job="backup">\n')
    assert repair_logs(tmp_path) == 1
    assert (folder / "20261122T083000000000Z-x.open").exists()


def test_what_a_thread_tells_after_the_end_is_passed_over(tmp_path: Path) -> None:
    with ActivityLog(tmp_path, "backup", ticking()) as log:
        log.record(Started(12))
    log.record(Notice("The computer slept for 5 min. The backup goes on."))
    (job,) = read_logs(tmp_path, 10)
    assert [kind for kind, _, _ in job.entries] == ["started"]


def test_the_log_of_a_job_that_still_works_is_left_alone(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom client.store.activity import ActivityLog\n"
        "with ActivityLog(Path(sys.argv[1]), 'restore'):\n    print(flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert repair_logs(tmp_path) == 0
        child.communicate()
    (job,) = read_logs(tmp_path, 10)
    assert (job.job, job.entries) == ("restore", ())


def test_a_flood_of_skipped_files_is_counted_but_not_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(activity, "SKIPPED_LIMIT", 5)
    with ActivityLog(tmp_path, "backup", ticking()) as log:
        for number in range(9):
            log.record(FileSkipped(f"/{number}", "IBS-4101", "in use"))
        log.record(FINISHED)
    (job,) = read_logs(tmp_path, 1)
    kinds = [kind for kind, _, _ in job.entries]
    assert kinds.count("file-skipped") == 5
    assert job.entries[-1][0] == "omitted"
    assert job.entries[-1][2]["skipped"] == "4"
    assert job.outcome == "finished"


def test_the_oldest_logs_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "KEPT_LOGS", 3)
    for run in range(1, 6):
        write_log(tmp_path, run, begin=BEGAN + timedelta(days=run))
    repair_logs(tmp_path)
    assert [job.run for job in read_logs(tmp_path, 10)] == [5, 4, 3]
    assert len(list((tmp_path / "activity").iterdir())) == 6


def test_logs_never_fill_the_disk_but_the_last_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        write_log(tmp_path, number, begin=BEGAN + timedelta(hours=number))
    size = log_files(tmp_path)[-1].stat().st_size
    monkeypatch.setattr(activity, "KEPT_BYTES", size * 3 + 10)
    repair_logs(tmp_path)
    assert [job.run for job in read_logs(tmp_path, 10)] == [5, 4, 3]
    monkeypatch.setattr(activity, "KEPT_BYTES", 1)
    repair_logs(tmp_path)
    assert [job.run for job in read_logs(tmp_path, 10)] == [5]
    assert [path.suffix for path in (tmp_path / "activity").iterdir() if path.suffix == ".unsent"] == [".unsent"]


def test_a_decision_of_the_schedule_is_a_log_of_its_own_that_stays_here(tmp_path: Path) -> None:
    with ActivityLog(tmp_path, "schedule", ticking()) as log:
        log.record(Notice("A backup is due and waits: this computer runs on battery."))
    (job,) = read_logs(tmp_path, 10)
    assert (job.job, job.run, job.outcome) == ("schedule", 0, "decided")
    assert not activity.is_anything_unsent(tmp_path)
    (path,) = log_files(tmp_path)
    assert list(documents.load_schema("activity").iter_errors(documents.parse(path.read_bytes()))) == []


def test_a_copy_goes_to_the_portal_once(tmp_path: Path) -> None:
    write_log(tmp_path, 12)
    server = TalkingPortal(message(Done()))
    portal = Portal(server.address, "token")
    assert send_unsent(tmp_path, portal) == 0
    assert send_unsent(tmp_path, portal) == 0
    portal.close()
    server.stop()
    (request,) = server.requests
    assert request.path == "/api/v1/runs/12/log"
    assert request.body == log_files(tmp_path)[0].read_bytes()


def test_a_copy_that_could_not_be_sent_goes_out_after_the_next_run(tmp_path: Path) -> None:
    write_log(tmp_path, 12)
    server = TalkingPortal(HANG_UP, message(Done()))
    portal = Portal(server.address, "token", patience=0)
    assert send_unsent(tmp_path, portal) == 1
    write_log(tmp_path, 13, begin=BEGAN + timedelta(hours=1))
    assert send_unsent(tmp_path, portal) == 0
    portal.close()
    server.stop()
    assert [request.path for request in server.requests[1:]] == ["/api/v1/runs/12/log", "/api/v1/runs/13/log"]


def test_a_log_that_the_portal_does_not_want_blocks_no_other(tmp_path: Path) -> None:
    write_log(tmp_path, 12)
    write_log(tmp_path, 13, begin=BEGAN + timedelta(hours=1))
    server = TalkingPortal(refusal("IBS-1301", 404, what="run 12"), message(Done()))
    portal = Portal(server.address, "token")
    assert send_unsent(tmp_path, portal) == 0
    portal.close()
    server.stop()
    assert len(server.requests) == 2
    note = next(read_logs(tmp_path, 1))
    ((kind, _, fields),) = note.entries
    assert (note.job, kind, fields["code"]) == ("schedule", "notice", "IBS-1301")
    assert "run 12, which stays on this computer: There is no run 12." in fields["text"]


@pytest.mark.parametrize("code", ["IBS-1104", "IBS-1208", "IBS-1000", "IBS-7777"])
def test_a_portal_that_does_not_listen_to_this_computer_now_gets_its_copies_later(tmp_path: Path, code: str) -> None:
    """A computer that is paused, or whose token has to be made anew, is only away for a while."""
    write_log(tmp_path, 12)
    write_log(tmp_path, 13, begin=BEGAN + timedelta(hours=1))
    server = TalkingPortal(refusal(code), message(Done()), message(Done()))
    portal = Portal(server.address, "token")
    assert send_unsent(tmp_path, portal) == 2
    assert send_unsent(tmp_path, portal) == 0
    portal.close()
    server.stop()
    assert [request.path[-6:-4] for request in server.requests] == ["12", "12", "13"]


def test_a_job_that_the_portal_never_opened_is_kept_here_only(tmp_path: Path) -> None:
    with ActivityLog(tmp_path, "backup", ticking()) as log:
        log.record(Failed("IBS-1201", "Switched off.", refused=True))
    with ActivityLog(tmp_path, "restore", ticking(BEGAN + timedelta(hours=1))) as log:
        log.record(Started(3, "restore"))
    assert not list((tmp_path / "activity").glob("*.unsent"))
    assert [job.run for job in read_logs(tmp_path, 10)] == [0, 0]


def test_a_log_that_somebody_broke_hides_no_other(tmp_path: Path) -> None:
    write_log(tmp_path, 12)
    write_log(tmp_path, 13, begin=BEGAN + timedelta(hours=1))
    log_files(tmp_path)[0].write_bytes(b"<!DOCTYPE x [<!ENTITY a 'b'>]><activity>&a;</activity>")
    assert [job.run for job in read_logs(tmp_path, 10)] == [13]
