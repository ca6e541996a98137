"""The forms of a customer's own pages: a wish for the plan, a password asked again."""
from __future__ import annotations

from wtforms import PasswordField
from wtforms.validators import DataRequired, Length

from server.forms.base import Form, paragraph
from server.services.people.own_plans import LONGEST_WISH


class WishForm(Form):
    """What a customer would like to be different."""

    wish = paragraph("What would you like to change?", required="Write what you would like.", longest=LONGEST_WISH)


class PasswordAgainForm(Form):
    """One's own password, asked again before something that must not happen at an unwatched screen."""

    password = PasswordField("Your password", validators=[DataRequired("Enter your password."), Length(max=1000)])
