"""The reseller's settings: the administrator's pages of branding and mail, and the logo for everybody."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from protocol.errors import NotFound
from server import access
from server.config import Config
from server.forms.settings import BrandingForm, MailForm, TestMailForm
from server.services.house import branding, preferences
from server.services.house.refusals import ValueRefused
from server.services.house.versions import EditedMeanwhile
from server.services.mail import delivery, outbox
from server.submissions import once
from vault.errors import BackupError

blueprint = Blueprint("settings", __name__, url_prefix="/settings")
LOGO_SECONDS = 365 * 24 * 60 * 60


@blueprint.before_request
def ask_who_it_is() -> ResponseReturnValue | None:
    """Everything here is an administrator's, but the logo stands on the sign-in page, too."""
    return None if request.endpoint == "settings.logo" else access.require_sign_in()


@blueprint.get("")
def index() -> ResponseReturnValue:
    """How the reseller is seen."""
    access.administrator()
    return _branding_page(BrandingForm(obj=branding.read_branding(_config().portal_name)))


@blueprint.post("")
def save_branding() -> ResponseReturnValue:
    """Set name, colour, logo and whom to ask."""
    access.administrator()
    form = BrandingForm()
    if not form.validate_on_submit():
        return _branding_page(form)
    try:
        branding.change_branding(form.read(), form.version.data, datetime.now(UTC), actor=access.actor(),
                                 address=request.remote_addr or "", logo=form.read_logo())
    except ValueRefused as error:
        form.blame(error, "logo")
        return _branding_page(form)
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, branding.read_branding(_config().portal_name))
        return _branding_page(form)
    flash("Saved. Pages show it from now on.")
    return redirect(url_for(".index"), 303)


@blueprint.get("/logo")
def logo() -> ResponseReturnValue:
    """The reseller's logo; its address carries its version."""
    found = branding.read_logo()
    if found is None:
        raise NotFound(what="such picture")
    caching = f"public, max-age={LOGO_SECONDS}, immutable" if request.args.get("v") else "no-cache"
    return Response(found[0], mimetype=found[1], headers={"Cache-Control": caching})


@blueprint.get("/mail")
def mail() -> ResponseReturnValue:
    """The mail server, and what could not be sent."""
    access.administrator()
    return _mail_page(MailForm(obj=_mail_settings()))


@blueprint.post("/mail")
def save_mail() -> ResponseReturnValue:
    """Set the mail server."""
    access.administrator()
    form = MailForm()
    if not form.validate_on_submit():
        return _mail_page(form)
    try:
        delivery.change_settings(form.read(_mail_settings()), _config().secrets.kek, form.version.data,
                                 datetime.now(UTC), actor=access.actor(), address=request.remote_addr or "")
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, _mail_settings())
        return _mail_page(form)
    flash("Saved. Send a test e-mail to see whether it works.")
    return redirect(url_for(".mail"), 303)


@blueprint.post("/mail/test")
@once
def test_mail() -> ResponseReturnValue:
    """Send one e-mail at once and tell what the server said."""
    access.administrator()
    form = TestMailForm()
    if not form.validate_on_submit():
        return _mail_page(MailForm(formdata=None, obj=_mail_settings()), form)
    brand = branding.read_branding(_config().portal_name)
    try:
        outbox.send_test(form.recipient.data, brand, _mail_settings(), datetime.now(UTC))
    except BackupError as error:
        flash(error.explain(), "error")
    else:
        flash(f"The mail server took the test e-mail to {form.recipient.data}.")
    return redirect(url_for(".mail"), 303)


def _config() -> Config:
    config: Config = current_app.config["IBS"]
    return config


def _mail_settings() -> delivery.MailSettings:
    return delivery.read_settings(_config().secrets.kek, _config().mail_authority)


def _branding_page(form: BrandingForm) -> ResponseReturnValue:
    record = preferences.record_of(branding.TOPIC)
    return render_template("settings/branding.html", form=form, record=record), form.status


def _mail_page(form: MailForm, trial: TestMailForm | None = None) -> ResponseReturnValue:
    trial = trial or TestMailForm(formdata=None, data={"recipient": access.actor()})
    status = trial.status if trial.errors else form.status
    return render_template(
        "settings/mail.html", form=form, trial=trial, record=preferences.record_of(delivery.TOPIC),
        counts=outbox.counts(), given_up=outbox.last_given_up(), ready=_mail_settings().is_complete), status
