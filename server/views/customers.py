"""Customers as staff see them: the list, one customer's tabs, and its registration."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server import access, submissions
from server.forms.base import showable
from server.forms.registrations import RegistrationForm
from server.models import Customer, Staff
from server.services.fleet.health import RETIRED, WORST_FIRST
from server.services.house.versions import EditedMeanwhile
from server.services.people import customer_list, customer_log, customer_page, customers, places
from server.services.people.customer_list import NOBODY, SORTS, Wanted
from server.services.people.ownership import ADMINISTRATOR
from server.services.selling import stages

blueprint = Blueprint("customers", __name__, url_prefix="/customers")
blueprint.before_request(access.require_sign_in)
STATES = tuple(word for word in WORST_FIRST if word != RETIRED)


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The customers whom this member of staff serves."""
    staff, now, wanted = access.staff_member(), datetime.now(UTC), _wanted()
    listing = customer_list.list_customers(staff, wanted, now)
    return render_template(
        "customers/index.html",
        listing=listing,
        wanted=wanted,
        nobody_yet=not (listing.total or wanted.is_filtered),
        filters=_filters(staff, wanted),
    )


@blueprint.get("/add")
def add() -> ResponseReturnValue:
    """The form to add a customer with."""
    return _add_page(RegistrationForm(access.staff_member(), customers.implementors()))


@blueprint.post("/add")
@submissions.once
def create() -> ResponseReturnValue:
    """Add a customer; subscription, account and computer follow on its page, each for itself."""
    staff = access.staff_member()
    form = RegistrationForm(staff, customers.implementors())
    if not form.validate_on_submit():
        return _add_page(form)
    mine = {} if staff.role == ADMINISTRATOR else {"implementor_id": staff.id}
    customer = customers.create_customer(
        form.values["name"], form.values["email"], datetime.now(UTC), details={**form.values, **mine},
        actor=access.actor(), address=request.remote_addr or "",
    )  # fmt: skip
    flash(f"{customer.name} was added with the customer number {customer.label}.")
    return redirect(url_for("customers.page", label=customer.label), 303)


@blueprint.get("/<label>")
def page(label: str) -> ResponseReturnValue:
    """A customer in one view."""
    customer, now = access.customer_for_staff(label), datetime.now(UTC)
    return render_template("customers/page.html", customer=customer, summary=customer_page.summarise(customer, now),
                           country=places.countries().get(customer.country or "", customer.country))


@blueprint.get("/<label>/registration")
def registration(label: str) -> ResponseReturnValue:
    """Everything that is known of the customer, to be read and changed."""
    customer = access.customer_for_staff(label)
    return _registration_page(customer, RegistrationForm(access.staff_member(), customers.implementors(), customer))


@blueprint.post("/<label>/registration")
def save_registration(label: str) -> ResponseReturnValue:
    """Change what is known of the customer; who saves second is told."""
    customer = access.customer_for_staff(label)
    form = RegistrationForm(access.staff_member(), customers.implementors(), customer)
    if not form.validate_on_submit():
        return _registration_page(customer, form)
    try:
        changed = customers.update_customer(
            customer, form.values, form.version.data, datetime.now(UTC), actor=access.actor(),
            address=request.remote_addr or "")
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, customer)
        return _registration_page(customer, form)
    flash("The registration was saved." if changed else "Nothing was changed.")
    return redirect(url_for("customers.registration", label=label), 303)


@blueprint.get("/<label>/subscriptions")
def subscriptions(label: str) -> ResponseReturnValue:
    """The plans that the customer has and had."""
    customer = access.customer_for_staff(label)
    bought = customer_page.list_bought(customer, datetime.now(UTC))
    return render_template("customers/subscriptions.html", customer=customer, bought=bought)


@blueprint.get("/<label>/accounts")
def accounts(label: str) -> ResponseReturnValue:
    """The customer's sign-ins."""
    customer = access.customer_for_staff(label)
    return render_template(
        "customers/accounts.html", customer=customer, accounts=customer_page.list_accounts(customer))


@blueprint.get("/<label>/computers")
def computers(label: str) -> ResponseReturnValue:
    """The customer's computers, worst first."""
    customer, page_ = access.customer_for_staff(label), request.args.get("page", 1, int)
    return render_template("customers/computers.html", customer=customer, files=False,
                           **customer_page.page_of_machines(customer, datetime.now(UTC), page_)._asdict())


@blueprint.get("/<label>/files")
def files(label: str) -> ResponseReturnValue:
    """The customer's computers with the way to their restore points; for administrators."""
    customer, page_ = access.customer_for_staff(label), request.args.get("page", 1, int)
    access.administrator()
    return render_template("customers/computers.html", customer=customer, files=True,
                           **customer_page.page_of_machines(customer, datetime.now(UTC), page_)._asdict())


@blueprint.get("/<label>/log")
def log(label: str) -> ResponseReturnValue:
    """What people did for the customer and what its computers did, newest first."""
    customer = access.customer_for_staff(label)
    found = customer_log.read_log(customer, request.args.get("page", 1, int),
                                  names=access.staff_member().role == ADMINISTRATOR)
    return render_template("customers/log.html", customer=customer, **found._asdict())


def _add_page(form: RegistrationForm) -> ResponseReturnValue:
    return render_template("customers/add.html", form=form), form.status


def _registration_page(customer: Customer, form: RegistrationForm) -> ResponseReturnValue:
    return render_template("customers/registration.html", customer=customer, form=form), form.status


def _filters(staff: Staff, wanted: Wanted) -> list[tuple[str, str, list[tuple[str, str]], str]]:
    """The list's filters: name, label, choices with their words, and the present choice."""
    filters = [
        ("state", "State", [(word, word) for word in STATES], wanted.state),
        ("stage", "Plan", [(word, word.capitalize()) for word in stages.NAMES], wanted.stage),
    ]
    if staff.role == ADMINISTRATOR:
        people = [(str(one.id), one.name or one.email) for one in customers.implementors()]
        filters.append(("implementor", "Assigned to", [(NOBODY, "Nobody"), *people], wanted.implementor))
    return filters


def _wanted() -> Wanted:
    """What the address asks for; words that mean nothing are left out."""
    asked = request.args
    implementor, sort = asked.get("implementor", ""), asked.get("sort", "")
    known = implementor == NOBODY or (implementor.isascii() and implementor.isdigit() and len(implementor) < 10)
    return Wanted(
        search=showable(asked.get("q", "").strip()[:255]),
        state=asked.get("state", "") if asked.get("state") in STATES else "",
        stage=asked.get("stage", "") if asked.get("stage") in stages.NAMES else "",
        implementor=implementor if known else "",
        sort=sort if sort.removeprefix("-") in SORTS else customer_list.DEFAULT_SORT,
        page=min(max(asked.get("page", 1, int), 1), 10**6),
    )
