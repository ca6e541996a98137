"""Adding a storage, or giving one another address: type it, approve its certificate, see what works, then save.

What was typed waits as a draft in the database, its password sealed; the worker tries it out.
"""
from __future__ import annotations

from datetime import UTC, datetime

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server import access
from server.forms.storages import AddressForm, NewStorageForm
from server.jobs import nudge
from server.models import Storage
from server.services.house.refusals import NameInUse
from server.services.storage import storage_checks, storage_drafts, storages
from server.services.storage.certificates import describe_certificate
from server.submissions import once
from server.views.storages import STOP_POLLING, blueprint, wants_updates
from vault.errors import StorageUnsuitable, UnsafeName


@blueprint.get("/add")
def add() -> ResponseReturnValue:
    """Step 1: the address of a new storage."""
    access.administrator()
    return _address_page(AddressForm())


@blueprint.post("/add")
@once
def begin() -> ResponseReturnValue:
    """Keep the address as a draft and let the worker try it out."""
    access.administrator()
    form = AddressForm()
    if not form.validate_on_submit():
        return _address_page(form)
    try:
        draft = storage_drafts.begin(form.read(), current_app.config["IBS"], datetime.now(UTC), actor=access.actor())
    except (UnsafeName, StorageUnsuitable) as error:
        form.blame(error)
        return _address_page(form)
    return _tried_out(draft)


@blueprint.get("/<int:storage_id>/address")
def edit_address(storage_id: int) -> ResponseReturnValue:
    """The form of another address, password or certificate for a storage."""
    access.administrator()
    storage = storages.find_storage(storage_id)
    return _address_page(AddressForm.showing(storage), storage=storage)


@blueprint.post("/<int:storage_id>/address")
@once
def change_address(storage_id: int) -> ResponseReturnValue:
    """Try the new address out before it is saved."""
    access.administrator()
    storage, form = storages.find_storage(storage_id), AddressForm()
    form.keep_password()
    if not form.validate_on_submit():
        return _address_page(form, storage=storage)
    try:
        draft = storage_drafts.begin_replacement(storage, form.read(), current_app.config["IBS"], datetime.now(UTC),
                                                 actor=access.actor())
    except (UnsafeName, StorageUnsuitable) as error:
        form.blame(error)
        return _address_page(form, storage=storage)
    return _tried_out(draft)


@blueprint.get("/drafts/<int:draft_id>")
def draft(draft_id: int) -> ResponseReturnValue:
    """Steps 2 to 4: certificate, what was found, and saving."""
    access.administrator()
    return _draft_page(storage_drafts.find_draft(draft_id), NewStorageForm())


@blueprint.get("/drafts/<int:draft_id>/status")
def draft_status(draft_id: int) -> ResponseReturnValue:
    """The part of that page which changes while the worker is at it."""
    access.administrator()
    found = storage_drafts.find_draft(draft_id)
    fragment = render_template("storages/draft_status.html", **_shown(found, NewStorageForm(), True))
    return fragment, 200 if storage_checks.is_checking(found) else STOP_POLLING


@blueprint.get("/drafts/<int:draft_id>/address")
def draft_address(draft_id: int) -> ResponseReturnValue:
    """Back to step 1."""
    access.administrator()
    found = storage_drafts.find_draft(draft_id)
    return _address_page(AddressForm.showing(found), draft=found)


@blueprint.post("/drafts/<int:draft_id>/address")
@once
def readdress(draft_id: int) -> ResponseReturnValue:
    """Try a corrected address out."""
    access.administrator()
    found, form = storage_drafts.find_draft(draft_id), AddressForm()
    form.keep_password()
    if not form.validate_on_submit():
        return _address_page(form, draft=found)
    try:
        storage_drafts.readdress(found, form.read(), current_app.config["IBS"], datetime.now(UTC))
    except (UnsafeName, StorageUnsuitable) as error:
        form.blame(error)
        return _address_page(form, draft=found)
    return _tried_out(found)


@blueprint.post("/drafts/<int:draft_id>/trust")
def trust(draft_id: int) -> ResponseReturnValue:
    """Approve the certificate that was shown."""
    access.administrator()
    found = storage_drafts.find_draft(draft_id)
    storage_drafts.trust(found, request.form.get("fingerprint", ""), datetime.now(UTC))
    return _tried_out(found)


@blueprint.post("/drafts/<int:draft_id>/again")
def again(draft_id: int) -> ResponseReturnValue:
    """Try the same address once more."""
    access.administrator()
    found = storage_drafts.find_draft(draft_id)
    storage_drafts.check_again(found, datetime.now(UTC))
    return _tried_out(found)


@blueprint.post("/drafts/<int:draft_id>/save")
@once
def save_draft(draft_id: int) -> ResponseReturnValue:
    """Make the draft a storage, or its address that of the storage which it replaces."""
    access.administrator()
    found, form, config = storage_drafts.find_draft(draft_id), NewStorageForm(), current_app.config["IBS"]
    who = {"actor": access.actor(), "address": request.remote_addr or ""}
    if found.replaces_id is not None:
        saved = storage_drafts.save_as_replacement(found, form.version.data, config, datetime.now(UTC), **who)
        flash(f"{saved.name} has its new address.")
        return redirect(url_for(".page", storage_id=saved.id), 303)
    if not form.validate_on_submit():
        return _draft_page(found, form)
    try:
        saved = storage_drafts.save_as_new(found, form.name.data, form.capacity, form.default.data, config,
                                           datetime.now(UTC), **who)
    except NameInUse as error:
        form.blame(error, "name")
        return _draft_page(found, form)
    flash(f"{saved.name} is ready.")
    return redirect(url_for(".page", storage_id=saved.id), 303)


@blueprint.post("/drafts/<int:draft_id>/discard")
def discard(draft_id: int) -> ResponseReturnValue:
    """Give it up."""
    access.administrator()
    storage_drafts.discard(storage_drafts.find_draft(draft_id))
    flash("Nothing was added.")
    return redirect(url_for(".index"), 303)


def _tried_out(found: Storage) -> ResponseReturnValue:
    nudge(current_app, "check_storages")
    return redirect(url_for(".draft", draft_id=found.id), 303)


def _address_page(form: AddressForm, *, storage: Storage | None = None, draft: Storage | None = None
                  ) -> ResponseReturnValue:
    if draft is not None and draft.replaces_id is not None:
        storage = storages.find_storage(draft.replaces_id)
    if draft or storage:
        form.keep_password()
    vaults = storage_drafts.vault_count(storage.id) if storage else 0
    return render_template("storages/address.html", form=form, storage=storage, draft=draft,
                           vaults=vaults), form.status


def _draft_page(found: Storage, form: NewStorageForm) -> ResponseReturnValue:
    return render_template("storages/draft.html", **_shown(found, form, wants_updates())), form.status


def _shown(found: Storage, form: NewStorageForm, updates: bool) -> dict[str, object]:
    return {
        "draft": found, "form": form, "updates": updates, "checking": storage_checks.is_checking(found),
        "works": storage_drafts.works(found), "certificate": describe_certificate(found.seen) if found.seen else None,
        "replaced": storages.find_storage(found.replaces_id) if found.replaces_id else None,
    }
