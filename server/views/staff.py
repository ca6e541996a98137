"""The reseller's own people: the administrator's pages of them."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from server import access
from server.forms.staff import StaffForm
from server.models import Staff
from server.services.house.refusals import NameInUse, ValueRefused
from server.services.house.versions import EditedMeanwhile
from server.services.people import staff
from server.services.people.staff import LastAdministrator
from server.services.signing_in import password_links, second_step
from server.submissions import once

blueprint = Blueprint("staff", __name__, url_prefix="/staff")
blueprint.before_request(access.require_sign_in)
LINK = "staff_link"
"""Where the browser's session keeps a new link until its page has shown it, once."""


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Everybody who works for the reseller."""
    access.administrator()
    return render_template("staff/index.html", rows=staff.list_staff())


@blueprint.get("/add")
def add() -> ResponseReturnValue:
    """The form of a new person."""
    access.administrator()
    return _form_page(StaffForm())


@blueprint.post("/add")
@once
def create() -> ResponseReturnValue:
    """Add a person, who sets the password by a link."""
    access.administrator()
    form, now = StaffForm(), datetime.now(UTC)
    if not form.validate_on_submit():
        return _form_page(form)
    details = form.read()
    try:
        person = staff.create_staff(details.email, None, details.role, now, name=details.name,
                                    time_zone=details.time_zone, actor=access.actor(), address=_address())
    except (NameInUse, ValueRefused) as error:
        form.blame(error, "email")
        return _form_page(form)
    _make_link(person, now)
    return redirect(url_for(".page", staff_id=person.id), 303)


@blueprint.get("/<int(max=2147483647):staff_id>")
def page(staff_id: int) -> ResponseReturnValue:
    """One person; a link that was just made is shown this once."""
    access.administrator()
    person = staff.find_staff(staff_id)
    kept = session.pop(LINK, None)
    token = kept[1] if kept and kept[0] == person.id else ""
    address = url_for("auth.set_password", token=token, _external=True) if token else ""
    return render_template("staff/page.html", member=person, password_link=address)


@blueprint.get("/<int(max=2147483647):staff_id>/edit")
def edit(staff_id: int) -> ResponseReturnValue:
    """The form of a person's details."""
    access.administrator()
    person = staff.find_staff(staff_id)
    return _form_page(StaffForm(obj=person), person)


@blueprint.post("/<int(max=2147483647):staff_id>/edit")
def save(staff_id: int) -> ResponseReturnValue:
    """Give a person other details."""
    access.administrator()
    person, form = staff.find_staff(staff_id), StaffForm()
    if not form.validate_on_submit():
        return _form_page(form, person)
    try:
        staff.edit_staff(person, form.read(), form.version.data, datetime.now(UTC), actor=access.actor(),
                         address=_address())
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, person)
        return _form_page(form, person)
    except (NameInUse, ValueRefused, LastAdministrator) as error:
        form.blame(error, "role" if isinstance(error, LastAdministrator) else "email")
        return _form_page(form, person)
    flash(f"{person.email} was saved.")
    return redirect(url_for(".page", staff_id=person.id), 303)


@blueprint.post("/<int(max=2147483647):staff_id>/close")
def close(staff_id: int) -> ResponseReturnValue:
    """Let a person sign in no more; what they did stays on record."""
    return _close(staff_id, True)


@blueprint.post("/<int(max=2147483647):staff_id>/reopen")
def reopen(staff_id: int) -> ResponseReturnValue:
    """Let a person sign in again."""
    return _close(staff_id, False)


@blueprint.post("/<int(max=2147483647):staff_id>/password-link")
@once
def password_link(staff_id: int) -> ResponseReturnValue:
    """Make a new link to set the password; the page shows it once."""
    access.administrator()
    person = staff.find_staff(staff_id)
    _make_link(person, datetime.now(UTC))
    return redirect(url_for(".page", staff_id=person.id), 303)


@blueprint.post("/<int(max=2147483647):staff_id>/remove-second-step")
def remove_second_step(staff_id: int) -> ResponseReturnValue:
    """Let somebody who lost app and spare codes sign in with the password alone."""
    access.administrator()
    person = staff.find_staff(staff_id)
    second_step.remove_from(person, request.form.get("version", None, int), datetime.now(UTC), actor=access.actor(),
                            address=_address())
    flash(f"{person.email} signs in with the password alone now.")
    return redirect(url_for(".page", staff_id=person.id), 303)


def _close(staff_id: int, closed: bool) -> ResponseReturnValue:
    access.administrator()
    person = staff.find_staff(staff_id)
    staff.close_staff(person, closed, request.form.get("version", None, int), datetime.now(UTC), actor=access.actor(),
                      address=_address())
    flash(f"{person.email} can {'no longer' if closed else ''} sign in.".replace("  ", " "))
    return redirect(url_for(".page", staff_id=person.id), 303)


def _make_link(person: Staff, now: datetime) -> None:
    session[LINK] = [person.id, password_links.create_link(person, now, actor=access.actor(), address=_address())]


def _address() -> str:
    return request.remote_addr or ""


def _form_page(form: StaffForm, person: Staff | None = None) -> ResponseReturnValue:
    return render_template("staff/form.html", form=form, member=person), form.status
