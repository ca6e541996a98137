"""The staff's first page: what needs attention?"""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from server import access
from server.services.backup import run_list
from server.services.fleet import attention, overview

blueprint = Blueprint("overview", __name__, url_prefix="/overview")
blueprint.before_request(access.require_sign_in)
ROWS_PER_PAGE = 25
RUNS_SHOWN = 10


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Counters, what needs attention, the last 30 days, space, and what runs now."""
    staff, now = access.staff_member(), datetime.now(UTC)
    found = overview.look(staff, now)
    return render_template(
        "overview/index.html", overview=found, attention=found.attention.total,
        running=run_list.running_now(staff, now, RUNS_SHOWN), updates=_wants_updates())


@blueprint.get("/running")
def running() -> ResponseReturnValue:
    """The part of the page that changes by itself."""
    staff = access.staff_member()
    found = run_list.running_now(staff, datetime.now(UTC), RUNS_SHOWN)
    return render_template("overview/running.html", running=found, updates=_wants_updates())


@blueprint.get("/attention", endpoint="attention")
def attention_() -> ResponseReturnValue:
    """Everything that needs attention, worst first."""
    staff, now = access.staff_member(), datetime.now(UTC)
    page = min(max(request.args.get("page", 1, int), 1), 10**6)
    found = attention.read(staff, now, limit=ROWS_PER_PAGE, offset=(page - 1) * ROWS_PER_PAGE)
    if not found.items and page > 1:
        page = 1
        found = attention.read(staff, now, limit=ROWS_PER_PAGE)
    return render_template("overview/attention.html", items=found.items, attention=found.total, page=page,
                           pages=max(1, -(-found.total // ROWS_PER_PAGE)))


def _wants_updates() -> bool:
    return request.args.get("updates") != "off"
