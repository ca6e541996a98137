"""Signing in to the portal and out of it: name and password, then perhaps a second step."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from protocol.errors import SignInFailed, TooManyAttempts
from server import access, browser
from server.extensions import limiter
from server.forms.auth import CodeForm, SignInForm
from server.models import Account, Staff
from server.services.signing_in import second_step, sessions
from server.services.signing_in.second_step import CodeRefused

blueprint = Blueprint("auth", __name__)
DOORS = {"sign_in_form", "sign_in", "sign_out", "code", "check_code", "set_password_form", "set_password", "forgotten",
         "send_link"}
"""The views that are open to those who are not signed in; modules that share this blueprint have some of them."""


@blueprint.before_request
def ask_who_it_is() -> ResponseReturnValue | None:
    """Everything here but the doors belongs to somebody."""
    return None if (request.endpoint or "").removeprefix("auth.") in DOORS else access.require_sign_in()


@blueprint.get("/sign-in")
def sign_in_form() -> ResponseReturnValue:
    """The page to sign in on; who is signed in already goes on."""
    if access.person() is not None:
        return redirect(browser.next_page(request.args.get("next")))
    return _page(SignInForm())


@blueprint.post("/sign-in")
@limiter.limit("30 per minute")
def sign_in() -> ResponseReturnValue:
    """Begin a session, ask for the second step, or say in one sentence why not."""
    form, now = SignInForm(), datetime.now(UTC)
    if not form.validate_on_submit():
        return _page(form), 400
    try:
        person = sessions.check_name_and_password(form.name.data, form.password.data, now)
    except (SignInFailed, TooManyAttempts) as error:
        return _page(form, error.explain()), error.status
    if person.totp_sealed:
        browser.begin_half_session(person)
        return redirect(url_for(".code", next=request.args.get("next")))
    return _enter(person, now)


@blueprint.get("/sign-in/code")
def code() -> ResponseReturnValue:
    """The page that asks for the second step; without a right password just before, the first one."""
    if browser.half_signed_in() is None:
        return redirect(url_for(".sign_in_form", next=request.args.get("next")))
    return _code_page(CodeForm())


@blueprint.post("/sign-in/code")
@limiter.limit("30 per minute")
def check_code() -> ResponseReturnValue:
    """Begin a session with a right code."""
    person, form, now = browser.half_signed_in(), CodeForm(), datetime.now(UTC)
    if person is None:
        return redirect(url_for(".sign_in_form", next=request.args.get("next")), 303)
    if not form.validate_on_submit():
        return _code_page(form), 400
    try:
        second_step.check_code(person, form.code.data, current_app.config["IBS"].secrets.kek, now)
    except (CodeRefused, TooManyAttempts) as error:
        return _code_page(CodeForm(formdata=None), error.explain()), error.status
    return _enter(person, now)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session."""
    browser.end_session()
    return redirect(url_for("auth.sign_in_form"))


def _enter(person: Account | Staff, now: datetime) -> ResponseReturnValue:
    key = sessions.sign_in(person, request.headers.get("User-Agent", ""), request.remote_addr or "", now)
    browser.begin_session(person, key)
    return redirect(browser.next_page(request.args.get("next")))


def _page(form: SignInForm, problem: str = "") -> str:
    return render_template("auth/sign_in.html", form=form, problem=problem, next_page=request.args.get("next"))


def _code_page(form: CodeForm, problem: str = "") -> str:
    return render_template("auth/code.html", form=form, problem=problem)
