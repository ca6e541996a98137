"""Help: one page for each of the three people who use the portal."""
from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from server import access
from server.models import Staff

blueprint = Blueprint("help", __name__, url_prefix="/help")
blueprint.before_request(access.require_sign_in)


@blueprint.get("")
def index() -> ResponseReturnValue:
    """What the reader's own pages are for, what the states mean, and whom to ask."""
    someone = access.person()
    page = someone.role if isinstance(someone, Staff) else "customer"
    return render_template(f"help/{page}.html")
