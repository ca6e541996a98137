"""The forms of a customer's own pages: contact details, a wish for the plan, a password asked again."""
from __future__ import annotations

from typing import Any

from wtforms import PasswordField, SelectField
from wtforms.validators import DataRequired, Length

from server.forms.base import EditingForm, Form, choices, line, paragraph
from server.models import Customer
from server.services import places
from server.services.own_plans import LONGEST_WISH
from server.services.registrations import CONTACT_FIELDS, FIELDS, check


def _line(name: str) -> Any:
    entry = FIELDS[name]
    return line(entry.label, required=entry.required, longest=entry.longest)


class ContactForm(EditingForm):
    """What customers change of their registration themselves; `values` are ready to be stored."""

    contact = _line("contact")
    email = _line("email")
    phone = _line("phone")
    mobile = _line("mobile")
    street = _line("street")
    city = _line("city")
    postcode = _line("postcode")
    state = _line("state")
    country = SelectField(FIELDS["country"].label, choices=lambda: choices(
        ("", "Choose a country"), *places.countries().items()))
    time_zone = SelectField(FIELDS["time_zone"].label, choices=lambda: choices(
        ("", "The country's usual one"), *((zone, zone.replace("_", " ")) for zone in places.zone_names())))
    language = SelectField(FIELDS["language"].label, choices=lambda: choices(
        *sorted(places.LANGUAGES.items(), key=lambda pair: pair[1])))
    values: dict[str, Any]

    def __init__(self, customer: Customer) -> None:
        """Shows what is known of `customer`."""
        super().__init__(obj=customer)
        self.country.flags.required = True

    def validate(self, extra_validators: Any = None) -> bool:
        """Hold every field to the rules of registrations.check()."""
        fine = super().validate(extra_validators)
        checked = check({name: getattr(self, name).data for name in CONTACT_FIELDS})
        for name, words in checked.problems.items():
            field = getattr(self, name)
            field.errors = field.errors or [words]
        self.values = dict(checked.values)
        return fine and not checked.problems


class WishForm(Form):
    """What a customer would like to be different."""

    wish = paragraph("What would you like to change?", required="Write what you would like.", longest=LONGEST_WISH)


class PasswordAgainForm(Form):
    """One's own password, asked again before something that must not happen at an unwatched screen."""

    password = PasswordField("Your password", validators=[DataRequired("Enter your password."), Length(max=1000)])
