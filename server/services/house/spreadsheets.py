"""CSV for spreadsheet programs: cells that can't become formulas, lines as these programs expect them."""
from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

BYTE_ORDER_MARK = "\ufeff"
"""Stands at the beginning of a file, so that spreadsheet programs read it as UTF-8."""
STARTERS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""What makes a spreadsheet program take a text for a formula: the signs themselves, their wide forms, white space."""
GUARD = "'"
TYPE = "text/csv; charset=utf-8"


def csv_file(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """The blocks of a CSV file: headings, then rows; texts are guarded, numbers are not. None is an empty cell."""
    yield (BYTE_ORDER_MARK + csv_line(headings)).encode()
    for row in rows:
        yield csv_line(row).encode("utf-8", "replace")


def csv_line(cells: Sequence[object]) -> str:
    """One line of a CSV file, with its end."""
    line = io.StringIO()
    csv.writer(line).writerow([guarded(cell) if isinstance(cell, str) else cell for cell in cells])
    return line.getvalue()


def guarded(text: str) -> str:
    """A text that a spreadsheet program shows and never calculates; one that begins like a formula gets a quote."""
    begins = text[:1] + text.lstrip()[:1]
    return GUARD + text if any(sign in STARTERS for sign in begins) else text


def unguarded(text: str) -> str:
    """The text that guarded() was given."""
    inner = text.removeprefix(GUARD)
    return inner if inner != text and guarded(inner) == text else text
