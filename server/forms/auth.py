"""The forms to sign in with, and to set a password."""
from __future__ import annotations

from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length

from server.forms.base import Form
from server.services.sign_in import LONGEST_PASSWORD, SHORTEST_PASSWORD


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


class NewPasswordForm(Form):
    """A password to sign in with from now on, typed twice."""

    password = PasswordField(
        "New password",
        validators=[
            DataRequired("Enter a password."),
            Length(min=SHORTEST_PASSWORD, message="Use at least %(min)d characters."),
            Length(max=LONGEST_PASSWORD, message="That is too long."),
        ],
    )
    again = PasswordField("The same again", validators=[EqualTo("password", "Both have to be the same.")])
