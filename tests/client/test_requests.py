"""The requests folder: wishes that anybody may leave, each heard once, in time, by the job that it was meant for."""
from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client.errors import HomeUnusable
from client.events import Event, Notice, Paused, Resumed
from client.jobs.control import Control
from client.jobs.event_file import JobFile
from client.jobs.requests import BACK_UP, CANCEL, PAUSE, RESUME, STOP, make_request, take_back_up, take_requests

JOB = "backup 4711 2026-11-23T05:00:00.000+00:00"
NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def test_a_wish_is_heard_once(tmp_path: Path) -> None:
    make_request(tmp_path, PAUSE, JOB)
    assert take_requests(tmp_path, JOB) == [PAUSE]
    assert take_requests(tmp_path, JOB) == []
    assert os.listdir(tmp_path / "requests") == []


def test_several_wishes_are_heard_with_the_end_first(tmp_path: Path) -> None:
    for wish in (RESUME, PAUSE, STOP, CANCEL):
        make_request(tmp_path, wish, JOB)
    assert take_requests(tmp_path, JOB) == [CANCEL, STOP, RESUME, PAUSE]


def test_wishes_are_heard_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    """Going on and pausing again within one look leaves the job paused, and the other way round."""
    for wishes in ([RESUME, PAUSE], [PAUSE, RESUME], [PAUSE, RESUME, PAUSE]):
        for second, wish in enumerate(wishes):
            make_request(tmp_path, wish, JOB, at=NOW + timedelta(microseconds=second))
        assert take_requests(tmp_path, JOB) == wishes[-2:]


@pytest.mark.parametrize(("wishes", "by_system"), [([STOP], True), ([CANCEL], False), ([STOP, CANCEL], False)])
def test_a_job_tells_the_end_of_the_program_from_the_end_that_a_person_wants(
    tmp_path: Path, wishes: list[str], by_system: bool,
) -> None:
    control = Control()
    with JobFile(tmp_path, "backup") as job:
        for wish in wishes:
            make_request(tmp_path, wish, job.begun.name)
        with job.hearing(control, [].append):
            assert control.cancelled.wait(5)
    assert control.cancelled.by_system is by_system


def test_a_wish_for_a_job_that_has_ended_does_not_hit_the_next_one(tmp_path: Path) -> None:
    make_request(tmp_path, CANCEL, "backup 17 2026-11-22T05:00:00.000+00:00")
    assert take_requests(tmp_path, JOB) == []
    assert os.listdir(tmp_path / "requests") == []


def test_a_backup_that_was_wished_for_long_ago_is_not_made(tmp_path: Path) -> None:
    make_request(tmp_path, BACK_UP, at=NOW - timedelta(days=2))
    assert not take_back_up(tmp_path, NOW)
    make_request(tmp_path, BACK_UP, at=NOW - timedelta(minutes=2))
    assert take_back_up(tmp_path, NOW)
    assert not take_back_up(tmp_path, NOW)


@pytest.mark.parametrize("content", [b"", b"[]", b'"pause"', b"{", b'{"job": 5}', b"\xff\xfe", b"x" * 5000,
                                     b"[" * 1024, json.dumps({"job": "another"}).encode()])
def test_what_is_no_request_is_no_wish_and_goes_away(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "requests").mkdir()
    (tmp_path / "requests" / PAUSE).write_bytes(content)
    assert take_requests(tmp_path, JOB) == []
    assert not (tmp_path / "requests" / PAUSE).exists()


def test_a_link_or_a_pipe_in_the_folder_leads_nowhere_and_holds_nobody_up(tmp_path: Path) -> None:
    make_request(tmp_path, RESUME, JOB)
    secret = tmp_path / "secret"
    (tmp_path / "requests" / RESUME).rename(secret)
    (tmp_path / "requests" / PAUSE).symlink_to(secret)
    (tmp_path / "requests" / CANCEL).mkdir()
    os.mkfifo(tmp_path / "requests" / RESUME)
    assert take_requests(tmp_path, JOB) == []
    assert secret.exists()


def test_a_folder_that_takes_no_requests_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "requests").write_text("in the way")
    with pytest.raises(HomeUnusable):
        make_request(tmp_path, PAUSE, JOB)


def test_a_pause_that_nobody_asks_for_again_ends_by_itself(tmp_path: Path) -> None:
    control, told, resumed = Control(), list[Event](), threading.Event()

    def emit(event: Event) -> None:
        told.append(event)
        if isinstance(event, Resumed):
            resumed.set()

    with JobFile(tmp_path, "backup") as job, job.hearing(control, emit, forgotten=1.0):
        for _ in range(6):  # a window that is open
            make_request(tmp_path, PAUSE, job.begun.name)
            assert not resumed.wait(0.3)
        assert control.paused
        assert resumed.wait(3)  # it was closed
        assert not control.paused
    assert [type(event) for event in told] == [Paused, Notice, Resumed]


def test_a_job_hears_its_requests_within_half_a_second(tmp_path: Path) -> None:
    control, told, heard = Control(), list[Event](), threading.Event()

    def emit(event: Event) -> None:
        told.append(event)
        heard.set()

    with JobFile(tmp_path, "backup") as job, job.hearing(control, emit):
        for wish in (PAUSE, RESUME):
            heard.clear()
            make_request(tmp_path, wish, job.begun.name)
            assert heard.wait(0.5)
            assert control.paused == (wish == PAUSE)
        make_request(tmp_path, RESUME, job.begun.name)
        make_request(tmp_path, CANCEL, job.begun.name)
        assert control.cancelled.wait(0.5)
    assert told == [Paused(), Resumed()]
