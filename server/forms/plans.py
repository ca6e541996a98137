"""The form of a plan."""
from __future__ import annotations

from decimal import Decimal

from wtforms import RadioField, SelectField

from server.forms.base import EditingForm, choices, line
from server.forms.numbers import Amount, WholeNumber, gigabytes_field, in_bytes, in_gigabytes
from server.services.selling.plans import MOST_DAYS, PlanTerms

COLOURS = choices(
    ("#b54708", "Gold"), ("#667085", "Silver"), ("#93370d", "Bronze"), ("#175cd3", "Blue"), ("#067647", "Green"),
    ("#6941c6", "Violet"), ("#b42318", "Red"), ("#475467", "Grey"),
)


class PlanForm(EditingForm):
    """What a plan promises, and how its computers are watched."""

    name = line("Name", required="Enter a name, for example Gold.", longest=100)
    gigabytes = gigabytes_field("Quota in GB")
    computers = WholeNumber("Computers", 1, 1_000_000)
    keep_days = WholeNumber("Keep backups for (days)", 1, MOST_DAYS)
    days = WholeNumber("Validity (days)", 1, MOST_DAYS, default=365)
    grace_days = WholeNumber("Days of grace", 0, MOST_DAYS, default=14)
    price = Amount("Price", "0", "1000000000", optional=True)
    period = RadioField("Price is for a", choices=choices(("month", "Month"), ("year", "Year")), default="year")
    colour = SelectField("Colour", choices=COLOURS, default="#175cd3")
    remind_days = WholeNumber("A backup is expected every (days)", 1, 365, default=7)
    grace_hours = WholeNumber("It may be late by (hours)", 0, 744, optional=True)

    def read(self) -> PlanTerms:
        """The terms that were filled in."""
        fields = {field: getattr(self, field).data for field in PlanTerms.__dataclass_fields__ if field != "quota"}
        return PlanTerms(quota=in_bytes(self.gigabytes.data or Decimal(0)), **fields)


class Shown:
    """A plan's terms by the names of the form's fields."""

    def __init__(self, terms: PlanTerms) -> None:
        for field in PlanTerms.__dataclass_fields__:
            setattr(self, field, getattr(terms, field))
        self.gigabytes = in_gigabytes(terms.quota)
