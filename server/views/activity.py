"""A customer's activity."""
from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from server import access
from server.services.people import activities

blueprint = Blueprint("activity", __name__)
blueprint.before_request(access.require_sign_in)


@blueprint.get("/activity")
def index() -> ResponseReturnValue:
    """What was done and what ran, newest first."""
    kind = request.args.get("kind", "")
    found = activities.read_activity(access.customer_account(), kind, request.args.get("page", 1, int))
    return render_template("activity/index.html", kinds=activities.KINDS, kind=kind, **found._asdict())
