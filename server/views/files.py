"""Files: by date or by plan to a restore point, its folders, their download, search, and the history of a file."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, current_app, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from server import access
from server.models import Account, Customer
from server.pages import reader_zone
from server.paths import disposition, path_of, readable
from server.services.files import doors, downloads, file_history, file_search, folders
from server.services.files.restore_points import month_of, page_of_points

blueprint = Blueprint("files", __name__, url_prefix="/files")
blueprint.before_request(access.require_sign_in)
NUMBER = "<int(max=4294967295):number>"


@blueprint.get("/")
def computers() -> ResponseReturnValue:
    """By date: a month of restore points of all computers, and those of one day."""
    return _by_date(access.customer_account())


@blueprint.get("/by-plan")
def by_plan() -> ResponseReturnValue:
    """By plan: subscriptions, their accounts, their computers."""
    return _by_plan(access.customer_account())


@blueprint.get("/customers/<label>/")
def of_customer(label: str) -> ResponseReturnValue:
    """By date, for the administrator: all computers of one customer."""
    return _by_date(access.customer_for_files(label))


@blueprint.get("/customers/<label>/by-plan")
def of_customer_by_plan(label: str) -> ResponseReturnValue:
    """By plan, for the administrator."""
    return _by_plan(access.customer_for_files(label))


@blueprint.get("/<computer_id>/")
def calendar(computer_id: str) -> ResponseReturnValue:
    """A month of a computer's restore points, and those of one day."""
    computer = access.computer_for_files(computer_id)
    month = month_of([computer.vault_id], reader_zone(access.person()), request.args.get("day", ""))
    return render_template("files/calendar.html", computer=computer, month=month)


@blueprint.get("/<computer_id>/points")
def points(computer_id: str) -> ResponseReturnValue:
    """All restore points of a computer, newest first."""
    computer = access.computer_for_files(computer_id)
    found = page_of_points(computer.vault_id, reader_zone(access.person()), _page())
    return render_template("files/points.html", computer=computer, **found._asdict())


@blueprint.get("/<computer_id>/search")
def search(computer_id: str) -> ResponseReturnValue:
    """Files by name, over all restore points of a computer."""
    computer = access.computer_for_files(computer_id)
    words = file_search.usable(request.args.get("q", ""))
    found = None
    if len(words) >= file_search.SHORTEST:
        found = file_search.search(computer.vault_id, words, file_search.read_cursor(request.args.get("after", "")))
    return render_template("files/search.html", computer=computer, words=words, found=found)


@blueprint.get(f"/<computer_id>/{NUMBER}/")
@blueprint.get(f"/<computer_id>/{NUMBER}/folder/<path:address>")
def folder(computer_id: str, number: int, address: str = "") -> ResponseReturnValue:
    """One folder as it was at a restore point."""
    computer = access.computer_for_files(computer_id)
    point = access.restore_point_for(computer, number)
    path = path_of(address)
    listing = folders.list_entries(point, path, request.args.get("sort", "name"), _page())
    heading = readable(path[-1]) if path else "All folders"
    return render_template(
        "files/folder.html", computer=computer, point=point, path=path, heading=heading, **listing._asdict())


@blueprint.get(f"/<computer_id>/{NUMBER}/versions/<path:file>")
def versions(computer_id: str, number: int, file: str) -> ResponseReturnValue:
    """Every version of one file, with the restore points that hold it; `number` is the one to go back to."""
    computer, path = access.computer_for_files(computer_id), path_of(file)
    history = file_history.history_of(computer.vault_id, path, _page())
    return render_template(
        "files/versions.html", computer=computer, number=number, path=path, heading=readable(path[-1]), history=history)


@blueprint.get(f"/<computer_id>/{NUMBER}/version/<int(max=4294967295):first>/<path:file>")
def version(computer_id: str, number: int, first: int, file: str) -> ResponseReturnValue:
    """The restore points that hold one version of a file, which began with run `first`."""
    computer, path = access.computer_for_files(computer_id), path_of(file)
    within = file_history.points_with(computer.vault_id, path, first)
    found = page_of_points(computer.vault_id, reader_zone(access.person()), _page(), within)
    return render_template(
        "files/version.html", computer=computer, number=number, path=path, heading=readable(path[-1]),
        **found._asdict())


@blueprint.get(f"/<computer_id>/{NUMBER}/download/")
@blueprint.get(f"/<computer_id>/{NUMBER}/download/<path:address>")
def download(computer_id: str, number: int, address: str = "") -> ResponseReturnValue:
    """One file, or a folder as ZIP."""
    return _send(computer_id, number, address)


@blueprint.post(f"/<computer_id>/{NUMBER}/selection/")
@blueprint.post(f"/<computer_id>/{NUMBER}/selection/<path:address>")
def selection(computer_id: str, number: int, address: str = "") -> ResponseReturnValue:
    """What was ticked in a folder, as ZIP; a single file as itself."""
    return _send(computer_id, number, address, frozenset(request.form.getlist("pick", int)))


def _send(computer_id: str, number: int, address: str, chosen: frozenset[int] | None = None) -> Response:
    """A download; nothing is sent before the first block is fetched and verified."""
    computer = access.computer_for_files(computer_id)
    point = access.restore_point_for(computer, number)
    wanted = downloads.Wanted(computer, point, path_of(address), reader_zone(access.person()), chosen)
    found = downloads.open_download(wanted, current_app.config["IBS"])
    downloads.record(wanted, access.actor(), request.remote_addr or "", datetime.now(UTC))
    return Response(stream_with_context(found.blocks), mimetype=found.kind, headers={
        "Content-Length": str(found.size),
        "Content-Disposition": disposition(found.name),
        "Accept-Ranges": "none",
    })


def _by_date(who: Account | Customer) -> str:
    found = doors.by_date(who, reader_zone(access.person()), request.args.get("day", ""))
    return render_template("files/by_date.html", who=who, month=found.month, boxes=found.computers)


def _by_plan(who: Account | Customer) -> str:
    return render_template("files/by_plan.html", who=who, found=doors.by_plan(who, _page()))


def _page() -> int:
    return request.args.get("page", 1, int)
