"""Customers' sign-ins as staff see them: adding one, its page, its two switches, its password link."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from server import access, submissions
from server.forms.accounts import AccountForm, NewAccountForm, SwitchBackupsForm, SwitchMailForm
from server.models import Account, Customer
from server.services.house.refusals import NameInUse, ValueRefused
from server.services.house.versions import EditedMeanwhile
from server.services.people import accounts, customer_page
from server.services.signing_in import password_links

blueprint = Blueprint("accounts", __name__)
blueprint.before_request(access.require_sign_in)
LINK = "password_link"
"""Where the browser's session keeps a new link until its page has shown it, once."""


@blueprint.get("/customers/<label>/accounts/add")
def add(label: str) -> ResponseReturnValue:
    """The form to add a sign-in with."""
    customer = access.customer_for_staff(label)
    bought = customer_page.list_subscriptions(customer)
    return _add_page(customer, NewAccountForm(bought, data={"email": customer.email}))


@blueprint.post("/customers/<label>/accounts/add")
@submissions.once
def create(label: str) -> ResponseReturnValue:
    """Add a sign-in; its password is set by a link that works once."""
    customer, now = access.customer_for_staff(label), datetime.now(UTC)
    bought = customer_page.list_subscriptions(customer)
    form = NewAccountForm(bought)
    if not form.validate_on_submit():
        return _add_page(customer, form)
    try:
        account = accounts.create_account(
            customer, form.user_name.data, None, now, subscription=form.chosen(bought), email=form.email.data,
            actor=access.actor(), address=request.remote_addr or "")
    except (NameInUse, ValueRefused) as error:
        form.blame(error, "user_name")
        return _add_page(customer, form)
    _make_link(account, now)
    flash(f"The account {account.user_name} was added.")
    return redirect(url_for("accounts.page", account_id=account.id), 303)


@blueprint.get("/accounts/<int(max=2147483647):account_id>")
def page(account_id: int) -> ResponseReturnValue:
    """One sign-in with its switches and computers."""
    return _page(access.account_for_staff(account_id))


@blueprint.get("/accounts/<int(max=2147483647):account_id>/edit")
def edit(account_id: int) -> ResponseReturnValue:
    """The form to change a sign-in's address and subscription with."""
    account = access.account_for_staff(account_id)
    return _edit_page(account, AccountForm(customer_page.list_subscriptions(account.customer), account))


@blueprint.post("/accounts/<int(max=2147483647):account_id>/edit")
def save(account_id: int) -> ResponseReturnValue:
    """Change a sign-in's address and subscription; who saves second is told."""
    account = access.account_for_staff(account_id)
    bought = customer_page.list_subscriptions(account.customer)
    form = AccountForm(bought, account)
    if not form.validate_on_submit():
        return _edit_page(account, form)
    try:
        accounts.update_account(account, form.email.data, form.chosen(bought), form.version.data, datetime.now(UTC),
                                actor=access.actor(), address=request.remote_addr or "")
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, account)
        return _edit_page(account, form)
    return _done(account, "The account was saved.")


@blueprint.post("/accounts/<int(max=2147483647):account_id>/backups")
def switch_backups(account_id: int) -> ResponseReturnValue:
    """Accept or reject backups of this sign-in."""
    account, form = access.account_for_staff(account_id), SwitchBackupsForm()
    if not form.validate_on_submit():
        return _page(account, backups=form)
    accepts = form.accepts.data == "yes"
    accounts.switch_backups(account, accepts, datetime.now(UTC), actor=access.actor(), reason=form.reason.data,
                            address=request.remote_addr or "")
    return _done(account, f"Backups of {account.user_name} are {'accepted' if accepts else 'rejected'} from now on.")


@blueprint.post("/accounts/<int(max=2147483647):account_id>/mail")
def switch_mail(account_id: int) -> ResponseReturnValue:
    """Choose when this sign-in is told of its runs by e-mail."""
    account, form = access.account_for_staff(account_id), SwitchMailForm()
    if not form.validate_on_submit():
        return _page(account, mail=form)
    accounts.switch_mail(account, form.choice.data, datetime.now(UTC), actor=access.actor(),
                         address=request.remote_addr or "")
    return _done(account, f"E-mail after each run: {accounts.MAIL_CHOICES[form.choice.data].lower()}.")


@blueprint.post("/accounts/<int(max=2147483647):account_id>/password-link")
@submissions.once
def password_link(account_id: int) -> ResponseReturnValue:
    """Make a new link to set the password; the page shows it once."""
    account = access.account_for_staff(account_id)
    _make_link(account, datetime.now(UTC))
    return redirect(url_for("accounts.page", account_id=account_id), 303)


@blueprint.post("/accounts/<int(max=2147483647):account_id>/close")
def close(account_id: int) -> ResponseReturnValue:
    """Let nobody sign in with this account any more; its files stay."""
    account = access.account_for_staff(account_id)
    accounts.switch_open(account, False, datetime.now(UTC), actor=access.actor(), address=request.remote_addr or "")
    return _done(account, f"{account.user_name} is closed. Its restore points stay.")


@blueprint.post("/accounts/<int(max=2147483647):account_id>/reopen")
def reopen(account_id: int) -> ResponseReturnValue:
    """Let people sign in with this account again."""
    account = access.account_for_staff(account_id)
    accounts.switch_open(account, True, datetime.now(UTC), actor=access.actor(), address=request.remote_addr or "")
    return _done(account, f"{account.user_name} is open again.")


def _make_link(account: Account, now: datetime) -> None:
    token = password_links.create_link(account, now, actor=access.actor(), address=request.remote_addr or "")
    session[LINK] = {"account": account.id, "token": token}


def _done(account: Account, words: str) -> ResponseReturnValue:
    flash(words)
    return redirect(url_for("accounts.page", account_id=account.id), 303)


def _add_page(customer: Customer, form: NewAccountForm) -> ResponseReturnValue:
    return render_template("accounts/add.html", customer=customer, form=form), form.status


def _edit_page(account: Account, form: AccountForm) -> ResponseReturnValue:
    return render_template("accounts/edit.html", account=account, form=form), form.status


def _page(account: Account, *, backups: SwitchBackupsForm | None = None, mail: SwitchMailForm | None = None
          ) -> ResponseReturnValue:
    """The account's page, with the form that could not be used."""
    return render_template(
        "accounts/page.html",
        account=account,
        password_link=_new_link(account),
        machines=customer_page.machines_of(account, datetime.now(UTC)),
        points=accounts.restore_points_of(account),
        backups=backups or SwitchBackupsForm(formdata=None),
        mail=mail or SwitchMailForm(formdata=None, data={"choice": account.mail_on_completion}),
    ), 400 if backups or mail else 200


def _new_link(account: Account) -> str:
    """The link that was just made for this sign-in, the first time it is asked for."""
    if session.get(LINK, {}).get("account") != account.id:
        return ""
    return url_for("auth.set_password", token=session.pop(LINK)["token"], _external=True)
