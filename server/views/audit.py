"""The audit trail: the administrator's page of all deeds, and their file."""
from __future__ import annotations

from datetime import UTC, date, datetime

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from server import access
from server.pages import reader_zone
from server.services.house import audit_log
from server.services.house.audit_log import HEADINGS, Wanted
from server.services.house.spreadsheets import TYPE, csv_file

blueprint = Blueprint("audit", __name__, url_prefix="/audit-log")
blueprint.before_request(access.require_sign_in)


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Who did what, newest first."""
    access.administrator()
    wanted = _wanted()
    page = audit_log.read_page(wanted, reader_zone(access.person()))
    return render_template("audit/index.html", wanted=wanted, **page._asdict())


@blueprint.get("/audit-log.csv")
def export_csv() -> ResponseReturnValue:
    """The same deeds as a CSV file, however many there are."""
    access.administrator()
    lines = csv_file(HEADINGS, audit_log.cells_of_all(_wanted(), reader_zone(access.person())))
    name = f"audit-log-{datetime.now(UTC):%Y-%m-%d}.csv"
    return Response(stream_with_context(lines), content_type=TYPE,
                    headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _wanted() -> Wanted:
    words = request.args
    return Wanted(
        actor=words.get("actor", "").strip()[:255], action=words.get("action", "").strip()[:100],
        customer=words.get("customer", "").strip()[:20], first=_day(words.get("first", "")),
        last=_day(words.get("last", "")), before=max(words.get("before", 0, int), 0) % 2**31,
    )  # fmt: skip


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
