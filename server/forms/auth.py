"""The forms to sign in with, to set a password, and to prove the second step."""
from __future__ import annotations

from wtforms import BooleanField, IntegerField, PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length, NumberRange

from server.forms.base import EditingForm, Form, line
from server.services.signing_in.second_step import LONGEST_CODE
from server.services.signing_in.sign_in import LONGEST_PASSWORD, SHORTEST_PASSWORD
from server.services.signing_in.sign_in_rules import LONGEST_HOURS, SHORTEST_HOURS, Rules


def password(label: str, empty: str = "Enter your password.") -> PasswordField:
    """A field for a password that is known already."""
    return PasswordField(label, validators=[DataRequired(empty), Length(max=1024, message="That is too long.")])


class SignInForm(Form):
    """User name (or e-mail address) and password."""

    name = StringField(
        "User name or e-mail",
        validators=[
            DataRequired("Enter your user name or e-mail address."),
            Length(max=255, message="That is too long."),
        ],
    )
    password = password("Password")


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


class ChangePasswordForm(NewPasswordForm):
    """Another password, for who knows the present one."""

    old = password("Present password", "Enter your present password.")


class ForgottenForm(Form):
    """Who forgot the password."""

    name = line("User name or e-mail", required="Enter your user name or e-mail address.")


class CodeForm(Form):
    """A code of the second step."""

    code = line("Code", required="Enter the code.", longest=LONGEST_CODE)


class ProveForm(Form):
    """Password and code, before the second step is switched off or its spare codes are made anew."""

    password = password("Your password")
    code = line("Code of your app, or a spare code", required="Enter the code.", longest=LONGEST_CODE)


class SignInRulesForm(EditingForm):
    """How people sign in."""

    hours = IntegerField("Hours that a sign-in lasts", validators=[
        InputRequired("Enter a number of hours."),
        NumberRange(SHORTEST_HOURS, LONGEST_HOURS, "Enter a number from %(min)s to %(max)s.")])
    staff_need_second_step = BooleanField("Staff need two-step sign-in")

    def read(self) -> Rules:
        """What was filled in."""
        return Rules(self.hours.data or 0, bool(self.staff_need_second_step.data))
