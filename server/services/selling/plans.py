"""What is sold: adding, editing, retiring and deleting plans."""
from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, Select, cast, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from protocol.errors import NotFound, Refusal
from server.extensions import db
from server.models import Computer, Plan, Subscription, SubscriptionChange
from server.models.base import Moment
from server.services.fleet import health
from server.services.house import audit
from server.services.house.refusals import NameInUse, ValueRefused
from server.services.house.versions import check_version, note_change

LARGEST = 2**63 - 1
MOST_DAYS = 36_525
GB = 10**9
COLOUR = re.compile(r"#[0-9a-f]{6}")
PERIODS = ("month", "year")


class PlanInUse(Refusal):
    """The plan {name} was sold {count} times, so it can't be deleted. Nothing was changed."""

    code = "IBS-1320"
    hint = "Retire it instead: it is sold no more, and those who have it keep it."
    status = 409


class PlanRetired(Refusal):
    """The plan {name} is retired, so it can't be sold. Nothing was changed."""

    code = "IBS-1321"
    hint = "Choose a plan that is on sale, or put this one on sale again under Plans."
    status = 409


@dataclass(frozen=True)
class PlanTerms:
    """What a plan promises: `quota` in bytes, `days` of validity, `keep_days` of history; see server.models.Plan."""

    name: str
    quota: int
    computers: int
    days: int
    keep_days: int
    grace_days: int = 0
    price: Decimal | None = None
    period: str = "year"
    colour: str = "#475467"
    remind_days: int = 7
    grace_hours: int | None = None


@dataclass(frozen=True)
class PlanRow:
    """A plan in the list: how many subscriptions it has that still back up or will, and what they were granted."""

    plan: Plan
    subscriptions: int
    granted: int


STANDARD = (
    PlanTerms("Gold", 200 * GB, 10, 365, 365, 14, colour="#b54708", remind_days=1),
    PlanTerms("Silver", 50 * GB, 3, 365, 90, 14, colour="#667085", remind_days=3),
    PlanTerms("Bronze", 10 * GB, 1, 365, 30, 14, colour="#93370d"),
)


def create_plan(
    name: str, quota: int, computers: int, days: int, keep_days: int, now: datetime, *, grace_days: int = 0,
    actor: str = "",
) -> Plan:
    """A new plan with these terms and the usual ones otherwise. Raises ValueRefused, NameInUse."""
    return add_plan(PlanTerms(name, quota, computers, days, keep_days, grace_days), now, actor=actor or "command line")


def add_plan(terms: PlanTerms, now: datetime, *, actor: str, address: str = "") -> Plan:
    """A new plan, on sale at once. Raises ValueRefused, NameInUse."""
    plan = _added(terms, now, actor, address)
    db.session.commit()
    return plan


def create_standard_plans(now: datetime, *, actor: str, address: str = "") -> None:
    """Gold, Silver and Bronze, unless there is any plan already."""
    if db.session.scalar(select(func.count(Plan.id))) == 0:
        for terms in STANDARD:
            _added(terms, now, actor, address)
    db.session.commit()


def edit_plan(plan: Plan, terms: PlanTerms, version: int | None, now: datetime, *, actor: str, address: str = ""
              ) -> None:
    """Give a plan other terms; what follows from them is brought up to date for everybody who has it.

    Quotas that were granted stay as they are. Raises EditedMeanwhile, ValueRefused, NameInUse.
    """
    check_version(plan, version)
    terms = _checked(terms, plan.id)
    before = asdict(terms_of(plan))
    changed = {field: value for field, value in asdict(terms).items() if value != before[field]}
    for field, value in changed.items():
        setattr(plan, field, value)
    if not changed:
        db.session.commit()
        return
    note_change(plan, actor, now)
    db.session.flush()
    if "grace_days" in changed:
        _move_grace(plan)
    if "remind_days" in changed or "grace_hours" in changed:
        _expect_anew(plan)
    if "keep_days" in changed or "computers" in changed:
        _tell_subscriptions(plan, before, changed, actor, now)
    audit.record(actor, "edited a plan", plan.name, address=address, now=now,
                 before={field: before[field] for field in changed}, after=changed)
    db.session.commit()


def put_on_sale(plan: Plan, on_sale: bool, version: int | None, now: datetime, *, actor: str, address: str = ""
                ) -> None:
    """Retire a plan, or sell it again. Those who have it keep it. Raises EditedMeanwhile."""
    check_version(plan, version)
    if plan.active != on_sale:
        plan.active = on_sale
        note_change(plan, actor, now)
        audit.record(actor, "put a plan on sale" if on_sale else "retired a plan", plan.name, address=address, now=now)
    db.session.commit()


def delete_plan(plan: Plan, version: int | None, now: datetime, *, actor: str, address: str = "") -> None:
    """Remove a plan that was never sold. Raises PlanInUse, EditedMeanwhile."""
    check_version(plan, version)
    sold = db.session.scalar(select(func.count()).where(Subscription.plan_id == plan.id))
    if sold:
        raise PlanInUse(name=plan.name, count=sold)
    db.session.delete(plan)
    audit.record(actor, "deleted a plan", plan.name, address=address, now=now)
    db.session.commit()


def find_plan(name: str) -> Plan:
    """The plan of this name. Raises NotFound."""
    plan = db.session.scalar(select(Plan).where(Plan.name == name.strip()))
    if plan is None:
        raise NotFound(what=f"plan {name}")
    return plan


def plan_with_id(number: int) -> Plan:
    """The plan with this id. Raises NotFound."""
    plan = db.session.get(Plan, number)
    if plan is None:
        raise NotFound(what="such plan")
    return plan


def plans_on_sale() -> Sequence[Plan]:
    """The plans that can be sold, the largest first."""
    return db.session.scalars(select(Plan).where(Plan.active).order_by(Plan.quota.desc(), Plan.name)).all()


def list_plans(now: datetime) -> list[PlanRow]:
    """All plans, those on sale first, the largest first."""
    return [PlanRow(*row) for row in db.session.execute(
        _rows(now).order_by(Plan.active.desc(), Plan.quota.desc(), Plan.name))]


def row_of(plan: Plan, now: datetime) -> PlanRow:
    """One plan as the list shows it."""
    return PlanRow(*db.session.execute(_rows(now).where(Plan.id == plan.id)).one())


def sold_count(plan: Plan) -> int:
    """How many subscriptions a plan ever had."""
    return db.session.scalar(select(func.count()).where(Subscription.plan_id == plan.id)) or 0


def terms_of(plan: Plan) -> PlanTerms:
    """What a plan promises today."""
    return PlanTerms(**{field: getattr(plan, field) for field in PlanTerms.__dataclass_fields__})


def _rows(now: datetime) -> Select[*tuple[Any, ...]]:
    in_force = (Subscription.plan_id == Plan.id) & (Subscription.grace_until >= now.date())
    granted = cast(func.coalesce(func.sum(Subscription.quota), 0), BigInteger)
    return (select(Plan, func.count(Subscription.id), granted)
            .outerjoin(Subscription, in_force).group_by(Plan.id))


def _added(terms: PlanTerms, now: datetime, actor: str, address: str) -> Plan:
    plan = Plan(**asdict(_checked(terms, None)), changed_by=actor[:255], changed_at=now)
    db.session.add(plan)
    try:
        db.session.flush()
    except IntegrityError as error:  # somebody took the name at the same moment
        db.session.rollback()
        raise NameInUse(what="plan", name=plan.name) from error
    audit.record(actor, "added a plan", plan.name, address=address, now=now)
    return plan


def _checked(terms: PlanTerms, plan_id: int | None) -> PlanTerms:
    """The terms with a name without spaces around it. Raises ValueRefused, NameInUse."""
    terms = PlanTerms(**{**asdict(terms), "name": terms.name.strip()})
    if not 1 <= len(terms.name) <= 100:
        raise ValueRefused(field="plan's name", reason="it needs 1 to 100 characters")
    bounds: tuple[tuple[str, Any, int, int], ...] = (
        ("quota", terms.quota, 1, LARGEST),
        ("number of computers", terms.computers, 1, 1_000_000),
        ("number of days", terms.days, 1, MOST_DAYS),
        ("number of days to keep", terms.keep_days, 1, MOST_DAYS),
        ("number of days of grace", terms.grace_days, 0, MOST_DAYS),
        ("number of days until a reminder", terms.remind_days, 1, 365),
        ("number of hours of grace", 0 if terms.grace_hours is None else terms.grace_hours, 0, 744),
        ("price", terms.price or 0, 0, 10**9),
    )
    for field, value, least, most in bounds:
        if not least <= value <= most:
            raise ValueRefused(field=field, reason=f"it must lie between {least} and {most}")
    if terms.period not in PERIODS or not COLOUR.fullmatch(terms.colour):
        raise ValueRefused(field="period or colour", reason="it is none that the form offers")
    same = select(Plan.id).where(Plan.name == terms.name)
    if db.session.scalar(same if plan_id is None else same.where(Plan.id != plan_id)) is not None:
        raise NameInUse(what="plan", name=terms.name)
    return terms


def _move_grace(plan: Plan) -> None:
    """Bring the last day of grace of all its subscriptions up to date, one statement for each last day."""
    of_plan = Subscription.plan_id == plan.id
    for last in db.session.scalars(select(Subscription.valid_until).where(of_plan).distinct()).all():
        db.session.execute(
            update(Subscription).where(of_plan, Subscription.valid_until == last)
            .values(grace_until=last + timedelta(days=plan.grace_days)))


def _expect_anew(plan: Plan) -> None:
    """Bring up to date from when on each of its computers is late and overdue."""
    for computer in db.session.scalars(
        select(Computer).join(Subscription, Subscription.id == Computer.subscription_id)
        .where(Subscription.plan_id == plan.id)
    ):
        health.expect_next(computer, plan)


def _tell_subscriptions(plan: Plan, before: dict[str, Any], after: dict[str, Any], actor: str, now: datetime) -> None:
    """Write into the history of each of its subscriptions what the plan changes for it."""
    fields = [field for field in ("computers", "keep_days") if field in after]
    old, new = ({field: values[field] for field in fields} for values in (before, after))
    db.session.execute(insert(SubscriptionChange).from_select(
        ["subscription_id", "at", "actor", "kind", "before", "after", "reason"],
        select(Subscription.id, literal(now, Moment()), literal(actor[:255]), literal("plan edited"),
               literal(old, JSON()), literal(new, JSON()), literal("")).where(Subscription.plan_id == plan.id)))
