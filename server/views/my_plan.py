"""A customer's plan: validity, space, computers, history, and the wish to change it."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server import access, submissions
from server.forms.own import WishForm
from server.services.house.branding import read_branding
from server.services.people import own_plans

blueprint = Blueprint("my_plan", __name__, url_prefix="/plan")
blueprint.before_request(access.require_sign_in)


@blueprint.get("")
def index() -> ResponseReturnValue:
    """Every plan of the customer, the newest first."""
    account, now = access.customer_account(), datetime.now(UTC)
    found = [own_plans.describe(state, now) for state in own_plans.plans_of(account, now)]
    return render_template("my_plan/index.html", plans=found)


@blueprint.get("/<int(max=2147483647):subscription_id>/wish")
def wish(subscription_id: int) -> ResponseReturnValue:
    """The form to ask for a change with."""
    return render_template("my_plan/wish.html", subscription=access.own_subscription(subscription_id), form=WishForm())


@blueprint.post("/<int(max=2147483647):subscription_id>/wish")
@submissions.once
def ask_for_change(subscription_id: int) -> ResponseReturnValue:
    """Tell the reseller what the customer would like."""
    subscription, form = access.own_subscription(subscription_id), WishForm()
    if not form.validate_on_submit():
        return render_template("my_plan/wish.html", subscription=subscription, form=form), form.status
    brand = read_branding(current_app.config["IBS"].portal_name)
    own_plans.ask_for_change(access.customer_account(), subscription, form.wish.data, brand, datetime.now(UTC),
                             address=request.remote_addr or "")
    flash("Your wish was passed on. Nothing changes before you hear of it.")
    return redirect(url_for("my_plan.index"), 303)
