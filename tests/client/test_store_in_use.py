"""The store of a client that is in use: every file fits its description."""
from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client.gui.placement import Placement, save_placement
from client.store import documents
from client.store.agenda import KnownFolder, change_agenda
from tests.client.conftest import Client
from tests.client.running_portal import RunningPortal

pytestmark = pytest.mark.xdist_group("running_portal")


def test_every_file_of_a_store_in_use_fits_its_description(
    protected: Client, running_portal: RunningPortal, source: Path,
) -> None:
    assert protected("schedule", "set", "daily", "--not-on-battery", "--limit", "9M@08:00-18:00").code == 0
    assert protected("backup").code == 0
    assert protected("tick").code == 0
    change_agenda(protected.home, lambda agenda: replace(
        agenda, wish=datetime.now(UTC), served=datetime.now(UTC) - timedelta(hours=1), wished_by="Zoë\x01",
        waiting="battery", folders=(*agenda.folders, KnownFolder("/gone", missing_since=datetime.now(UTC)))))
    save_placement(protected.home, Placement(900, 600, 0, 0, False))
    seen = set()
    for path in sorted(protected.home.rglob("*.xml")):
        name = "activity" if path.parent.name == "activity" else path.stem
        root = documents.parse(path.read_bytes())
        assert [str(problem.reason) for problem in documents.load_schema(name).iter_errors(root)] == [], path.name
        seen.add(name)
    assert seen >= {"settings", "identity", "run", "agenda", "index", "hardware", "checked", "activity", "window",
                    "access"}
