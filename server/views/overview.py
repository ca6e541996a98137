"""The staff's first page: what needs attention?"""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from server import access
from server.pages import page_of
from server.services import overview
from server.services.cards import attention_count

blueprint = Blueprint("overview", __name__)
blueprint.before_request(access.require_sign_in)
ROWS_PER_PAGE = 50


@blueprint.get("/overview")
def index() -> ResponseReturnValue:
    """Every computer with its last backup and result, worst first."""
    access.staff_member()
    rows = overview.rows_of_all(datetime.now(UTC))
    cards = [row.card for row in rows if row.card]
    return render_template(
        "overview/index.html",
        sentence=overview.sentence_for_staff(cards),
        attention=attention_count(cards),
        customers=len({row.customer.id for row in rows}),
        total=len(cards),
        **page_of(rows, request.args.get("page", 1, int), ROWS_PER_PAGE)._asdict(),
    )
