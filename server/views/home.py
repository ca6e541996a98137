"""A customer's first page: is everything protected?"""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from server import access
from server.models import Staff
from server.services import cards

blueprint = Blueprint("home", __name__)
blueprint.before_request(access.require_sign_in)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """One sentence, and a card for every computer; staff go on to their overview."""
    if isinstance(access.person(), Staff):
        return redirect(url_for("overview.index"))
    account, now = access.customer_account(), datetime.now(UTC)
    found = cards.cards_of(account, now)
    return render_template(
        "home/index.html",
        cards=found,
        sentence=cards.sentence_for(found),
        notices=cards.notices_for(account, found, now),
        attention=cards.attention_count(found),
        last_backup=cards.last_backup(found),
    )
