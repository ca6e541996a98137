"""Subscriptions: selling one, looking at it, renewing and resuming it; subscription_changes has the other changes."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server import access
from server.forms.subscriptions import SellForm, plan_choices, storage_choices
from server.models import Customer
from server.services.selling import (
    allocation,
    changes,
    grants,
    plan_changes,
    plans,
    subscription_states,
    subscriptions,
    validity,
)
from server.services.selling.allocation import Outlook
from server.services.storage import storages
from server.submissions import once
from server.words import full_date

blueprint = Blueprint("subscriptions", __name__)
blueprint.before_request(access.require_sign_in)
HISTORY_ROWS = 20


@blueprint.get("/subscriptions/<int:subscription_id>")
def page(subscription_id: int) -> ResponseReturnValue:
    """Plan, validity, space, computers, storage and history."""
    subscription, now = access.subscription_for_staff(subscription_id), datetime.now(UTC)
    total, asked = changes.history_length(subscription), max(request.args.get("page", 1, int), 1)
    return render_template(
        "subscriptions/page.html",
        one=subscription_states.state_of(subscription, now),
        retention=subscription_states.retention_sentence(subscription, now),
        computers=subscription_states.computers_of(subscription),
        storage=allocation.storage_of(subscription),
        undoing=plan_changes.undoing(subscription, now),
        next_period=validity.next_period(subscription, now),
        history=changes.history_of(subscription, HISTORY_ROWS, (asked - 1) * HISTORY_ROWS),
        in_words=changes.in_words, page=asked, pages=max(1, -(-total // HISTORY_ROWS)),
    )


@blueprint.get("/customers/<label>/subscriptions/add")
def add(label: str) -> ResponseReturnValue:
    """The form to sell a plan."""
    customer = access.customer_for_staff(label)
    return _form_page(customer, _form(valid_from=datetime.now(UTC).date()))


@blueprint.post("/customers/<label>/subscriptions/add")
@once
def create(label: str) -> ResponseReturnValue:
    """Sell a plan."""
    customer, now, form = access.customer_for_staff(label), datetime.now(UTC), _form()
    if not form.validate_on_submit():
        return _form_page(customer, form)
    plan = plans.plan_with_id(int(form.plan.data))
    storage = storages.find_storage(int(form.storage.data)) if form.storage and form.storage.data else None
    if form.asks_first and (outlook := grants.room_for(plan, form.quota, storage, now)):
        return _form_page(customer, form, outlook)
    try:
        sold = subscriptions.create_subscription(
            customer, plan, now, valid_from=form.valid_from.data, valid_until=form.last_day, quota=form.quota,
            storage=storage, actor=access.actor(), address=request.remote_addr or "")
    except subscriptions.DaysRefused as error:
        form.blame(error, "valid_until" if form.valid_until else "valid_from")
        return _form_page(customer, form)
    flash(f"{plan.name} was sold to {customer.name}, valid until {full_date(sold.valid_until)}.")
    return redirect(url_for(".page", subscription_id=sold.id), 303)


@blueprint.post("/subscriptions/<int:subscription_id>/renew")
def renew(subscription_id: int) -> ResponseReturnValue:
    """Add one period."""
    subscription = access.subscription_for_staff(subscription_id)
    validity.renew(subscription, request.form.get("version", None, int), datetime.now(UTC), actor=access.actor(),
                   address=request.remote_addr or "")
    flash(f"{subscription.plan.name} is valid until {full_date(subscription.valid_until)}.")
    return redirect(url_for(".page", subscription_id=subscription.id), 303)


@blueprint.post("/subscriptions/<int:subscription_id>/resume")
def resume(subscription_id: int) -> ResponseReturnValue:
    """End a suspension."""
    subscription = access.subscription_for_staff(subscription_id)
    access.administrator()
    validity.resume(subscription, request.form.get("version", None, int), datetime.now(UTC), actor=access.actor(),
                    address=request.remote_addr or "")
    flash(f"{subscription.plan.name} was resumed.")
    return redirect(url_for(".page", subscription_id=subscription.id), 303)


def _form(**values: object) -> SellForm:
    form = SellForm(**values)
    form.plan.choices = plan_choices(plans.plans_on_sale())
    if access.is_administrator():
        form.storage.choices = storage_choices(storages.list_storages())
    else:
        form.limit()
    return form


def _form_page(customer: Customer, form: SellForm, outlook: Outlook | None = None) -> ResponseReturnValue:
    page = render_template("subscriptions/add.html", customer=customer, form=form, outlook=outlook)
    return page, 409 if outlook else form.status
