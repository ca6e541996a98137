"""Customers from and to files: import with a report, export, and the template."""
from __future__ import annotations

from datetime import UTC, datetime

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server import access, submissions
from server.forms.customers import ImportForm
from server.paths import disposition
from server.services.house.spreadsheets import TYPE
from server.services.people import customer_files
from server.services.people.customer_files import LARGEST_FILE, FileUnusable
from server.views.customers import blueprint


@blueprint.get("/import")
def import_csv() -> ResponseReturnValue:
    """The form to import a file with."""
    access.staff_member()
    return _form(ImportForm())


@blueprint.post("/import")
@submissions.once
def import_file() -> ResponseReturnValue:
    """Add the customers of a file; its good rows are kept, the others told."""
    staff, form = access.staff_member(), ImportForm()
    if not form.validate_on_submit():
        return _form(form)
    try:
        number = customer_files.import_customers(
            staff, form.file.data.read(LARGEST_FILE + 1), datetime.now(UTC), actor=access.actor(),
            address=request.remote_addr or "")
    except FileUnusable as error:
        form.blame(error, "file")
        return _form(form)
    return redirect(url_for("customers.import_report", number=number), 303)


@blueprint.get("/import/<int(max=2147483647):number>")
def import_report(number: int) -> ResponseReturnValue:
    """How an import ended, line by line."""
    report = customer_files.find_report(access.staff_member(), number, access.actor())
    return render_template("customers/report.html", report=report)


@blueprint.get("/import/template.csv")
def import_template() -> ResponseReturnValue:
    """An empty file with the headings."""
    access.staff_member()
    return Response(customer_files.empty_file(), content_type=TYPE,
                    headers={"Content-Disposition": disposition("customers.csv")})


@blueprint.get("/export.csv")
def export_csv() -> ResponseReturnValue:
    """All customers whom this member of staff serves."""
    now = datetime.now(UTC)
    blocks = customer_files.export_customers(access.staff_member(), access.actor(), now,
                                             address=request.remote_addr or "")
    name = f"customers-{now:%Y-%m-%d}.csv"
    return Response(blocks, content_type=TYPE, headers={"Content-Disposition": disposition(name)})


def _form(form: ImportForm) -> ResponseReturnValue:
    return render_template("customers/import.html", form=form, columns=customer_files.COLUMNS,
                           required=customer_files.REQUIRED, most=customer_files.MOST_ROWS), form.status
