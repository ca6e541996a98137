"""One's own sign-in: the second step with its spare codes, and the browsers in which one is signed in."""
from __future__ import annotations

import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime

from flask import current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from protocol.errors import SignInFailed, TooManyAttempts
from server import access, browser
from server.config import Config
from server.extensions import limiter
from server.forms.auth import CodeForm, ProveForm
from server.models import Account, Staff
from server.services.house.branding import read_branding
from server.services.house.qr_codes import draw
from server.services.signing_in import browser_sessions, second_step
from server.services.signing_in import sessions as signing_in
from server.services.signing_in.browser_names import browser_name
from server.services.signing_in.second_step import CodeRefused
from server.services.storage.sealing import open_password, seal_password
from server.views.auth import blueprint

SECRET, CODES = "second_step", "spare_codes"
"""Where the browser's session keeps, sealed, the key that is being set up, and new spare codes until they are seen."""


@blueprint.get("/your-sign-in")
def sessions() -> ResponseReturnValue:
    """Everything about one's own sign-in, with the browsers that are signed in."""
    found = browser.signed_in()
    rows = [(one, browser_name(one.browser))
            for one in browser_sessions.list_open(_person(), found.rules, datetime.now(UTC))]
    return render_template("auth/sessions.html", rows=rows, mine=found.session.id, rules=found.rules)


@blueprint.post("/your-sign-in/<int(max=2147483647):session_id>/end")
def end_one(session_id: int) -> ResponseReturnValue:
    """Sign out one browser."""
    signing_in.end_one(_person(), session_id, datetime.now(UTC), address=request.remote_addr or "")
    flash("That sign-in has ended.")
    return redirect(url_for("auth.sessions"), 303)


@blueprint.post("/your-sign-in/end-others")
def end_others() -> ResponseReturnValue:
    """Sign out every browser but this one."""
    ended = signing_in.end_others(_person(), browser.browser_key(), datetime.now(UTC),
                                  address=request.remote_addr or "")
    flash(f"{ended} other sign-in{'' if ended == 1 else 's'} ended.")
    return redirect(url_for("auth.sessions"), 303)


@blueprint.post("/your-sign-in/stay")
def stay() -> ResponseReturnValue:
    """Let this sign-in last from now on anew."""
    browser_sessions.note_seen(browser.signed_in().session, datetime.now(UTC))
    return "", 204


@blueprint.get("/your-sign-in/two-step")
def two_step() -> ResponseReturnValue:
    """The state of two-step sign-in, with the way to switch it on or off."""
    return _two_step_page(ProveForm(formdata=None) if _person().totp_sealed else CodeForm(formdata=None))


@blueprint.post("/your-sign-in/two-step")
@limiter.limit("30 per minute")
def turn_on() -> ResponseReturnValue:
    """Switch two-step sign-in on, once a code proves that the app makes them."""
    person, form, secret = _person(), CodeForm(), _open(SECRET)
    if person.totp_sealed or not secret:
        return redirect(url_for("auth.two_step"), 303)
    if not form.validate_on_submit():
        return _two_step_page(form)
    try:
        codes = second_step.turn_on(person, secret, form.code.data, _config().secrets.kek, datetime.now(UTC),
                                    address=request.remote_addr or "")
    except CodeRefused as error:
        form.blame(error, "code")
        return _two_step_page(form)
    return _show_codes(codes)


@blueprint.post("/your-sign-in/two-step/off")
@limiter.limit("30 per minute")
def turn_off() -> ResponseReturnValue:
    """Switch two-step sign-in off, for who knows the password and has a code."""
    refusal = _ask_for_proof()
    if refusal is not None:
        return refusal
    second_step.turn_off(_person(), datetime.now(UTC), address=request.remote_addr or "")
    flash("Two-step sign-in is off. The password alone signs you in.")
    return redirect(url_for("auth.two_step"), 303)


@blueprint.post("/your-sign-in/two-step/codes")
@limiter.limit("30 per minute")
def renew_codes() -> ResponseReturnValue:
    """Make new spare codes, for who knows the password and has a code."""
    refusal = _ask_for_proof()
    if refusal is not None:
        return refusal
    return _show_codes(second_step.renew_spare_codes(_person(), _config().secrets.kek, datetime.now(UTC),
                                                     address=request.remote_addr or ""))


@blueprint.get("/your-sign-in/two-step/codes")
def spare_codes() -> ResponseReturnValue:
    """New spare codes, to be printed; they are shown once."""
    kept = _open(CODES)
    session.pop(CODES, None)
    if not kept:
        return redirect(url_for("auth.two_step"))
    return render_template("auth/spare_codes.html", codes=json.loads(kept), user_name=access.actor())


def _person() -> Account | Staff:
    someone = access.person()
    assert someone is not None  # the blueprint has asked
    return someone


def _config() -> Config:
    config: Config = current_app.config["IBS"]
    return config


def _ask_for_proof() -> ResponseReturnValue | None:
    """None when password and code were right, else the page that says what is wrong."""
    person, form, now = _person(), ProveForm(), datetime.now(UTC)
    if not person.totp_sealed:
        return redirect(url_for("auth.two_step"), 303)
    if not form.validate_on_submit():
        return _two_step_page(form)
    try:
        signing_in.check_again(person, form.password.data, now)
        second_step.check_code(person, form.code.data, _config().secrets.kek, now)
    except (SignInFailed, TooManyAttempts) as error:
        form.blame(error, "password")
    except CodeRefused as error:
        form.blame(error, "code")
    return _two_step_page(form) if form.errors else None


def _show_codes(codes: list[str]) -> ResponseReturnValue:
    session.pop(SECRET, None)
    _keep(CODES, json.dumps(codes))
    return redirect(url_for("auth.spare_codes"), 303)


def _two_step_page(form: CodeForm | ProveForm) -> ResponseReturnValue:
    person = _person()
    if person.totp_sealed:
        left = second_step.count_spare_codes(person)
        return render_template("auth/two_step.html", form=form, left=left, rules=browser.signed_in().rules), form.status
    secret = _open(SECRET)
    if not secret:
        secret = second_step.new_secret()
        _keep(SECRET, secret)
    address = second_step.address_of(person, secret, read_branding(_config().portal_name).name)
    return render_template("auth/set_up_two_step.html", form=form, secret=secret, picture=Markup(draw(address)),
                           obliged=access.lacks_second_step(person)), form.status


def _keep(name: str, text: str) -> None:
    session[name] = b64encode(seal_password(_config().secrets.kek, f"{name} of {_person().get_id()}", text)).decode()


def _open(name: str) -> str:
    kept = session.get(name)
    return open_password(_config().secrets.kek, f"{name} of {_person().get_id()}", b64decode(kept)) if kept else ""
