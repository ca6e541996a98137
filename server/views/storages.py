"""The storages: how they stand, checking them, and where the space went. Adding one is in storage_wizard."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server import access
from server.forms.numbers import in_gigabytes
from server.forms.storages import StorageForm
from server.jobs import nudge
from server.models import Storage
from server.services.house.refusals import NameInUse
from server.services.house.versions import EditedMeanwhile
from server.services.selling import allocation, forecast
from server.services.storage import storage_checks, storage_settings, storage_states, storages

blueprint = Blueprint("storages", __name__, url_prefix="/storage")
blueprint.before_request(access.require_sign_in)
ROWS_PER_PAGE = 50
STOP_POLLING = 286
"""The status by which htmx ends its polling."""


@blueprint.get("")
def index() -> ResponseReturnValue:
    """All storages."""
    access.administrator()
    return render_template("storages/index.html", states=storage_states.states_of_storages(datetime.now(UTC)))


@blueprint.get("/<int:storage_id>")
def page(storage_id: int) -> ResponseReturnValue:
    """One storage: its state, its space, its address, and what the last check found."""
    access.administrator()
    storage, now = storages.find_storage(storage_id), datetime.now(UTC)
    state = storage_states.state_of_storage(storage, now)
    return render_template(
        "storages/page.html", state=state, profile=storages.profile_of(storage), updates=wants_updates(),
        foretold=forecast.of_storage(storage.id, storage.capacity, state.figures.used, now))


@blueprint.get("/<int:storage_id>/status")
def status(storage_id: int) -> ResponseReturnValue:
    """The part of that page which changes while a check is under way."""
    access.administrator()
    state = storage_states.state_of_storage(storages.find_storage(storage_id), datetime.now(UTC))
    fragment = render_template("storages/status.html", state=state, updates=True)
    return fragment, 200 if state.checking else STOP_POLLING


@blueprint.post("/<int:storage_id>/check")
def check(storage_id: int) -> ResponseReturnValue:
    """Let the worker check it now."""
    access.administrator()
    storage = storages.find_storage(storage_id)
    storage_checks.ask_for_check(storage, datetime.now(UTC), actor=access.actor(), address=request.remote_addr or "")
    nudge(current_app, "check_storages")
    return redirect(url_for(".page", storage_id=storage.id), 303)


@blueprint.post("/<int:storage_id>/default")
def make_default(storage_id: int) -> ResponseReturnValue:
    """Let new computers back up here."""
    access.administrator()
    storage = storages.find_storage(storage_id)
    storage_settings.make_default(storage, request.form.get("version", None, int), datetime.now(UTC),
                                  actor=access.actor(), address=request.remote_addr or "")
    flash(f"New computers back up to {storage.name}.")
    return redirect(url_for(".page", storage_id=storage.id), 303)


@blueprint.get("/<int:storage_id>/edit")
def edit(storage_id: int) -> ResponseReturnValue:
    """The form of name and capacity."""
    access.administrator()
    storage = storages.find_storage(storage_id)
    capacity = None if storage.capacity is None else in_gigabytes(storage.capacity)
    return _form_page(storage, StorageForm(name=storage.name, gigabytes=capacity))


@blueprint.post("/<int:storage_id>/edit")
def save(storage_id: int) -> ResponseReturnValue:
    """Another name or capacity."""
    access.administrator()
    storage, form = storages.find_storage(storage_id), StorageForm()
    if not form.validate_on_submit():
        return _form_page(storage, form)
    try:
        storage_settings.edit_storage(
            storage, form.name.data, form.capacity, form.version.data, current_app.config["IBS"], datetime.now(UTC),
            actor=access.actor(), address=request.remote_addr or "")
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, storage)
        return _form_page(storage, form)
    except NameInUse as error:
        form.blame(error, "name")
        return _form_page(storage, form)
    flash(f"{storage.name} was saved.")
    return redirect(url_for(".page", storage_id=storage.id), 303)


@blueprint.get("/allocation", endpoint="allocation")
def allocated() -> ResponseReturnValue:
    """What was granted, used and is free: by storage, by plan, by customer."""
    access.administrator()
    now, total = datetime.now(UTC), allocation.count_customers()
    pages = max(1, -(-total // ROWS_PER_PAGE))
    asked, sort = min(max(request.args.get("page", 1, int), 1), pages), request.args.get("sort", "name")
    return render_template(
        "storages/allocation.html", states=storage_states.states_of_storages(now),
        plans=allocation.shares_of_plans(now),
        customers=allocation.shares_of_customers(now, sort, ROWS_PER_PAGE, (asked - 1) * ROWS_PER_PAGE),
        page=asked, pages=pages, sort=sort)


def wants_updates() -> bool:
    """Whether the page may renew its part by itself."""
    return request.args.get("updates") != "off"


def _form_page(storage: Storage, form: StorageForm) -> ResponseReturnValue:
    return render_template("storages/form.html", storage=storage, form=form), form.status
