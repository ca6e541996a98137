"""Computers as staff see them: the list, and one computer's tabs."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from server import access
from server.services.backup import run_list
from server.services.fleet import computer_changes, computer_page, computers, hardware
from server.services.fleet.computers import Wanted
from server.services.fleet.health import WORST_FIRST
from server.services.people.ownership import ADMINISTRATOR

blueprint = Blueprint("computers", __name__, url_prefix="/computers")
blueprint.before_request(access.require_sign_in)


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The computers that this member of staff serves, worst first."""
    staff, wanted, now = access.staff_member(), _wanted(), datetime.now(UTC)
    plans, storages = computers.plans_and_storages() if staff.role == ADMINISTRATOR else ({}, {})
    return render_template(
        "computers/index.html",
        wanted=wanted,
        listing=computers.list_computers(staff, wanted, now),
        states=WORST_FIRST,
        plans=plans,
        storages=storages,
    )


@blueprint.get("/<computer_id>")
def page(computer_id: str) -> ResponseReturnValue:
    """A computer in one view."""
    computer = access.computer_for_staff(computer_id)
    summary = computer_page.summarise(access.staff_member(), computer, datetime.now(UTC))
    return render_template("computers/page.html", computer=computer, health=summary.health, summary=summary,
                           asked=computer_changes.is_asked(computer))


@blueprint.get("/<computer_id>/hardware", endpoint="hardware")
def hardware_(computer_id: str) -> ResponseReturnValue:
    """What it reported of its hardware beside what is registered, and what was decided."""
    computer = access.computer_for_staff(computer_id)
    health = computer_page.head_of(computer, datetime.now(UTC))
    history = hardware.reports_of(computer.id)
    return render_template("computers/hardware.html", computer=computer, health=health, history=history,
                           lines=hardware.side_by_side(history) if history else ())


@blueprint.get("/<computer_id>/folders")
def folders(computer_id: str) -> ResponseReturnValue:
    """Its protected folders; implementors see how many."""
    computer = access.computer_for_staff(computer_id)
    health = computer_page.head_of(computer, datetime.now(UTC))
    return render_template("computers/folders.html", computer=computer, health=health)


@blueprint.get("/<computer_id>/runs")
def runs(computer_id: str) -> ResponseReturnValue:
    """Its runs, newest first."""
    computer, now = access.computer_for_staff(computer_id), datetime.now(UTC)
    health = computer_page.head_of(computer, now)
    wanted = run_list.Wanted(computer=computer.id, before=request.args.get("before", ""))
    listing = run_list.list_runs(access.staff_member(), wanted, now)
    return render_template("computers/runs.html", computer=computer, health=health, listing=listing, wanted=wanted)


@blueprint.get("/<computer_id>/activity")
def activity(computer_id: str) -> ResponseReturnValue:
    """What people and the portal did to it."""
    computer = access.computer_for_staff(computer_id)
    health = computer_page.head_of(computer, datetime.now(UTC))
    listing = computer_page.activity_of(computer, request.args.get("page", 1, int))
    return render_template("computers/activity.html", computer=computer, health=health, listing=listing)


def _wanted() -> Wanted:
    """What the address asks for; what means nothing is left out."""
    asked = request.args
    return computers.read_wanted(Wanted(
        search=asked.get("q", ""),
        state=asked.get("state", ""),
        customer=asked.get("customer", ""),
        plan=min(asked.get("plan", 0, int), 2**31 - 1),
        storage=min(asked.get("storage", 0, int), 2**31 - 1),
        waiting=asked.get("waiting") == "1",
        sort=asked.get("sort", ""),
        page=min(asked.get("page", 1, int), 10**6),
    ))
