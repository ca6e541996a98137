"""Letters: templates become a subject, plain text and HTML in the reseller's look."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from server import words
from server.services.house.branding import Branding

TEMPLATES = Path(__file__).resolve().parents[3] / "templates" / "mail"


@dataclass(frozen=True)
class Letter:
    """What is told: one line, plain text, and the same as HTML."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Fact:
    """A line of a letter's table."""

    word: str
    value: str


def write(subject: str, brand: Branding, paragraphs: list[str], *, facts: list[Fact] | None = None,
          link: tuple[str, str] | None = None, look: str = "neutral", footer: str = "") -> Letter:
    """A letter that says `subject`, then `paragraphs`, `facts` and one `link` (its words and address).

    `look` is ok, warn, error or neutral, as the state's colour on the pages; the words never depend on it. `footer`
    says why the reader gets this letter.
    """
    values: Mapping[str, Any] = {
        "subject": subject, "brand": brand, "paragraphs": paragraphs, "facts": facts or [], "link": link, "look": look,
        "footer": footer,
    }
    return Letter(subject, _templates(False).get_template("letter.txt").render(values),
                  _templates(True).get_template("letter.html").render(values))


@cache
def _templates(escaped: bool) -> Environment:
    templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=escaped, undefined=StrictUndefined,
                            trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    templates.filters.update(words.FILTERS)
    return templates
