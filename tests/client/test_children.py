"""Commands that another command starts: ended in order when that one is ended, and surely."""
from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from client.events import Event, Started
from client.jobs import children
from client.jobs.children import run_job
from client.store.agenda import load_agenda
from client.store.instance import hold
from tests.client.conftest import Client

pytestmark = pytest.mark.xdist_group("running_portal")

DEAF = ("import json, time\nprint(json.dumps({'event': 'started', 'run': 1}), flush=True)\ntime.sleep(60)")


def end_when_started(event: Event) -> None:
    if isinstance(event, Started):
        raise KeyboardInterrupt


def test_a_backup_whose_starter_is_ended_ends_in_order(protected: Client, source: Path) -> None:
    (source / "large.bin").write_bytes(os.urandom(60 << 20))
    with pytest.raises(KeyboardInterrupt):
        run_job(protected.home, "backup", emit=end_when_started)
    with hold(protected.home):  # it was waited for
        log = protected("log", "--json").json["jobs"][0]
    assert log["outcome"] == "cancelled"
    assert load_agenda(protected.home).failures == 0  # heard as a person's word, which every system has, not a signal


def test_one_that_does_not_listen_is_ended_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "own_command", lambda *_: [sys.executable, "-c", DEAF])
    monkeypatch.setattr(children, "ORDERLY_SECONDS", 0.5)
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_job(tmp_path, "backup", emit=end_when_started)
    assert 0.5 <= time.monotonic() - begun < 20
