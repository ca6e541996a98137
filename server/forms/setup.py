"""The form with which setting up a computer begins."""
from __future__ import annotations

from wtforms import SelectField

from server.forms.base import Form, choices
from server.models import Account


class VisitForm(Form):
    """For which account a computer is set up."""

    account = SelectField("Account", coerce=int)

    def offer(self, accounts: list[Account]) -> VisitForm:
        """The same form, offering these accounts."""
        self.account.choices = choices(*((account.id, account.user_name) for account in accounts))
        return self
