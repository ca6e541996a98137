"""Whatever stage a subscription is in, however full it is, whatever was switched off: restoring works."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from protocol import messages
from protocol.errors import Refusal
from server.config import Config
from server.extensions import db
from server.models import Account, Subscription
from server.services.selling import stages
from tests.parts.api_computer import ApiComputer, chunk_ids, enrol_computer
from tests.parts.pages import browse
from tests.parts.portal_world import PortalWorld

TODAY = datetime.now(UTC).date()
SPANS = {"not begun": (5, 300), "active": (-10, 300), "expiring": (-300, 5), "grace": (-300, -3),
         "expired": (-300, -40), "suspended": (-10, 300)}
"""First and last day of a subscription in each stage, counted from today; the plan has 7 days of grace."""


def put_into(licence: Subscription, stage: str) -> None:
    """Bring a subscription into a stage."""
    licence.plan.grace_days = 7
    db.session.flush()
    licence.valid_from, licence.valid_until = (TODAY + timedelta(days=days) for days in SPANS[stage])
    licence.suspended = stage == "suspended"
    db.session.commit()
    assert licence.stage(datetime.now(UTC)) == stage


@pytest.mark.parametrize("stage", stages.NAMES)
def test_every_stage_lets_people_and_computers_have_their_files(
    app: Flask, world: PortalWorld, config: Config, stage: str
) -> None:
    box = world.computer(world.owner, "FRONT")
    box.store({(b"home", b"letter.txt"): b"Dear Bob"}, datetime.now(UTC) - timedelta(days=20))
    desk = enrol_computer(app.test_client(), config, "alice.front")
    number = desk.back_up({b"a.txt": chunk_ids("a")[0]})
    licence = world.subscriptions[world.alice.id]
    licence.quota = 1
    account = db.session.get_one(Account, world.owner.id)
    account.accepts_backups = False
    put_into(licence, stage)

    for name in ("alice.front", "admin@example.com"):
        browser = browse(app, name)
        base = f"/files/{box.computer.id}/1"
        for address in (f"/files/{box.computer.id}/", f"{base}/", f"{base}/folder/home"):
            assert browser.get(address).status_code == 200, (name, address)
        assert browser.get(f"{base}/download/home/letter.txt").data == b"Dear Bob"
        assert browser.get(f"{base}/download/home").data[:2] == b"PK"
    assert desk.ask("POST", "/restores", messages.RestoreAccess).vault == desk.enrolled.vault
    assert [one.number for one in desk.ask("GET", "/snapshots", messages.Snapshots).snapshots] == [number]
    assert desk.names(number) == [(b"a.txt",)]


@pytest.mark.parametrize("stage", stages.NAMES)
def test_new_backups_follow_the_stage(app: Flask, world: PortalWorld, desk: ApiComputer, stage: str) -> None:
    put_into(world.subscriptions[world.alice.id], stage)
    if stage in stages.BACKS_UP:
        assert desk.open_run().number
    else:
        with pytest.raises(Refusal):
            desk.open_run()
