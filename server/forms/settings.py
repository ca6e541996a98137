"""The forms of the reseller's settings: branding, and the mail server."""
from __future__ import annotations

from flask_wtf.file import FileField
from wtforms import BooleanField, Field, IntegerField, PasswordField, SelectField, ValidationError
from wtforms.validators import Length, NumberRange, Optional, Regexp

from server.forms.base import EditingForm, Form, choices, line
from server.services.house.branding import COLOUR, LARGEST_LOGO, Branding
from server.services.house.refusals import ValueRefused
from server.services.mail.delivery import PLAIN, STARTTLS, TLS, MailSettings
from server.services.people.contacts import checked_email

CURRENCIES = ("EUR", "USD", "GBP", "CHF", "INR", "AUD", "CAD", "DKK", "NOK", "SEK", "PLN", "CZK", "BRL", "ZAR", "JPY")


def an_address(form: Form, field: Field) -> None:
    """A validator: empty, or an e-mail address."""
    if field.data:
        try:
            checked_email(field.data)
        except ValueRefused as refusal:
            raise ValidationError("Enter an address like name@example.com.") from refusal


class BrandingForm(EditingForm):
    """How the reseller is seen."""

    name = line("Name", required="Enter your name, as customers know you.", longest=100)
    colour = line("Colour", longest=7, validators=[
        Regexp(COLOUR, message="Write it like #175cd3.")])
    support_email = line("Support e-mail", validators=[an_address])
    support_phone = line("Support telephone", longest=50)
    support_hours = line("Support hours", longest=100)
    currency = SelectField("Currency of prices", choices=choices(*((word, word) for word in CURRENCIES)), default="EUR")
    address = line("Address of this portal", longest=200, validators=[
        Regexp(r"https?://[^\s/?#]+(/[^\s?#]*)?$", message="Write it like https://backup.example.com.")])
    logo = FileField("Logo")
    remove_logo = BooleanField("Remove the logo")

    def read(self) -> Branding:
        """What was filled in."""
        return Branding(
            name=self.name.data or "", colour=self.colour.data or "", support_email=self.support_email.data or "",
            support_phone=self.support_phone.data or "", support_hours=self.support_hours.data or "",
            currency=self.currency.data, address=(self.address.data or "").rstrip("/"),
        )  # fmt: skip

    def read_logo(self) -> bytes | None:
        """The new logo, at most one byte more than is allowed; empty to remove the old one, None to keep it."""
        if self.remove_logo.data:
            return b""
        return self.logo.data.read(LARGEST_LOGO + 1) or None if self.logo.data else None


class MailForm(EditingForm):
    """The way to the reseller's mail server. An empty password keeps the one that was set."""

    host = line("Server")
    port = IntegerField("Port", default=587, validators=[NumberRange(1, 65535, "Enter a number from 1 to 65535.")])
    security = SelectField("Security", default=STARTTLS, choices=choices(
        (STARTTLS, "STARTTLS (usual, port 587)"), (TLS, "TLS from the start (port 465)"),
        (PLAIN, "None: readable on its way")))
    user = line("User name")
    password = PasswordField("Password", validators=[
        Optional(), Length(max=255), Regexp(r"[\x20-\x7e]*$", message="Only letters, digits and signs without accents "
                                                                      "can be sent to mail servers.")])
    sender = line("Sender's address", validators=[an_address])
    reseller = line("Your own address", validators=[an_address])
    alarms = BooleanField("Tell this address of overdue backups, too")

    def read(self, known: MailSettings) -> MailSettings:
        """What was filled in; `known` are the settings of before."""
        return MailSettings(
            host=self.host.data or "", port=self.port.data or 587, security=self.security.data,
            user=self.user.data or "", password=(self.password.data or known.password) if self.user.data else "",
            sender=self.sender.data or "", reseller=self.reseller.data or "", alarms=bool(self.alarms.data),
        )  # fmt: skip


class TestMailForm(Form):
    """To whom a test letter goes."""

    __test__ = False
    recipient = line("Send it to", required="Enter an address.", validators=[an_address])
