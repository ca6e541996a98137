"""The form of customers' files."""
from __future__ import annotations

from flask_wtf.file import FileField, FileRequired

from server.forms.base import Form


class ImportForm(Form):
    """A CSV file of customers."""

    file = FileField("CSV file", validators=[FileRequired("Choose a file.")])
