"""The forms of accounts: adding and editing one, and its two switches."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtforms import HiddenField, SelectField
from wtforms.validators import AnyOf, Regexp

from server.forms.base import EditingForm, Form, choices, line
from server.models import Account, Subscription
from server.services.people.accounts import MAIL_CHOICES, REASON_LENGTH
from server.services.people.contacts import WHOLE_EMAIL
from server.words import full_date


class AccountForm(EditingForm):
    """A sign-in's e-mail address, and the subscription that its computers will belong to."""

    email = line("E-mail", required="Enter an e-mail address.",
                 validators=[Regexp(WHOLE_EMAIL, message="Write it like name@example.com.")])
    subscription_id = SelectField("Subscription", coerce=lambda value: int(value or 0))

    def __init__(self, subscriptions: Sequence[Subscription], account: Account | None = None, **more: Any) -> None:
        """`subscriptions` are those of the customer, the newest first."""
        super().__init__(obj=account, **more)
        self.subscription_id.choices = choices(
            *((one.id, f"{one.plan.name}, until {full_date(one.valid_until)}") for one in subscriptions),
            (0, "None yet"),
        )

    def chosen(self, subscriptions: Sequence[Subscription]) -> Subscription | None:
        """The subscription that was chosen."""
        return next((one for one in subscriptions if one.id == self.subscription_id.data), None)


class NewAccountForm(AccountForm):
    """A new sign-in."""

    user_name = line("User name", required="Enter a user name.")


class SwitchBackupsForm(Form):
    """The switch “Accept backups”, and perhaps why."""

    accepts = HiddenField(validators=[AnyOf(("yes", "no"))])
    reason = line("Reason", longest=REASON_LENGTH)


class SwitchMailForm(Form):
    """The switch “E-mail after each run”."""

    choice = SelectField("E-mail after each run", choices=choices(*MAIL_CHOICES.items()))
