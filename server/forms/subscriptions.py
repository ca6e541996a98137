"""The forms of subscriptions: selling one, its last day, suspending it, its quota, its plan, its storage."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

from wtforms import BooleanField, RadioField, SelectField
from wtforms.fields import SelectChoice

from server.forms.base import EditingForm, Form, choices, line
from server.forms.numbers import Day, gigabytes_field, in_bytes, in_gigabytes
from server.models import Plan, Storage, Subscription
from server.services.house.versions import EditedMeanwhile
from server.words import count, size


def plan_choices(plans: Iterable[Plan]) -> list[SelectChoice]:
    """Plans with what they promise, for a select."""
    return choices(*((str(plan.id), f"{plan.name}: {size(plan.quota)}, {count(plan.computers, 'computer')}, "
                      f"{count(plan.days, 'day')}") for plan in plans))


def storage_choices(storages: Iterable[Storage]) -> list[SelectChoice]:
    """The default storage and the others by name, for a select."""
    return choices(("", "The default storage"), *((str(storage.id), storage.name) for storage in storages))


class SellForm(Form):
    """A new subscription. Implementors choose `plan` and `valid_from` alone, and are asked first as others are."""

    plan = SelectField("Plan")
    valid_from = Day("First day", "Enter the first day.")
    valid_until = Day("Last day")
    gigabytes = gigabytes_field("Quota in GB", optional=True)
    storage = SelectField("Storage")
    confirmed = BooleanField("Grant it although the storage is overcommitted")

    def limit(self) -> None:
        """Take out what implementors may not decide."""
        for field in ("valid_until", "gigabytes", "storage"):
            delattr(self, field)

    @property
    def asks_first(self) -> bool:
        """Whether overcommitting the storage is to be shown before it is granted."""
        return not self.confirmed.data

    @property
    def last_day(self) -> date | None:
        """The last day, if one was given."""
        return self.valid_until.data if self.valid_until else None

    @property
    def quota(self) -> int | None:
        """The quota in bytes, if one was given."""
        return in_bytes(self.gigabytes.data) if self.gigabytes and self.gigabytes.data is not None else None


class LastDayForm(EditingForm):
    """Another last day."""

    valid_until = Day("Last day", "Enter the last day.")
    reason = line("Reason")


class SuspendForm(EditingForm):
    """Why no new backups are made."""

    reason = line("Reason", required="Enter why. The customer reads it.")


class GrantForm(EditingForm):
    """Another quota."""

    gigabytes = gigabytes_field("Quota in GB")
    reason = line("Reason")

    @property
    def size(self) -> int:
        """The quota in bytes."""
        return in_bytes(self.gigabytes.data or Decimal(0))

    def tell(self, meanwhile: EditedMeanwhile, record: object) -> None:
        """Name the quota that stands now."""
        quota = record.quota if isinstance(record, Subscription) else 0
        super().tell(meanwhile, SimpleNamespace(gigabytes=in_gigabytes(quota)))


class PlanChangeForm(EditingForm):
    """Another plan, one of `offered`. Implementors see no `gigabytes`: the quota is the plan's."""

    offered: Sequence[Plan] = ()
    plan = SelectField("New plan")
    gigabytes = gigabytes_field("Quota in GB", optional=True)
    period = RadioField("Validity", default="keep", choices=choices(
        ("keep", "Stays as it is"), ("new", "A new period begins today")))
    reason = line("Reason")

    @property
    def quota(self) -> int | None:
        """The quota in bytes, if one was given."""
        return in_bytes(self.gigabytes.data) if self.gigabytes and self.gigabytes.data is not None else None

    def tell(self, meanwhile: EditedMeanwhile, record: object) -> None:
        """Name the plan that stands now."""
        super().tell(meanwhile, SimpleNamespace(plan=record.plan.name if isinstance(record, Subscription) else ""))


class PlaceForm(EditingForm):
    """Where new vaults go."""

    storage = SelectField("Storage")

    def tell(self, meanwhile: EditedMeanwhile, record: object) -> None:
        """Name the storage that stands now."""
        place = record.storage_id if isinstance(record, Subscription) else None
        super().tell(meanwhile, SimpleNamespace(storage=str(place or "")))
