"""Passwords: set by a one-time link, asked for when forgotten, changed by who knows the present one."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from protocol.errors import SignInFailed, TooManyAttempts
from server import access, browser
from server.extensions import limiter
from server.forms.auth import ChangePasswordForm, ForgottenForm, NewPasswordForm
from server.jobs import nudge
from server.models import Account, Staff
from server.services.house.branding import Branding, read_branding
from server.services.mail.delivery import read_settings
from server.services.signing_in import forgotten as forgotten_passwords
from server.services.signing_in import password_links, sessions
from server.services.signing_in.password_links import LinkUsedUp
from server.views.auth import blueprint


@blueprint.get("/set-password/<token>")
def set_password_form(token: str) -> ResponseReturnValue:
    """The page of a one-time link, on which its person sets a password."""
    return _link_page(token, NewPasswordForm())


@blueprint.post("/set-password/<token>")
@limiter.limit("30 per minute")
def set_password(token: str) -> ResponseReturnValue:
    """Set the password; the link is used up then."""
    form, now = NewPasswordForm(), datetime.now(UTC)
    if not form.validate_on_submit():
        return _link_page(token, form)
    try:
        password_links.use_link(token, form.password.data, now, address=request.remote_addr or "")
    except LinkUsedUp as error:
        return render_template("auth/link_used_up.html", problem=error.explain()), error.status
    browser.end_session()
    flash("The password is set. Sign in with it.")
    return redirect(url_for("auth.sign_in_form"), 303)


@blueprint.get("/forgotten")
def forgotten() -> ResponseReturnValue:
    """The page for who forgot the password; without e-mail it says whom to ask."""
    return render_template("auth/forgotten.html", form=ForgottenForm(), sends=_sends(_brand()))


@blueprint.post("/forgotten")
@limiter.limit("10 per minute")
def send_link() -> ResponseReturnValue:
    """Send a link to whoever that is; the answer is the same for everybody."""
    form, brand, sends = ForgottenForm(), _brand(), _sends(_brand())
    if not sends or not form.validate_on_submit():
        return render_template("auth/forgotten.html", form=form, sends=sends), 400
    if forgotten_passwords.send_links(form.name.data, brand, datetime.now(UTC), address=request.remote_addr or ""):
        nudge(current_app, "send_mail")
    flash("If that is one of our sign-ins and has an e-mail address, a link is on its way there. It works for an hour.",
          "info")
    return redirect(url_for("auth.sign_in_form"), 303)


@blueprint.get("/your-sign-in/password")
def password() -> ResponseReturnValue:
    """The form to change one's own password with."""
    return _password_page(ChangePasswordForm())


@blueprint.post("/your-sign-in/password")
@limiter.limit("30 per minute")
def change_password() -> ResponseReturnValue:
    """Change one's own password; every other sign-in ends, this one goes on."""
    person, form = _person(), ChangePasswordForm()
    if not form.validate_on_submit():
        return _password_page(form)
    try:
        sessions.change_password(person, form.old.data, form.password.data, browser.browser_key(), datetime.now(UTC),
                                 address=request.remote_addr or "")
    except (SignInFailed, TooManyAttempts) as error:
        form.blame(error, "old")
        return _password_page(form)
    browser.keep_session(person)
    flash("The password was changed. You stay signed in here; every other sign-in has ended.")
    return redirect(url_for("auth.sessions"), 303)


def _person() -> Account | Staff:
    someone = access.person()
    assert someone is not None  # the blueprint has asked
    return someone


def _brand() -> Branding:
    return read_branding(current_app.config["IBS"].portal_name)


def _sends(brand: Branding) -> bool:
    """Whether links can be sent: the mail server and the address to which they lead are known."""
    config = current_app.config["IBS"]
    return bool(brand.address) and read_settings(config.secrets.kek, config.mail_authority).is_complete


def _link_page(token: str, form: NewPasswordForm) -> ResponseReturnValue:
    try:
        person = password_links.find_link(token, datetime.now(UTC))
    except LinkUsedUp as error:
        return render_template("auth/link_used_up.html", problem=error.explain()), error.status
    return render_template("auth/set_password.html", form=form, user_name=sessions.name_of(person)), form.status


def _password_page(form: ChangePasswordForm) -> ResponseReturnValue:
    return render_template("auth/password.html", form=form, user_name=access.actor()), form.status
