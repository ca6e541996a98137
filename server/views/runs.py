"""Runs as staff see them: the list, one run with its activity log, and how far a running one is."""
from __future__ import annotations

import re
from datetime import UTC, date, datetime

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from protocol.errors import NotFound
from server import access
from server.models import Run
from server.paths import disposition
from server.services.backup import activity_logs, run_list, run_page
from server.services.backup.run_list import KINDS, WORDS, Wanted
from server.services.people.ownership import ADMINISTRATOR, LABEL, sentence_for

blueprint = Blueprint("runs", __name__, url_prefix="/runs")
blueprint.before_request(access.require_sign_in)
blueprint.add_app_template_filter(run_list.word_of, "run_word")
RUN = "/<computer_id>/<int(max=4294967295):number>"
COMPUTER = re.compile(r"[0-9a-f-]{36}")
STOP_POLLING = 286
"""What tells htmx that nothing will change any more."""


@blueprint.get("")
def index() -> ResponseReturnValue:
    """The runs of the computers that this member of staff serves, newest first."""
    staff, wanted = access.staff_member(), _wanted()
    listing = run_list.list_runs(staff, wanted, datetime.now(UTC))
    return render_template("runs/index.html", listing=listing, wanted=wanted, words=WORDS, kinds=KINDS)


@blueprint.get(RUN)
def page(computer_id: str, number: int) -> ResponseReturnValue:
    """One run; its log with names for administrators, in counts for implementors."""
    computer, now = access.computer_for_staff(computer_id), datetime.now(UTC)
    run = run_page.find_run(computer, number)
    names = access.staff_member().role == ADMINISTRATOR
    log = run_page.read_activity(run, names=names)
    return render_template("runs/page.html", computer=computer, run=run, log=log, live=run.is_live(now),
                           told=_told(run))


@blueprint.get(f"{RUN}/progress")
def progress(computer_id: str, number: int) -> ResponseReturnValue:
    """The part of the page that changes by itself while the run goes on."""
    computer, now = access.computer_for_staff(computer_id), datetime.now(UTC)
    run = run_page.find_run(computer, number)
    live = run.is_live(now)
    page_ = render_template("runs/progress.html", computer=computer, run=run, live=live, told=_told(run))
    return page_, 200 if live else STOP_POLLING


@blueprint.get(f"{RUN}/log.xml")
def log(computer_id: str, number: int) -> ResponseReturnValue:
    """The activity log as the computer sent it; for administrators."""
    computer = access.computer_for_staff(computer_id)
    access.administrator()
    document = activity_logs.read_log(computer.vault_id, run_page.find_run(computer, number).run_no)
    if document is None:
        raise NotFound(what="activity log of this run yet")
    name = disposition(f"{computer.name} run {number}.xml")
    return Response(document, mimetype="application/xml", headers={"Content-Disposition": name})


def _told(run: Run) -> str:
    return sentence_for(access.staff_member(), run.code, run.sentence)


def _wanted() -> Wanted:
    """What the address asks for; what means nothing is left out."""
    asked = request.args
    return Wanted(
        state=asked.get("state", "") if asked.get("state") in WORDS else "",
        customer=asked.get("customer", "") if LABEL.fullmatch(asked.get("customer", "")) else "",
        computer=asked.get("computer", "") if COMPUTER.fullmatch(asked.get("computer", "")) else "",
        kind=asked.get("kind", "") if asked.get("kind") in KINDS else "",
        since=asked.get("since", None, date.fromisoformat),
        until=asked.get("until", None, date.fromisoformat),
        before=asked.get("before", ""),
    )
