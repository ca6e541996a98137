"""What only administrators change of a subscription (last day, suspension, quota, storage), and changing its plan."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server import access
from server.forms.base import Form
from server.forms.numbers import in_gigabytes
from server.forms.subscriptions import (
    GrantForm,
    LastDayForm,
    PlaceForm,
    PlanChangeForm,
    SuspendForm,
    plan_choices,
    storage_choices,
)
from server.models import Plan, Subscription
from server.services.house.refusals import ValueRefused
from server.services.house.versions import EditedMeanwhile
from server.services.selling import grants, plan_changes, plans, subscription_states, validity
from server.services.selling.plan_changes import Preview
from server.services.selling.subscriptions import DaysRefused
from server.services.storage import storages
from server.views.subscriptions import blueprint
from server.words import full_date, size


@blueprint.get("/subscriptions/<int:subscription_id>/extend")
def extend(subscription_id: int) -> ResponseReturnValue:
    """The form of the last day."""
    subscription = _for_administrator(subscription_id)
    return _page("extend", subscription, LastDayForm(valid_until=subscription.valid_until))


@blueprint.post("/subscriptions/<int:subscription_id>/extend")
def set_last_day(subscription_id: int) -> ResponseReturnValue:
    """Make another day the last one."""
    subscription, form = _for_administrator(subscription_id), LastDayForm()
    if not form.validate_on_submit():
        return _page("extend", subscription, form)
    try:
        validity.extend(subscription, form.valid_until.data, form.reason.data, form.version.data, datetime.now(UTC),
                        actor=access.actor(), address=request.remote_addr or "")
    except DaysRefused as error:
        form.blame(error, "valid_until")
        return _page("extend", subscription, form)
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, subscription)
        return _page("extend", subscription, form)
    return _done(subscription, f"The last day is {full_date(subscription.valid_until)}.")


@blueprint.get("/subscriptions/<int:subscription_id>/suspend")
def suspend(subscription_id: int) -> ResponseReturnValue:
    """The form of a suspension."""
    return _page("suspend", _for_administrator(subscription_id), SuspendForm())


@blueprint.post("/subscriptions/<int:subscription_id>/suspend")
def stop_backups(subscription_id: int) -> ResponseReturnValue:
    """Make no new backups until it is resumed."""
    subscription, form = _for_administrator(subscription_id), SuspendForm()
    if not form.validate_on_submit():
        return _page("suspend", subscription, form)
    try:
        validity.suspend(subscription, form.reason.data, form.version.data, datetime.now(UTC), actor=access.actor(),
                         address=request.remote_addr or "")
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, subscription)
        return _page("suspend", subscription, form)
    return _done(subscription, "Suspended. No new backups are made; everything backed up can be restored.")


@blueprint.get("/subscriptions/<int:subscription_id>/grant")
def grant(subscription_id: int) -> ResponseReturnValue:
    """The form of the quota; with ?gigabytes= it shows what that does to the storage before it is granted."""
    subscription = _for_administrator(subscription_id)
    if "gigabytes" not in request.args:
        return _page("grant", subscription, GrantForm(gigabytes=in_gigabytes(subscription.quota)))
    form = GrantForm(request.args, meta={"csrf": False})
    if not form.validate():
        return _page("grant", subscription, form)
    outlook = grants.preview_grant(subscription, form.size, datetime.now(UTC))
    return _page("grant", subscription, form, outlook=outlook, asked=form.size)


@blueprint.post("/subscriptions/<int:subscription_id>/grant")
def set_quota(subscription_id: int) -> ResponseReturnValue:
    """Grant another quota."""
    subscription, form = _for_administrator(subscription_id), GrantForm()
    if not form.validate_on_submit():
        return _page("grant", subscription, form)
    try:
        grants.grant(subscription, form.size, form.reason.data, form.version.data, datetime.now(UTC),
                     actor=access.actor(), address=request.remote_addr or "")
    except ValueRefused as error:
        form.blame(error, "gigabytes")
        return _page("grant", subscription, form)
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, subscription)
        return _page("grant", subscription, form, asked=form.size)
    return _done(subscription, f"{size(subscription.quota)} are granted.")


@blueprint.get("/subscriptions/<int:subscription_id>/change-plan")
def change_plan(subscription_id: int) -> ResponseReturnValue:
    """Choose a plan; with ?plan= the page shows what the change does before it is done."""
    subscription, now = access.subscription_for_staff(subscription_id), datetime.now(UTC)
    if "plan" not in request.args:
        return _plan_page(subscription, _plan_form(subscription, now))
    form = _plan_form(subscription, now, request.args, meta={"csrf": False})
    if not form.validate():
        return _plan_page(subscription, form)
    return _plan_page(subscription, form, _preview(subscription, form, now))


@blueprint.post("/subscriptions/<int:subscription_id>/change-plan")
def set_plan(subscription_id: int) -> ResponseReturnValue:
    """Change the plan."""
    subscription, now = access.subscription_for_staff(subscription_id), datetime.now(UTC)
    form = _plan_form(subscription, now)
    if not form.validate_on_submit():
        return _plan_page(subscription, form)
    plan = plans.plan_with_id(int(form.plan.data))
    try:
        plan_changes.change_plan(
            subscription, plan, form.version.data, now, actor=access.actor(), quota=form.quota,
            new_period=form.period.data == "new", reason=form.reason.data, address=request.remote_addr or "")
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, subscription)
        same = plan.id == subscription.plan_id
        return _plan_page(subscription, form, None if same else _preview(subscription, form, now))
    return _done(subscription, f"The plan is {plan.name} now. Until "
                               f"{full_date(plan_changes.last_day_to_undo(now))} it can be changed back.")


@blueprint.get("/subscriptions/<int:subscription_id>/storage")
def storage(subscription_id: int) -> ResponseReturnValue:
    """The form of the storage for new vaults."""
    subscription = _for_administrator(subscription_id)
    return _page("storage", subscription, _place_form(storage=str(subscription.storage_id or "")))


@blueprint.post("/subscriptions/<int:subscription_id>/storage")
def choose_storage(subscription_id: int) -> ResponseReturnValue:
    """Choose where vaults of new computers go."""
    subscription, form = _for_administrator(subscription_id), _place_form()
    if not form.validate_on_submit():
        return _page("storage", subscription, form)
    chosen = storages.find_storage(int(form.storage.data)) if form.storage.data else None
    try:
        grants.choose_storage(subscription, chosen, form.version.data, datetime.now(UTC), actor=access.actor(),
                              address=request.remote_addr or "")
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, subscription)
        return _page("storage", subscription, form)
    return _done(subscription, f"New computers back up to {chosen.name if chosen else 'the default storage'}.")


def _for_administrator(subscription_id: int) -> Subscription:
    subscription = access.subscription_for_staff(subscription_id)
    access.administrator()
    return subscription


def _plan_form(subscription: Subscription, now: datetime, *data: object, **options: object) -> PlanChangeForm:
    form = PlanChangeForm(*data, **options)
    form.offered = plan_changes.choices_for(subscription, now)
    form.plan.choices = plan_choices(form.offered)
    if not access.is_administrator():
        del form.gigabytes
    return form


def _preview(subscription: Subscription, form: PlanChangeForm, now: datetime) -> Preview:
    plan: Plan = plans.plan_with_id(int(form.plan.data))
    return plan_changes.preview(subscription, plan, now, quota=form.quota, new_period=form.period.data == "new")


def _place_form(**values: object) -> PlaceForm:
    form = PlaceForm(**values)
    form.storage.choices = storage_choices(storages.list_storages())
    return form


def _plan_page(subscription: Subscription, form: PlanChangeForm, preview: Preview | None = None) -> ResponseReturnValue:
    return _page("change_plan", subscription, form, preview=preview)


def _page(name: str, subscription: Subscription, form: Form, **values: object) -> ResponseReturnValue:
    now = datetime.now(UTC)
    tell = subscription_states.state_of if name == "grant" else subscription_states.headline_of
    return render_template(f"subscriptions/{name}.html", one=tell(subscription, now), form=form, **values), form.status


def _done(subscription: Subscription, words: str) -> ResponseReturnValue:
    flash(words)
    return redirect(url_for(".page", subscription_id=subscription.id), 303)
