"""Customers from and to CSV files: good rows are added, bad ones are reported by line and column."""
from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from protocol.errors import NotFound, Refusal
from server.extensions import db
from server.models import AuditEvent, Customer, Staff
from server.models.people import label_of
from server.services.house import audit
from server.services.house.spreadsheets import csv_file, unguarded
from server.services.people import customers
from server.services.people.ownership import ADMINISTRATOR, served_by
from server.services.people.registrations import FIELDS, check
from server.services.signing_in.sign_in import fold
from server.words import count

LARGEST_FILE = 5 * 1000 * 1000
MOST_ROWS = 5000
REQUIRED = ("name", "email", "country")
COLUMNS = (*FIELDS, "implementor")
"""The columns of a file by their headings; the words that forms use do too. A number is given out, never taken."""
IGNORED = ("number",)
TOLD_PROBLEMS = 300
IMPORTED = "imported customers"


class FileUnusable(Refusal):
    """No customers can be read from this file: {reason}. Nothing was added."""

    code = "IBS-1311"
    hint = "Download the template, fill it in, and save it as CSV (UTF-8)."
    status = 400


@dataclass(frozen=True)
class Problem:
    """What is wrong in a line of a file; the column is "" when it is the line as a whole."""

    line: int
    column: str
    words: str


@dataclass(frozen=True)
class Report:
    """How an import ended: how many were added, their numbers, what is wrong with the others, and how many those are.

    Of very many problems only the first are told.
    """

    added: int
    first: str
    last: str
    problems: Sequence[Problem]
    refused: int


@dataclass(frozen=True)
class Table:
    """What a file holds: its columns ("" for those to be left out), rows by their lines, and what can't be read."""

    columns: Sequence[str]
    rows: Sequence[tuple[int, Sequence[str]]]
    problems: Sequence[Problem]


@dataclass(frozen=True)
class Candidate:
    """A row of a file with its values by column."""

    line: int
    values: dict[str, Any]


def export_customers(person: Staff, actor: str, now: datetime, *, address: str = "") -> Iterator[bytes]:
    """Every customer that `person` serves as a CSV file, block by block."""
    audit.record(actor, "exported customers", address=address, now=now)
    db.session.commit()
    columns = (Customer.number, *(getattr(Customer, name) for name in FIELDS), Staff.email)
    rows = db.session.execute(
        select(*columns).outerjoin(Staff, Staff.id == Customer.implementor_id).where(served_by(person))
        .order_by(Customer.number)).all()
    return csv_file(("number", *COLUMNS), ((label_of(number), *values) for number, *values in rows))


def empty_file() -> bytes:
    """The headings and nothing else, to be filled in."""
    return b"".join(csv_file(COLUMNS, ()))


def import_customers(person: Staff, data: bytes, now: datetime, *, actor: str, address: str = "") -> int:
    """Add the customers of a CSV file; the number under which find_report() tells how it went.

    A row whose name and e-mail address are those of a customer is reported and not added, so that the same file does
    nothing a second time. Customers whom an implementor adds are assigned to that person. Raises FileUnusable.
    """
    table = read_file(data)
    return customers.until_numbered(lambda: _import(person, table, now, actor, address))


def find_report(person: Staff, number: int, actor: str) -> Report:
    """The report of an import: one's own, for administrators any. Raises NotFound."""
    event = db.session.get(AuditEvent, number)
    mine = event is not None and (person.role == ADMINISTRATOR or event.actor == actor)
    if event is None or event.action != IMPORTED or not mine:
        raise NotFound(what="such import")
    told = audit.values_of(event.after)
    return Report(**{**told, "problems": [Problem(*one) for one in told["problems"]]})


def read_file(data: bytes) -> Table:
    """What a CSV file holds. Raises FileUnusable.

    UTF-8 with and without a mark at its beginning, else Windows-1252; cells are parted by commas or semicolons.
    """
    if len(data) > LARGEST_FILE:
        raise FileUnusable(reason=f"it is larger than {LARGEST_FILE // 1_000_000} MB")
    text = _decoded(data)
    first = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    rows: list[tuple[int, Sequence[str]]] = []
    problems: list[Problem] = []
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            problems.append(Problem(line, "", f"The line can't be read: {error}."))
            continue
        if any(cell.strip() for cell in row):
            rows.append((line, row))
        if len(rows) > MOST_ROWS + 1:
            raise FileUnusable(reason=f"it has more than {MOST_ROWS:,} rows")
    if not rows:
        raise FileUnusable(reason="it is empty")
    columns, unknown = _columns(rows[0][1])
    unused = [Problem(rows[0][0], name, "This column isn't known and was left out.") for name in unknown]
    return Table(columns, rows[1:], unused + problems)


def _decoded(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise FileUnusable(reason="it isn't a text file in UTF-8 or Windows-1252")
        return text
    raise FileUnusable(reason="it isn't a text file in UTF-8 or Windows-1252")


def _columns(cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """The columns by their names ("" for those to be left out), and the headings that nobody knows."""
    known = {entry.label.casefold(): name for name, entry in FIELDS.items()} | {name: name for name in COLUMNS}
    known |= {"assigned to": "implementor", "e-mail": "email", "name": "name"}
    columns = [known.get(cell.strip().casefold(), "") for cell in cells]
    for name in COLUMNS:
        if columns.count(name) > 1:
            raise FileUnusable(reason=f"the column {name} is there twice")
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        raise FileUnusable(reason=f"its first line lacks the {'column' if len(missing) == 1 else 'columns'} "
                                  f"{', '.join(missing)}")
    unknown = [cell.strip()[:50] for cell, name in zip(cells, columns, strict=True)
               if not name and cell.strip() and cell.strip().casefold() not in IGNORED]
    return columns, unknown


def _import(person: Staff, table: Table, now: datetime, actor: str, address: str) -> int:
    """One attempt: read what is there, add what is not, and note in the audit trail how it went."""
    customers.hold_numbers()  # whoever imports the same file at the same moment waits here, then finds it done
    problems = list(table.problems)
    fresh = _without_known(person, _checked(person, table, problems), problems)
    added = customers.add_customers([one.values for one in fresh], now, actor=actor, address=address)
    unread = sum(not problem.column for problem in table.problems)
    refused = len(table.rows) + unread - len(added)
    told = sorted(problems, key=_place)[:TOLD_PROBLEMS]
    event = audit.record(
        actor, IMPORTED, address=address, now=now,
        detail=f"{count(len(added), 'customer')} added, {count(refused, 'row')} not",
        after={"added": len(added), "first": added[0].label if added else "", "last": added[-1].label if added else "",
               "refused": refused, "problems": [[one.line, one.column, one.words] for one in told]},
    )
    db.session.flush()
    return event.id


def _place(problem: Problem) -> tuple[int, str]:
    return problem.line, problem.column


def _checked(person: Staff, table: Table, problems: list[Problem]) -> list[Candidate]:
    staff = {one.email: one.id for one in customers.implementors()}
    good = []
    for line, row in table.rows:
        if any(cell.strip() for cell in row[len(table.columns) :]):
            problems.append(Problem(line, "", f"It has {len(row)} cells for {len(table.columns)} columns."))
            continue
        cells = {name: unguarded(cell.strip()) for name, cell in zip(table.columns, row, strict=False) if name}
        values, wrong = _values(person, cells, staff)
        problems += [Problem(line, column, words) for column, words in wrong.items()]
        if not wrong:
            good.append(Candidate(line, values))
    return good


def _values(person: Staff, cells: Mapping[str, str], staff: Mapping[str, int]) -> tuple[dict[str, Any], dict[str, str]]:
    """A row's values as they are stored, and what is wrong with others, by column."""
    blank: dict[str, str] = dict.fromkeys(FIELDS, "")
    found = check(blank | {name: cell for name, cell in cells.items() if name in FIELDS})
    wrong, values = dict(found.problems), dict[str, Any](found.values)
    email = fold(cells.get("implementor", ""))
    if person.role != ADMINISTRATOR:
        values["implementor_id"] = person.id
    elif email and email not in staff:
        wrong["implementor"] = "There is no implementor with this e-mail address."
    else:
        values["implementor_id"] = staff.get(email)
    return values, wrong


def _without_known(person: Staff, candidates: Sequence[Candidate], problems: list[Problem]) -> list[Candidate]:
    """Those that are not there yet, in the database or in an earlier line."""
    there: dict[tuple[str, str], str] = {
        (fold(name), fold(email)): f" as {label_of(number)}" if person.role == ADMINISTRATOR else ""
        for number, name, email in db.session.execute(select(Customer.number, Customer.name, Customer.email))
    }
    fresh = []
    for one in candidates:
        key = fold(one.values["name"]), fold(one.values["email"])
        if key in there:
            problems.append(Problem(one.line, "name", f"This customer is there already{there[key]}."))
        else:
            there[key] = f" in line {one.line}"
            fresh.append(one)
    return fresh
