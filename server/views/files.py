"""Files by date: a computer's restore points, the folders of one, and their download."""
from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from flask import Blueprint, Response, current_app, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from server import access
from server.pages import page_of, reader_zone
from server.paths import path_of, readable
from server.services import cards, catalogue, downloads, folders
from server.services.restore_points import month_of

blueprint = Blueprint("files", __name__, url_prefix="/files")
blueprint.before_request(access.require_sign_in)
ENTRIES_PER_PAGE = 500


@blueprint.get("/")
def computers() -> ResponseReturnValue:
    """The computers whose files can be restored."""
    found = cards.cards_of(access.customer_account(), datetime.now(UTC))
    return render_template("files/computers.html", cards=found)


@blueprint.get("/<computer_id>/")
def calendar(computer_id: str) -> ResponseReturnValue:
    """A month of restore points, and those of one day."""
    computer = access.computer_for_files(computer_id)
    points = catalogue.snapshots(computer.vault_id)
    month = month_of(points, reader_zone(access.person()), request.args.get("day", "")) if points else None
    return render_template(
        "files/calendar.html", computer=computer, month=month, total=len(points), trunk=access.trunk())


@blueprint.get("/<computer_id>/<int(max=4294967295):number>/")
@blueprint.get("/<computer_id>/<int(max=4294967295):number>/folder/<path:address>")
def folder(computer_id: str, number: int, address: str = "") -> ResponseReturnValue:
    """One folder as it was at a restore point."""
    computer = access.computer_for_files(computer_id)
    point = access.restore_point_for(computer, number)
    path = path_of(address)
    entries = folders.list_entries(point, path)
    return render_template(
        "files/folder.html",
        computer=computer,
        point=point,
        path=path,
        heading=readable(path[-1]) if path else "All folders",
        total=len(entries),
        trunk=access.trunk(),
        **page_of(entries, request.args.get("page", 1, int), ENTRIES_PER_PAGE)._asdict(),
    )


@blueprint.get("/<computer_id>/<int(max=4294967295):number>/download/")
@blueprint.get("/<computer_id>/<int(max=4294967295):number>/download/<path:address>")
def download(computer_id: str, number: int, address: str = "") -> ResponseReturnValue:
    """One file, or a folder as ZIP; nothing is sent before the first block is fetched and verified."""
    computer = access.computer_for_files(computer_id)
    point = access.restore_point_for(computer, number)
    wanted = downloads.Wanted(computer, point, path_of(address), reader_zone(access.person()))
    found = downloads.open_download(wanted, current_app.config["IBS"])
    downloads.record(wanted, access.actor(), request.remote_addr or "", datetime.now(UTC))
    return Response(stream_with_context(found.blocks), mimetype=found.kind, headers={
        "Content-Length": str(found.size),
        "Content-Disposition": disposition(found.name),
        "Accept-Ranges": "none",
    })


def disposition(name: str) -> str:
    """The header that makes browsers save the answer as `name`; old ones get a plain ASCII name."""
    plain = "".join(sign if (sign.isascii() and sign.isalnum()) or sign in " ._-()" else "_" for sign in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
