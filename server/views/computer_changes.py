"""What staff do to a computer: every form that changes one."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from protocol.errors import TooManyComputers
from server import access, submissions
from server.forms.base import EditingForm
from server.forms.computers import MoveForm, PauseForm, RenameForm
from server.models import Computer
from server.services.fleet import computer_changes, computer_page, hardware
from server.services.house.refusals import ValueRefused
from server.services.house.versions import EditedMeanwhile
from server.views.computers import blueprint
from server.words import full_date

DECISIONS = {"accept": hardware.accept, "other": hardware.tell_apart}


@blueprint.get("/<computer_id>/manage")
def manage(computer_id: str) -> ResponseReturnValue:
    """The forms that change a computer."""
    return _manage(access.computer_for_staff(computer_id))


@blueprint.post("/<computer_id>/ask-backup")
@submissions.once
def ask_backup(computer_id: str) -> ResponseReturnValue:
    """Ask the computer for a backup."""
    computer = access.computer_for_staff(computer_id)
    computer_changes.ask_backup(computer, access.actor(), datetime.now(UTC), address=_address())
    flash(f"{computer.name} was asked for a backup. It begins when the computer next asks the portal.")
    return _done(computer)


@blueprint.post("/<computer_id>/rename")
@submissions.once
def rename(computer_id: str) -> ResponseReturnValue:
    """Give the computer another name."""
    computer, form = access.computer_for_staff(computer_id), RenameForm()
    if form.validate_on_submit():
        try:
            computer_changes.rename(computer, form.name.data, form.version.data, access.actor(), datetime.now(UTC),
                                    address=_address())
        except EditedMeanwhile as meanwhile:
            form.tell(meanwhile, computer)
            return _manage(computer, rename=form)
        flash(f"The computer is now called {computer.name}.")
        return _done(computer)
    return _manage(computer, rename=form)


@blueprint.post("/<computer_id>/pause")
@submissions.once
def pause(computer_id: str) -> ResponseReturnValue:
    """Expect no backups for a while."""
    computer, form = access.computer_for_staff(computer_id), PauseForm()
    if form.validate_on_submit():
        try:
            computer_changes.pause(computer, form.until.data, form.version.data, access.actor(), datetime.now(UTC),
                                   address=_address())
        except ValueRefused as error:
            form.blame(error, "until")
        except EditedMeanwhile as meanwhile:
            form.tell(meanwhile, computer)
        else:
            until = f" until {full_date(form.until.data)}" if form.until.data else ""
            flash(f"Backups of {computer.name} are paused{until}. Its restore points stay.")
            return _done(computer)
    return _manage(computer, pause=form)


@blueprint.post("/<computer_id>/resume")
@submissions.once
def resume(computer_id: str) -> ResponseReturnValue:
    """Expect backups again."""
    computer = access.computer_for_staff(computer_id)
    computer_changes.resume(computer, _version(), access.actor(), datetime.now(UTC), address=_address())
    flash(f"Backups of {computer.name} are expected again.")
    return _done(computer)


@blueprint.post("/<computer_id>/retire")
@submissions.once
def retire(computer_id: str) -> ResponseReturnValue:
    """Expect no backups any more."""
    computer = access.computer_for_staff(computer_id)
    computer_changes.retire(computer, _version(), access.actor(), datetime.now(UTC), address=_address())
    flash(f"{computer.name} is retired. Its history and its restore points stay.")
    return _done(computer)


@blueprint.post("/<computer_id>/move")
@submissions.once
def move(computer_id: str) -> ResponseReturnValue:
    """Let the computer belong to another subscription of its customer."""
    computer = access.computer_for_staff(computer_id)
    form = MoveForm(computer, computer_changes.homes_of(computer), sent=True)
    if form.validate_on_submit():
        try:
            computer_changes.move(computer, form.subscription_id.data, form.version.data, access.actor(),
                                  datetime.now(UTC), address=_address())
        except TooManyComputers as error:
            form.blame(error, "subscription_id")
        except EditedMeanwhile as meanwhile:
            form.tell(meanwhile, computer)
        else:
            flash(f"{computer.name} now belongs to the plan {computer.subscription.plan.name}.")
            return _done(computer)
    return _manage(computer, move=form)


@blueprint.post("/<computer_id>/decide")
@submissions.once
def decide(computer_id: str) -> ResponseReturnValue:
    """Say whether changed hardware is still the same computer."""
    computer, now = access.computer_for_staff(computer_id), datetime.now(UTC)
    decision = DECISIONS.get(request.form.get("decision", ""))
    if decision is None:
        flash("Nothing was decided; the computer goes on waiting.", "info")
    else:
        decision(computer, access.actor(), now, address=_address())
        flash(f"The new hardware of {computer.name} is registered; its next backup goes on."
              if decision is hardware.accept else
              f"{computer.name} is retired and keeps its restore points; the other computer must sign in as a new one.")
    return redirect(url_for("computers.hardware", computer_id=computer.id), 303)


def _manage(computer: Computer, **sent: EditingForm) -> ResponseReturnValue:
    """The page with every form; those in `sent` come back with what was typed."""
    health = computer_page.head_of(computer, datetime.now(UTC))
    homes = computer_changes.homes_of(computer)
    forms = {"rename": RenameForm(None, obj=computer), "pause": PauseForm(None), "move": MoveForm(computer, homes),
             **sent}
    status = max(form.status for form in sent.values()) if sent else 200
    return render_template(
        "computers/manage.html", computer=computer, health=health, forms=forms, homes=homes), status


def _done(computer: Computer) -> ResponseReturnValue:
    return redirect(url_for("computers.page", computer_id=computer.id), 303)


def _version() -> int | None:
    return request.form.get("version", None, int)


def _address() -> str:
    return request.remote_addr or ""
