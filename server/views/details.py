"""A customer's own details: contact, the switches of its sign-ins, recovery sheets."""
from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from protocol.errors import SignInFailed, TooManyAttempts
from server import access, submissions
from server.forms.accounts import SwitchBackupsForm, SwitchMailForm
from server.forms.own import PasswordAgainForm
from server.forms.registrations import ContactForm
from server.models import Account, Computer
from server.services.files import doors, recovery_codes
from server.services.house.versions import EditedMeanwhile
from server.services.people import accounts, customers, own_details
from server.services.signing_in.sign_in import check_password
from server.services.storage.sealing import open_password, seal_password

blueprint = Blueprint("details", __name__, url_prefix="/details")
blueprint.before_request(access.require_sign_in)
NEW_CODE = "recovery_code"
"""Where the browser's session keeps a new recovery code, sealed, until its sheet has shown it, once."""


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Everything a customer can look up and set about itself."""
    return _page()


@blueprint.get("/contact")
def contact() -> ResponseReturnValue:
    """The form to change the contact details with."""
    return _contact_page(ContactForm(access.own_customer()))


@blueprint.post("/contact")
def save_contact() -> ResponseReturnValue:
    """Change the contact details; who saves second is told."""
    customer = access.own_customer()
    form = ContactForm(customer)
    if not form.validate_on_submit():
        return _contact_page(form)
    try:
        customers.update_customer(customer, form.values, form.version.data, datetime.now(UTC), actor=access.actor(),
                                  address=request.remote_addr or "")
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, customer)
        return _contact_page(form)
    flash("Your contact details were saved.")
    return redirect(url_for("details.index"), 303)


@blueprint.post("/accounts/<int(max=2147483647):account_id>/backups")
def switch_backups(account_id: int) -> ResponseReturnValue:
    """Accept or reject backups of a sign-in."""
    account, form = access.own_account(account_id), SwitchBackupsForm()
    if not form.validate_on_submit():
        return _page(account, backups=form)
    accepts = form.accepts.data == "yes"
    accounts.switch_backups(account, accepts, datetime.now(UTC), actor=access.actor(), reason=form.reason.data,
                            address=request.remote_addr or "")
    flash(f"Backups of {account.user_name} are {'accepted' if accepts else 'rejected'} from now on.")
    return redirect(url_for("details.index"), 303)


@blueprint.post("/accounts/<int(max=2147483647):account_id>/mail")
def switch_mail(account_id: int) -> ResponseReturnValue:
    """Choose when a sign-in is told of its runs by e-mail."""
    account, form = access.own_account(account_id), SwitchMailForm()
    if not form.validate_on_submit():
        return _page(account, mail=form)
    accounts.switch_mail(account, form.choice.data, datetime.now(UTC), actor=access.actor(),
                         address=request.remote_addr or "")
    flash(f"E-mail after each run of {account.user_name}: {accounts.MAIL_CHOICES[form.choice.data].lower()}.")
    return redirect(url_for("details.index"), 303)


@blueprint.get("/recovery")
def recovery() -> ResponseReturnValue:
    """The computers, each with its recovery sheet."""
    found = doors.by_plan(access.customer_account(), request.args.get("page", 1, int))
    return render_template("details/recovery.html", found=found)


@blueprint.get("/recovery/<computer_id>")
def sheet(computer_id: str) -> ResponseReturnValue:
    """A computer's recovery sheet, to be printed; with the new code if one was just made."""
    return _sheet(access.own_computer(computer_id), PasswordAgainForm(formdata=None))


@blueprint.post("/recovery/<computer_id>")
@submissions.once
def make_code(computer_id: str) -> ResponseReturnValue:
    """Make a new recovery code, for the owner who knows the password; its sheet shows it once."""
    access.own_customer()
    computer, form, now = access.own_computer(computer_id), PasswordAgainForm(), datetime.now(UTC)
    if not form.validate_on_submit():
        return _sheet(computer, form)
    account, config = access.customer_account(), current_app.config["IBS"]
    try:
        check_password(account, form.password.data, now)
    except (SignInFailed, TooManyAttempts) as error:
        form.blame(error, "password")
        return _sheet(computer, form)
    code = recovery_codes.make_recovery_code(computer, account, config, now, address=request.remote_addr or "")
    sealed = seal_password(config.secrets.kek, computer.id, code)
    session[NEW_CODE] = {"computer": computer.id, "code": b64encode(sealed).decode("ascii")}
    return redirect(url_for("details.sheet", computer_id=computer.id), 303)


def _page(account: Account | None = None, *, backups: SwitchBackupsForm | None = None,
          mail: SwitchMailForm | None = None) -> ResponseReturnValue:
    """The page, with the form of `account` that could not be used."""
    me = access.customer_account()
    return render_template(
        "details/index.html",
        customer=me.customer,
        accounts=own_details.accounts_of(me),
        wrong=account,
        backups=backups or SwitchBackupsForm(formdata=None),
        mail=mail,
        choices=accounts.MAIL_CHOICES,
    ), 400 if account else 200


def _contact_page(form: ContactForm) -> ResponseReturnValue:
    return render_template("details/contact.html", form=form, customer=access.own_customer()), form.status


def _sheet(computer: Computer, form: PasswordAgainForm) -> ResponseReturnValue:
    kept, code = session.get(NEW_CODE, {}), ""
    if kept.get("computer") == computer.id:
        session.pop(NEW_CODE)
        code = open_password(current_app.config["IBS"].secrets.kek, computer.id, b64decode(kept["code"]))
    return render_template("details/sheet.html", computer=computer, form=form, code=code), form.status
