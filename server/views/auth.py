"""Signing in to the portal and out of it."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from protocol.errors import SignInFailed, TooManyAttempts
from server import access
from server.extensions import limiter
from server.forms.auth import NewPasswordForm, SignInForm
from server.services import password_links, sessions
from server.services.password_links import LinkUsedUp

blueprint = Blueprint("auth", __name__)


@blueprint.get("/sign-in")
def sign_in_form() -> ResponseReturnValue:
    """The page to sign in on; who is signed in already goes on."""
    if access.person() is not None:
        return redirect(access.next_page(request.args.get("next")))
    return _page(SignInForm())


@blueprint.post("/sign-in")
@limiter.limit("30 per minute")
def sign_in() -> ResponseReturnValue:
    """Begin a session, or say in one sentence why not."""
    form = SignInForm()
    if not form.validate_on_submit():
        return _page(form), 400
    try:
        person = sessions.sign_in(form.name.data, form.password.data, request.remote_addr or "", datetime.now(UTC))
    except (SignInFailed, TooManyAttempts) as error:
        return _page(form, error.explain()), error.status
    access.begin_session(person)
    return redirect(access.next_page(request.args.get("next")))


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session."""
    access.end_session()
    return redirect(url_for("auth.sign_in_form"))


@blueprint.get("/set-password/<token>")
def set_password_form(token: str) -> ResponseReturnValue:
    """The page of a one-time link, on which its person sets a password."""
    return _password_page(token, NewPasswordForm())


@blueprint.post("/set-password/<token>", endpoint="set_password")
@limiter.limit("30 per minute")
def set_password(token: str) -> ResponseReturnValue:
    """Set the password; the link is used up then."""
    form, now = NewPasswordForm(), datetime.now(UTC)
    if not form.validate_on_submit():
        return _password_page(token, form)
    try:
        password_links.use_link(token, form.password.data, now, address=request.remote_addr or "")
    except LinkUsedUp as error:
        return render_template("auth/link_used_up.html", problem=error.explain()), error.status
    access.end_session()
    flash("The password is set. Sign in with it.")
    return redirect(url_for("auth.sign_in_form"), 303)


def _password_page(token: str, form: NewPasswordForm) -> ResponseReturnValue:
    try:
        person = password_links.find_link(token, datetime.now(UTC))
    except LinkUsedUp as error:
        return render_template("auth/link_used_up.html", problem=error.explain()), error.status
    return render_template("auth/set_password.html", form=form, user_name=sessions.name_of(person)), form.status


def _page(form: SignInForm, problem: str = "") -> str:
    return render_template("auth/sign_in.html", form=form, problem=problem, next_page=request.args.get("next"))
