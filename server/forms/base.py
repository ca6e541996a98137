"""What every form shares: fields that refuse hostile text, problems in words, and edits that met another's."""
from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, IntegerField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, Optional, ValidationError
from wtforms.widgets import HiddenInput

from server.masking import MaskedTokens
from server.services.house.hidden_signs import hidden_sign
from server.services.house.versions import EditedMeanwhile
from vault.errors import BackupError

LINE, PARAGRAPH = 255, 4000
TOO_LONG = "That is too long: %(max)d characters are the most."


@dataclass(frozen=True)
class Difference:
    """A field that two people filled in differently: what stands now, and what was typed here."""

    label: str
    now: str
    typed: str


class Form(FlaskForm):  # type: ignore[misc]  # flask_wtf has no types
    """A form that says what is wrong with it as a whole (`form_errors`) and with each field (`field.errors`)."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """The form's token looks different each time, so that a compressed page gives nothing away."""

        csrf_class = MaskedTokens

    meanwhile: EditedMeanwhile | None = None
    """Set when somebody else saved first; `differences` then tells where both disagree."""
    differences: Sequence[Difference] = ()

    @property
    def status(self) -> int:
        """The HTTP status of the page that shows this form: 200 new, 400 to be corrected, 409 edited meanwhile."""
        if self.meanwhile is not None:
            return 409
        return 400 if self.errors else 200

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether everything is right; what is shown again holds no sign that a page can't."""
        valid = bool(super().validate(extra_validators))
        if not valid:
            for field in self:
                if isinstance(field.data, str):
                    field.data = showable(field.data)
                field.raw_data = [showable(text) if isinstance(text, str) else text for text in field.raw_data or ()]
        return valid

    def blame(self, error: BackupError, field: str = "") -> None:
        """Show a refusal at the field it is about, or above the form when it is about none."""
        if field:
            control = getattr(self, field)
            control.errors = [*control.errors, error.sentence]
        else:
            self.form_errors.append(error.explain())

    def tell(self, meanwhile: EditedMeanwhile, record: object) -> None:
        """Keep what was typed and show beside it what `record` holds now, saved by somebody else."""
        self.meanwhile = meanwhile
        self.differences = [
            Difference(field.label.text, _words(field, theirs), _words(field, field.data))
            for field in self
            if hasattr(record, field.name) and field.name != "version"
            and _plain(theirs := getattr(record, field.name)) != _plain(field.data)
        ]


class EditingForm(Form):
    """A form over a record that others may edit too; `version` is the one that was shown."""

    version = IntegerField(widget=HiddenInput(), validators=[Optional()])


def harmless(form: Form, field: Field) -> None:
    """A validator: no control characters, and none that turn the direction of what follows."""
    sign = hidden_sign(field.data or "", "\n\t" if isinstance(field, TextAreaField) else "")
    if sign:
        raise ValidationError(f"Remove the invisible character U+{ord(sign):04X}.")


def showable(text: str) -> str:
    """A text as a page can repeat it: a mark stands for each sign that HTML does not allow."""
    return "".join("\ufffd" if _is_forbidden(sign) else sign for sign in text)


def trimmed(text: str | None) -> str:
    """A filter: without spaces around it, one kind of line end."""
    return (text or "").replace("\r\n", "\n").replace("\r", "\n").strip()


def line(label: str, *, required: str = "", longest: int = LINE, validators: Sequence[Any] = (), **more: Any
         ) -> StringField:
    """A field for one line of text. `required` is what to say when it is empty; without it, it may be."""
    checks = _checks(required, longest, validators)
    return StringField(label, filters=[trimmed], validators=checks, **more)


def paragraph(label: str, *, required: str = "", longest: int = PARAGRAPH, **more: Any) -> TextAreaField:
    """A field for several lines of text."""
    return TextAreaField(label, filters=[trimmed], validators=_checks(required, longest, ()), **more)


def choices(*pairs: tuple[object, str]) -> list[SelectChoice]:
    """What a field offers to choose from: pairs of a value and its words."""
    return [SelectChoice(value, words) for value, words in pairs]


def _is_forbidden(sign: str) -> bool:
    number = ord(sign)
    return (unicodedata.category(sign) in {"Cc", "Cs"} and sign not in "\n\t\r") or (
        number & 0xFFFE == 0xFFFE or 0xFDD0 <= number <= 0xFDEF)


def _checks(required: str, longest: int, validators: Sequence[Any]) -> list[Any]:
    first = DataRequired(required) if required else Optional()
    return [first, Length(max=longest, message=TOO_LONG), harmless, *validators]


def _plain(value: object) -> object:
    """A value as two people's can be compared: nothing and an empty text are the same."""
    return "" if value is None else str(value) if not isinstance(value, bool) else value


def _words(field: Field, value: object) -> str:
    """A value as the field's page names it: the label of a choice, yes or no, or the text itself."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    for choice in getattr(field, "choices", None) or ():
        if str(choice.value) == str(value):
            return str(choice.label)
    return str(value if value is not None else "") or "(empty)"
