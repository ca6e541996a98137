"""A customer's first page: is everything protected?"""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server import access, submissions
from server.models import Staff
from server.services.files import contents
from server.services.fleet import computer_changes
from server.services.people import cards, own_plans

blueprint = Blueprint("home", __name__)
blueprint.before_request(access.require_sign_in)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """One sentence, a card for every computer, and what takes the space; staff go on to their overview."""
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
        plans=own_plans.plans_of(account, now),
        shares=contents.shares_of({card.computer.vault_id: card.computer.name for card in found}),
    )


@blueprint.post("/home/<computer_id>/back-up")
@submissions.once
def ask_backup(computer_id: str) -> ResponseReturnValue:
    """Ask a computer of one's own for a backup."""
    computer = access.own_computer(computer_id)
    computer_changes.ask_backup(computer, access.actor(), datetime.now(UTC), address=request.remote_addr or "")
    flash(f"{computer.name} was asked for a backup. It begins when the computer next asks the portal.")
    return redirect(url_for("home.index"), 303)
