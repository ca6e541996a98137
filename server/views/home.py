"""A customer's first page: is everything protected?"""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from server import access
from server.models import Staff
from server.services import overview

blueprint = Blueprint("home", __name__)
blueprint.before_request(access.require_sign_in)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """One sentence, and a card for every computer; staff go on to their overview."""
    if isinstance(access.person(), Staff):
        return redirect(url_for("overview.index"))
    account, now = access.customer_account(), datetime.now(UTC)
    cards = overview.cards_of(account, now)
    return render_template(
        "home/index.html",
        cards=cards,
        sentence=overview.sentence_for(cards),
        notices=overview.notices_for(account, cards, now),
        attention=overview.attention_count(cards),
        last_backup=overview.last_backup(cards),
    )
