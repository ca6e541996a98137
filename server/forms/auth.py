"""The form to sign in with."""
from __future__ import annotations

from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length

from server.forms.base import Form


class SignInForm(Form):
    """User name (or e-mail address) and password."""

    name = StringField(
        "User name or e-mail",
        validators=[
            DataRequired("Enter your user name or e-mail address."),
            Length(max=255, message="That is too long."),
        ],
    )
    password = PasswordField(
        "Password",
        validators=[DataRequired("Enter your password."), Length(max=1024, message="That is too long.")],
    )
