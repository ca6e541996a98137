"""Setting up a computer at a customer's: code, live checklist, hand-over sheet."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from server import access
from server.forms.setup import VisitForm
from server.services.fleet import installers, set_up, set_up_codes
from server.services.fleet.set_up import Progress
from server.services.house import qr_codes
from server.services.house.branding import read_branding
from server.submissions import once

blueprint = Blueprint("setup", __name__, url_prefix="/setup")
blueprint.before_request(access.require_sign_in)
CODE = "set_up_code"
"""Where the browser's session keeps a new code while its visit has no computer."""
POLL_ENDED = 286


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The visits of the last two weeks."""
    visits = set_up_codes.visits_for(access.staff_member(), datetime.now(UTC))
    return render_template("setup/index.html", visits=visits)


@blueprint.get("/customers/<label>")
def start(label: str) -> ResponseReturnValue:
    """Choose the account for which a computer is set up."""
    customer = access.customer_for_staff(label)
    open_accounts = [account for account in customer.accounts if not account.closed]
    return render_template("setup/start.html", customer=customer, accounts=open_accounts,
                           form=VisitForm().offer(open_accounts))


@blueprint.post("/customers/<label>")
@once
def begin(label: str) -> ResponseReturnValue:
    """Make a set-up code; its page shows it."""
    customer = access.customer_for_staff(label)
    open_accounts = [account for account in customer.accounts if not account.closed]
    form = VisitForm().offer(open_accounts)
    if not form.validate_on_submit():
        return render_template("setup/start.html", customer=customer, accounts=open_accounts, form=form), form.status
    account = access.account_for_staff(form.account.data)
    visit, code = set_up_codes.create_code(account, datetime.now(UTC), actor=access.actor(),
                                           address=request.remote_addr or "")
    session[CODE] = [visit.id, code]
    return redirect(url_for(".visit", visit_id=visit.id), 303)


@blueprint.get("/visits/<int(max=2147483647):visit_id>")
def visit(visit_id: int) -> ResponseReturnValue:
    """The visit: how to install, the code, and the checklist, which follows by itself."""
    progress = _progress(visit_id)
    kept = session.get(CODE)
    code = kept[1] if kept and kept[0] == visit_id and progress.computer is None else ""
    portal = read_branding(current_app.config["IBS"].portal_name).address or request.host_url.rstrip("/")
    picture = Markup(qr_codes.draw(f"{portal}/#{code}")) if code else ""
    return render_template("setup/visit.html", progress=progress, code=code, portal=portal, picture=picture,
                           files=installers.list_installers(current_app.config["IBS"].data))


@blueprint.get("/visits/<int(max=2147483647):visit_id>/checklist")
def checklist(visit_id: int) -> ResponseReturnValue:
    """The checklist alone, for the page that follows it."""
    progress = _progress(visit_id)
    return render_template("setup/checklist.html", progress=progress), POLL_ENDED if progress.is_complete else 200


@blueprint.get("/visits/<int(max=2147483647):visit_id>/sheet")
def sheet(visit_id: int) -> ResponseReturnValue:
    """The hand-over sheet to print."""
    return render_template("setup/sheet.html", progress=_progress(visit_id))


def _progress(visit_id: int) -> Progress:
    found = set_up_codes.find_visit(visit_id)
    account = access.account_for_staff(found.account_id)
    return set_up.progress_of(access.staff_member(), found, account, datetime.now(UTC))
