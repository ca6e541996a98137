"""What is sold: the administrator's pages of plans."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server import access
from server.forms.plans import PlanForm, Shown
from server.models import Plan
from server.services.house.refusals import NameInUse
from server.services.house.versions import EditedMeanwhile
from server.services.selling import plans
from server.submissions import once

blueprint = Blueprint("plans", __name__, url_prefix="/plans")
blueprint.before_request(access.require_sign_in)


@blueprint.get("")
def index() -> ResponseReturnValue:
    """All plans."""
    access.administrator()
    return render_template("plans/index.html", rows=plans.list_plans(datetime.now(UTC)))


@blueprint.post("/standard")
@once
def create_standard() -> ResponseReturnValue:
    """Gold, Silver and Bronze in one go."""
    access.administrator()
    plans.create_standard_plans(datetime.now(UTC), actor=access.actor(), address=request.remote_addr or "")
    flash("Gold, Silver and Bronze can be sold. Look at their terms before you do.")
    return redirect(url_for(".index"), 303)


@blueprint.get("/add")
def add() -> ResponseReturnValue:
    """The form of a new plan."""
    access.administrator()
    return _form_page(PlanForm())


@blueprint.post("/add")
@once
def create() -> ResponseReturnValue:
    """Add a plan."""
    access.administrator()
    form = PlanForm()
    if not form.validate_on_submit():
        return _form_page(form)
    try:
        plan = plans.add_plan(form.read(), datetime.now(UTC), actor=access.actor(), address=request.remote_addr or "")
    except NameInUse as error:
        form.blame(error, "name")
        return _form_page(form)
    flash(f"{plan.name} can be sold.")
    return redirect(url_for(".page", plan_id=plan.id), 303)


@blueprint.get("/<int:plan_id>")
def page(plan_id: int) -> ResponseReturnValue:
    """One plan: its terms, and how often it was sold."""
    access.administrator()
    plan = plans.plan_with_id(plan_id)
    return render_template("plans/page.html", plan=plan, sold=plans.sold_count(plan),
                           row=plans.row_of(plan, datetime.now(UTC)))


@blueprint.get("/<int:plan_id>/edit")
def edit(plan_id: int) -> ResponseReturnValue:
    """The form of a plan's terms."""
    access.administrator()
    plan = plans.plan_with_id(plan_id)
    return _form_page(PlanForm(obj=Shown(plans.terms_of(plan))), plan)


@blueprint.post("/<int:plan_id>/edit")
def save(plan_id: int) -> ResponseReturnValue:
    """Give a plan other terms."""
    access.administrator()
    plan, form = plans.plan_with_id(plan_id), PlanForm()
    if not form.validate_on_submit():
        return _form_page(form, plan)
    try:
        plans.edit_plan(plan, form.read(), form.version.data, datetime.now(UTC), actor=access.actor(),
                        address=request.remote_addr or "")
    except EditedMeanwhile as meanwhile:
        form.tell(meanwhile, Shown(plans.terms_of(plan)))
        return _form_page(form, plan)
    except NameInUse as error:
        form.blame(error, "name")
        return _form_page(form, plan)
    flash(f"{plan.name} was saved.")
    return redirect(url_for(".page", plan_id=plan.id), 303)


@blueprint.post("/<int:plan_id>/retire")
def retire(plan_id: int) -> ResponseReturnValue:
    """Sell a plan no more."""
    return _put_on_sale(plan_id, False)


@blueprint.post("/<int:plan_id>/sell")
def sell(plan_id: int) -> ResponseReturnValue:
    """Sell a retired plan again."""
    return _put_on_sale(plan_id, True)


@blueprint.post("/<int:plan_id>/delete")
def delete(plan_id: int) -> ResponseReturnValue:
    """Remove a plan that was never sold."""
    access.administrator()
    plan = plans.plan_with_id(plan_id)
    plans.delete_plan(plan, request.form.get("version", None, int), datetime.now(UTC), actor=access.actor(),
                      address=request.remote_addr or "")
    flash(f"{plan.name} was deleted.")
    return redirect(url_for(".index"), 303)


def _put_on_sale(plan_id: int, on_sale: bool) -> ResponseReturnValue:
    access.administrator()
    plan = plans.plan_with_id(plan_id)
    plans.put_on_sale(plan, on_sale, request.form.get("version", None, int), datetime.now(UTC), actor=access.actor(),
                      address=request.remote_addr or "")
    flash(f"{plan.name} is on sale." if on_sale else f"{plan.name} is retired. Those who have it keep it.")
    return redirect(url_for(".page", plan_id=plan.id), 303)


def _form_page(form: PlanForm, plan: Plan | None = None) -> ResponseReturnValue:
    return render_template("plans/form.html", form=form, plan=plan), form.status
