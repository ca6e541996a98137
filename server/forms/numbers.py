"""Fields for numbers, sizes, prices and dates, whose complaints are in our own words."""
from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from wtforms import DecimalField, IntegerField
from wtforms.fields import DateField
from wtforms.validators import InputRequired, NumberRange, Optional

GB = 10**9
LONGEST = 40
"""Digits that are still read as a number."""


class WholeNumber(IntegerField):  # type: ignore[misc]  # wtforms has no types
    """An integer between two others; `optional` lets it be empty (None)."""

    def __init__(self, label: str, least: int, most: int, *, optional: bool = False, **more: Any) -> None:
        bounds = f"Enter a whole number from {least:,} to {most:,}."
        first: Any = Optional() if optional else InputRequired(bounds)
        super().__init__(label, [first, NumberRange(least, most, bounds)], **more)
        self.words = bounds

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read the number, or say what one looks like."""
        self.data = None
        if valuelist and valuelist[0].strip():
            try:
                self.data = int(valuelist[0].strip()[:LONGEST])
            except ValueError as error:
                raise ValueError(self.words) from error


class Amount(DecimalField):  # type: ignore[misc]
    """A decimal number between two others, written with a point or a comma; `optional` lets it be empty (None)."""

    def __init__(self, label: str, least: str, most: str, *, optional: bool = False, **more: Any) -> None:
        bounds = f"Enter a number from {least} to {most}."
        first: Any = Optional() if optional else InputRequired(bounds)
        super().__init__(label, [first, NumberRange(Decimal(least), Decimal(most), bounds)], places=None, **more)
        self.words = bounds

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read the number, or say what one looks like."""
        self.data = None
        if valuelist and valuelist[0].strip():
            try:
                self.data = Decimal(valuelist[0].strip()[:LONGEST].replace(",", "."))
            except InvalidOperation as error:
                raise ValueError(self.words) from error
            if not self.data.is_finite():
                self.data = None
                raise ValueError(self.words)


class Day(DateField):  # type: ignore[misc]
    """A date; `required` is what to say when it is empty."""

    def __init__(self, label: str, required: str = "", **more: Any) -> None:
        super().__init__(label, [InputRequired(required) if required else Optional()], **more)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Read the date, or say what one looks like."""
        try:
            super().process_formdata(valuelist if valuelist and valuelist[0] else [])
        except ValueError as error:
            raise ValueError("Enter a date like 2027-03-31.") from error


def gigabytes_field(label: str, *, optional: bool = False) -> Amount:
    """A field for a size in GB, from a megabyte to a million terabytes."""
    return Amount(label, "0.001", "1000000000", optional=optional)


def in_bytes(gigabytes: Decimal) -> int:
    """A size that was typed in GB."""
    return int(gigabytes * GB)


def in_gigabytes(size: int) -> Decimal:
    """A size as it is typed: 50 or 0.5, without zeros that say nothing."""
    amount = (Decimal(size) / GB).normalize()
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount
