"""What staff may change of a computer: its name, a pause, its subscription."""
from __future__ import annotations

from collections.abc import Sequence

from wtforms import DateField, SelectField
from wtforms.validators import Optional

from server.forms.base import EditingForm, line
from server.models import Computer, Subscription
from server.words import full_date


class RenameForm(EditingForm):
    """The name under which the portal lists the computer."""

    name = line("Name", required="Type a name.")


class PauseForm(EditingForm):
    """A pause, with or without an end."""

    until = DateField("Until", validators=[Optional()])


class MoveForm(EditingForm):
    """Another subscription of the same customer."""

    subscription_id = SelectField("Subscription", coerce=int, validate_choice=True)

    def __init__(self, computer: Computer, homes: Sequence[Subscription], *, sent: bool = False) -> None:
        """To one of `homes`; `sent` when this is the form that the request holds."""
        super().__init__(obj=computer, **({} if sent else {"formdata": None}))
        self.subscription_id.choices = [
            (one.id, f"{one.plan.name}, until {full_date(one.valid_until)}") for one in homes]
