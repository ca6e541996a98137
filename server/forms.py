"""The forms of the portal's pages: what they ask for and what they say of a wrong answer."""
from __future__ import annotations

from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import DataRequired, Length


class SignInForm(FlaskForm):  # type: ignore[misc]  # flask_wtf has no types
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
