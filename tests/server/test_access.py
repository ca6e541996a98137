"""The gates: who may know of which customer, account, subscription and computer, and who edits first."""
from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask_login import login_user

from protocol.errors import NotFound
from server import access
from server.extensions import db
from server.masking import mask, unmask
from server.models import Account, Customer, Staff
from server.pages import places
from server.services.house.refusals import NotPermitted
from server.services.house.versions import EditedMeanwhile, check_version, note_change
from tests.parts.pages import browse
from tests.parts.portal_world import PortalWorld

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


def ask(app: Flask, person: Account | Staff, gate: Callable[[], object]) -> str:
    """What a gate says to a person: yes, missing or forbidden."""
    with app.test_request_context():
        login_user(person)
        try:
            gate()
        except NotFound:
            return "missing"
        except NotPermitted:
            return "forbidden"
    return "yes"


def test_each_gate_opens_for_whom_it_should(app: Flask, world: PortalWorld) -> None:
    computer, subscription = world.computer(world.owner, "FRONT").computer, world.subscriptions[world.alice.id]
    people = (world.owner, world.second, world.stranger, world.implementor, world.outsider, world.administrator)
    theirs = "missing forbidden forbidden forbidden"
    gates: dict[str, tuple[Callable[[], object], str]] = {
        "administrator": (access.administrator, "missing missing missing forbidden forbidden yes"),
        "staff": (access.staff_member, "missing missing missing yes yes yes"),
        "customer": (lambda: access.customer_for_staff("C-000001"), "missing missing missing yes missing yes"),
        "account": (lambda: access.account_for_staff(world.owner.id), "missing missing missing yes missing yes"),
        "subscription": (lambda: access.subscription_for_staff(subscription.id),
                         "missing missing missing yes missing yes"),
        "computer": (lambda: access.computer_for_staff(computer.id), "missing missing missing yes missing yes"),
        "files": (lambda: access.computer_for_files(computer.id), "yes missing missing forbidden missing yes"),
        "own account": (lambda: access.own_account(world.owner.id), f"yes missing {theirs}"),
        "own computer": (lambda: access.own_computer(computer.id), f"yes missing {theirs}"),
        "second account": (lambda: access.own_account(world.second.id), f"yes yes {theirs}"),
    }
    for name, (gate, expected) in gates.items():
        assert (name, " ".join(ask(app, person, gate) for person in people)) == (name, expected)


@pytest.mark.parametrize("label", [
    "1", "C-1", "C-000001 ", "c-000001", "C-٠٠٠٠٠١", "C-0000000001", "C-000000", "", "C-999999999",
])
def test_a_customer_is_named_by_the_exact_number(app: Flask, world: PortalWorld, label: str) -> None:
    assert ask(app, world.administrator, lambda: access.customer_for_staff(label)) == "missing"


def test_the_navigation_names_only_pages_that_are_there(app: Flask, world: PortalWorld) -> None:
    with app.test_request_context("/overview"):
        for person in (world.administrator, world.implementor, world.owner):
            found = places(person)
            assert {place.endpoint for place in found} <= app.view_functions.keys()
            assert [place.label for place in found if place.current] in (["Overview"], [])
        assert places(world.administrator)[0].label == "Overview"
        implementor = {place.label for place in places(world.implementor)}
        assert implementor.isdisjoint({"Storage", "Plans", "Staff", "Settings"})


def test_the_second_who_saves_is_told(app: Flask, world: PortalWorld) -> None:
    shown = world.alice.version
    check_version(world.alice, shown)
    world.alice.name = "Alice Lake"
    note_change(world.alice, "admin@example.com", NOW)
    db.session.commit()
    with pytest.raises(EditedMeanwhile, match=r"admin@example.com changed this meanwhile, on 22 November at 09:00 UTC"):
        check_version(world.alice, shown)
    check_version(world.alice, shown + 1)


def test_a_record_is_held_with_what_stands_in_the_database(app: Flask, world: PortalWorld) -> None:
    known = world.alice.version
    db.session.commit()
    with db.engine.begin() as connection:
        connection.execute(Customer.__table__.update().values(version=known + 1, name="Renamed"))  # type: ignore[attr-defined]
    with pytest.raises(EditedMeanwhile):
        check_version(world.alice, known)
    assert world.alice.name == "Renamed"


def test_form_tokens_never_look_the_same_and_all_hold(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "alice.front")
    tokens = {browser.token("/") for _ in range(3)}
    assert len(tokens) == 3
    assert len({unmask(token) for token in tokens}) <= 2  # the plain one holds the second in which it was made
    assert browser.post("/sign-out", data={"csrf_token": tokens.pop()}).status_code == 302


@pytest.mark.parametrize("wrong", ["", "x", "=", "ä", "AAAA", "A" * 4000])
def test_what_is_no_masked_token_is_refused(app: Flask, world: PortalWorld, wrong: str) -> None:
    plain = unmask(browse(app, "alice.front").token("/"))
    browser = browse(app, "alice.front")
    for token in (wrong, plain or "", mask("IlgK")):
        assert browser.post("/sign-out", data={"csrf_token": token}).status_code == 400
    assert re.search("Sign out", browser.get("/").text)
