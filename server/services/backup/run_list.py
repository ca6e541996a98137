"""Runs as staff see them: a list by filters, newest first; a page begins where the last one ended."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, not_, or_, select
from sqlalchemy.orm import defer

from server.extensions import db
from server.models import Computer, Customer, Run, Staff
from server.models.base import Moment
from server.models.runs import COMMITTED, OPEN
from server.services.fleet.health import RESULTS, result_of
from server.services.people.ownership import ADMINISTRATOR, LABEL, AnyOf, sentence_for, served_by

ROWS_PER_PAGE = 50
FEW_VAULTS = 50
"""For so many, going through all of their runs is quicker than through everybody's latest."""
WARNINGS = "Completed with warnings"
WORDS = ("Running", "Completed", WARNINGS, "Failed", "Storage full", "Refused", "Cancelled", "Interrupted")
STATES = {word: state for state, word in RESULTS.items()} | {WARNINGS: COMMITTED}
KINDS = ("automatic", "manual")
CURSOR_PARTS = 3


@dataclass(frozen=True)
class Wanted:
    """What to list ("" and None for all): a result in words, a customer's label, a computer's ID, one of KINDS, and
    the days (UTC) of the beginning. `before` is the cursor of the page before this one."""

    state: str = ""
    customer: str = ""
    computer: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None
    before: str = ""

    @property
    def is_filtered(self) -> bool:
        """Whether some runs may be left out."""
        return bool(self.state or self.customer or self.computer or self.kind or self.since or self.until)


class Row(NamedTuple):
    """A run in the list, with whose it is."""

    vault_id: int
    run_no: int
    state: str
    skipped: int
    automatic: bool
    opened_at: datetime
    finished_at: datetime | None
    lease_until: datetime
    files: int
    bytes: int
    stored: int
    code: str
    sentence: str
    computer_id: str
    computer: str
    customer: str
    customer_number: int

    @property
    def cursor(self) -> str:
        """Where the next page begins if this is the last row."""
        return f"{self.opened_at.isoformat()}~{self.vault_id}~{self.run_no}"


class Listing(NamedTuple):
    """One page of runs; `older` is the cursor of the next one, "" on the last."""

    rows: Sequence[Row]
    older: str


COLUMNS = (
    Run.vault_id, Run.run_no, Run.state, Run.skipped, Run.automatic, Run.opened_at, Run.finished_at, Run.lease_until,
    Run.files, Run.bytes, Run.stored, Run.code, Run.sentence, Computer.id, Computer.name, Customer.name,
    Customer.number,
)  # fmt: skip


def list_runs(person: Staff, wanted: Wanted, now: datetime) -> Listing:
    """The runs that are `wanted` of computers that `person` serves, newest first."""
    query = _runs().where(served_by(person), *_conditions(wanted, now))
    vaults = _vaults_in_question(person, wanted)
    if vaults is None or len(vaults) > FEW_VAULTS:
        first = "state_" if wanted.state else "automatic_" if wanted.kind else ""
        query = query.with_hint(Run, f"FORCE INDEX (ix_run_{first}opened_at)", "mysql")
    if vaults is not None:
        query = query.where(Run.vault_id.in_(vaults)) if len(vaults) <= FEW_VAULTS else query
    query = query.order_by(Run.opened_at.desc(), Run.vault_id.desc(), Run.run_no.desc()).limit(ROWS_PER_PAGE + 1)
    rows = _read(person, query)
    more = len(rows) > ROWS_PER_PAGE
    return Listing(rows[:ROWS_PER_PAGE], rows[ROWS_PER_PAGE - 1].cursor if more else "")


def running_now(person: Staff, now: datetime, most: int) -> Listing:
    """The runs that are under way, the longest ones first; `older` says that there are more than `most`."""
    rows = _read(person, _running(person.role), {"person": person.id, "now": now, "most": most + 1})
    return Listing(rows[:most], rows[most].cursor if len(rows) > most else "")


@cache
def _running(role: str) -> Select[Any]:
    """The runs that are under way, as staff of that role see them; made once, as the first page asks it often."""
    return _runs().where(
        served_by(AnyOf(role)), Run.state == OPEN, Run.lease_until > bindparam("now", type_=Moment()),
    ).order_by(Run.opened_at).limit(bindparam("most", type_=Integer()))


def _read(person: Staff, query: Select[Any], values: Mapping[str, Any] | None = None) -> list[Row]:
    rows = (Row(*row) for row in db.session.execute(query, values))
    return [row._replace(sentence=sentence_for(person, row.code, row.sentence)) for row in rows]


def load_runs(keys: Iterable[tuple[int, int]]) -> dict[tuple[int, int], Run]:
    """The runs with these keys, (vault, number), without their commit objects."""
    wanted: dict[int, list[int]] = {}
    for vault_id, run_no in keys:
        wanted.setdefault(vault_id, []).append(run_no)
    if not wanted:
        return {}
    named = or_(*(and_(Run.vault_id == vault_id, Run.run_no.in_(numbers)) for vault_id, numbers in wanted.items()))
    return {(run.vault_id, run.run_no): run
            for run in db.session.scalars(select(Run).where(named).options(defer(Run.commit)))}


def word_of(run: Run | Row, now: datetime) -> str:
    """A run's result in the words of the pages; one whose computer fell silent counts as interrupted."""
    if run.state == OPEN and run.lease_until <= now:
        return RESULTS["abandoned"]
    return result_of(run.state, run.skipped)


def _runs() -> Select[Any]:
    columns: Any = COLUMNS
    query: Select[Any] = select(*columns)
    return query.join(Computer, Computer.vault_id == Run.vault_id).join(
        Customer, Customer.id == Computer.customer_id)


def _conditions(wanted: Wanted, now: datetime) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.state:
        found.append(Run.state == STATES[wanted.state])
        if STATES[wanted.state] == COMMITTED:
            found.append(Run.skipped > 0 if wanted.state == WARNINGS else Run.skipped == 0)
        if wanted.state == RESULTS[OPEN]:
            found.append(Run.lease_until > now)
    if wanted.computer:
        found.append(Computer.id == wanted.computer)
    if wanted.customer:
        found.append(Customer.number == _number(wanted.customer))
    if wanted.kind:
        found.append(Run.automatic == (wanted.kind == KINDS[0]))  # IS would know no index
    if wanted.since:
        found.append(Run.opened_at >= datetime.combine(wanted.since, time(), UTC))
    if wanted.until:
        found.append(Run.opened_at < datetime.combine(wanted.until + timedelta(days=1), time(), UTC))
    if (cursor := _read_cursor(wanted.before)) is not None:
        moment, vault_id, run_no = cursor
        found += [Run.opened_at <= moment, not_(and_(Run.opened_at == moment, or_(
            Run.vault_id > vault_id, and_(Run.vault_id == vault_id, Run.run_no >= run_no))))]
    return found


def _vaults_in_question(person: Staff, wanted: Wanted) -> Sequence[int] | None:
    """The vaults whose runs can be among those wanted, one more than FEW_VAULTS at most; None for everybody's."""
    if person.role == ADMINISTRATOR and not wanted.customer and not wanted.computer:
        return None
    query = select(Computer.vault_id).join(Customer, Customer.id == Computer.customer_id).where(served_by(person))
    if wanted.customer:
        query = query.where(Customer.number == _number(wanted.customer))
    if wanted.computer:
        query = query.where(Computer.id == wanted.computer)
    return db.session.scalars(query.limit(FEW_VAULTS + 1)).all()


def _number(label: str) -> int | None:
    match = LABEL.fullmatch(label)
    return int(match[1]) if match else None


def _read_cursor(text: str) -> tuple[datetime, int, int] | None:
    parts = text.split("~")
    if len(parts) != CURSOR_PARTS or not all(part.isascii() and part.isdigit() for part in parts[1:]):
        return None
    try:
        moment = datetime.fromisoformat(parts[0])
    except ValueError:
        return None
    vault_id, run_no = (min(int(part[:12]), 2**32 - 1) for part in parts[1:])
    return (moment, vault_id, run_no) if moment.tzinfo is not None else None
