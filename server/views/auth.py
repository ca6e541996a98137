"""Signing in to the portal and out of it."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from protocol.errors import SignInFailed, TooManyAttempts
from server import access
from server.extensions import limiter
from server.forms.auth import SignInForm
from server.services import sessions

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


def _page(form: SignInForm, problem: str = "") -> str:
    return render_template("auth/sign_in.html", form=form, problem=problem, next_page=request.args.get("next"))
