"""Choices among hundreds (countries, time zones), written once and not for every page."""
from __future__ import annotations

from typing import Any

from markupsafe import Markup, escape
from wtforms import SelectField
from wtforms.widgets import html_params

from server.forms.base import choices


class LongSelect:
    """Draws a select whose options never change; only the one that is chosen differs."""

    def __init__(self, pairs: tuple[tuple[str, str], ...]) -> None:
        """`pairs` are values and their words."""
        self._options = Markup("").join(
            Markup('<option value="{}">{}</option>').format(value, words) for value, words in pairs)

    def __call__(self, field: SelectField, **attributes: Any) -> Markup:
        """The select with its options."""
        attributes.setdefault("id", field.id)
        attributes.setdefault("required", bool(field.flags.required))
        chosen = f'<option value="{escape(field.data or "")}"'
        options = str(self._options).replace(f"{chosen}>", f"{chosen} selected>", 1)
        return Markup(f"<select {html_params(name=field.name, **attributes)}>{options}</select>")


def long_choice(label: str, *pairs: tuple[str, str], **more: Any) -> SelectField:
    """A field to choose one of many: pairs of a value and its words, which are the same for every form."""
    return SelectField(label, choices=choices(*pairs), widget=LongSelect(pairs), **more)
