"""The reseller's reports: on screen, to print, and as CSV files."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask.typing import ResponseReturnValue

from server import access
from server.paths import disposition
from server.services.house.spreadsheets import TYPE
from server.services.selling import reports

blueprint = Blueprint("reports", __name__, url_prefix="/reports")
blueprint.before_request(access.require_sign_in)
ROWS_PER_PAGE, ROWS_TO_PRINT = 25, 500


@blueprint.get("")
def index() -> ResponseReturnValue:
    """All reports."""
    access.administrator()
    return render_template("reports/index.html", reports=reports.REPORTS)


@blueprint.get("/expiring", endpoint="expiring", defaults={"key": "expiring"})
@blueprint.get("/protection", endpoint="protection", defaults={"key": "protection"})
@blueprint.get("/quota", endpoint="quota", defaults={"key": "quota"})
@blueprint.get("/failed-runs", endpoint="failed_runs", defaults={"key": "failed_runs"})
def show(key: str) -> ResponseReturnValue:
    """A page of a report; ?rows=500 shows as many as fit a printout."""
    access.administrator()
    report, printing = reports.find_report(key), "rows" in request.args
    found = reports.page_of_report(report, datetime.now(UTC), request.args.get("page", 1, int),
                                   ROWS_TO_PRINT if printing else ROWS_PER_PAGE, _days(report))
    return render_template("reports/report.html", report=report, found=found, printing=printing, days=_days(report),
                           most=ROWS_TO_PRINT)


@blueprint.get("/expiring.csv", endpoint="expiring_csv", defaults={"key": "expiring"})
@blueprint.get("/protection.csv", endpoint="protection_csv", defaults={"key": "protection"})
@blueprint.get("/quota.csv", endpoint="quota_csv", defaults={"key": "quota"})
@blueprint.get("/failed-runs.csv", endpoint="failed_runs_csv", defaults={"key": "failed_runs"})
def send(key: str) -> ResponseReturnValue:
    """The whole report as a CSV file."""
    access.administrator()
    report, now = reports.find_report(key), datetime.now(UTC)
    reports.note_export(report, now, actor=access.actor(), address=request.remote_addr or "")
    blocks = stream_with_context(reports.csv_of_report(report, now, _days(report)))
    name = f"{key.replace('_', '-')}-{now:%Y-%m-%d}.csv"
    return Response(blocks, content_type=TYPE, headers={"Content-Disposition": disposition(name)})


def _days(report: reports.Report) -> int:
    """The period that was asked for, the shortest otherwise."""
    asked = request.args.get("days", 0, int)
    return asked if asked in report.periods else (report.periods or (0,))[0]
