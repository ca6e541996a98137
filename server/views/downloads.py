"""The client's installers, for everybody who has the address."""
from __future__ import annotations

from flask import Blueprint, current_app, send_file
from flask.typing import ResponseReturnValue

from server.services.fleet import installers

blueprint = Blueprint("downloads", __name__, url_prefix="/downloads")


@blueprint.get("/<name>")
def installer(name: str) -> ResponseReturnValue:
    """One installer; there is nothing secret in it, and a new computer has nobody signed in."""
    found = installers.find_installer(current_app.config["IBS"].data, name)
    return send_file(found.path, mimetype="application/octet-stream", as_attachment=True, download_name=found.name)
