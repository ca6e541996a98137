"""The forms of a customer's registration: the customer's own part of it, and all of it for staff."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtforms import SelectField

from server.forms.base import EditingForm, choices, line, paragraph
from server.forms.long_choices import long_choice
from server.models import Customer, Staff
from server.services.people import places
from server.services.people.ownership import ADMINISTRATOR
from server.services.people.registrations import CONTACT_FIELDS, FIELDS, KINDS, check


def _line(name: str) -> Any:
    entry = FIELDS[name]
    return line(entry.label, required=entry.required, longest=entry.longest)


class ContactForm(EditingForm):
    """What customers change of their registration themselves.

    The fields are named like the columns; `values` are ready to be stored once the form is valid.
    """

    names: Sequence[str] = CONTACT_FIELDS
    """The fields that are held to the rules of registrations.check()."""
    contact = _line("contact")
    email = _line("email")
    phone = _line("phone")
    mobile = _line("mobile")
    street = _line("street")
    city = _line("city")
    postcode = _line("postcode")
    state = _line("state")
    country = long_choice(FIELDS["country"].label, ("", "Choose a country"), *places.countries().items())
    time_zone = long_choice(FIELDS["time_zone"].label, ("", "The country's usual one"), *(
        (zone, zone.replace("_", " ")) for zone in places.zone_names()))
    language = long_choice(FIELDS["language"].label, *sorted(places.LANGUAGES.items(), key=lambda pair: pair[1]),
                           default="en")
    values: dict[str, Any]

    def __init__(self, customer: Customer | None) -> None:
        """Shows what is known of `customer`."""
        super().__init__(obj=customer)
        self.country.flags.required = True

    def validate(self, extra_validators: Any = None) -> bool:
        """Hold every field to the rules of registrations.check()."""
        fine = super().validate(extra_validators)
        checked = check({name: getattr(self, name).data for name in self.names})
        for name, words in checked.problems.items():
            field = getattr(self, name)
            field.errors = field.errors or [words]
        self.values = dict(checked.values)
        return fine and not checked.problems


class RegistrationForm(ContactForm):
    """All that is known of a customer."""

    names = tuple(FIELDS)
    kind = SelectField(FIELDS["kind"].label, choices=choices(*KINDS.items()))
    name = _line("name")
    registration = _line("registration")
    implementor_id = SelectField("Assigned implementor", coerce=lambda value: int(value or 0))
    notes = paragraph("Notes for staff", longest=FIELDS["notes"].longest)

    def __init__(self, staff: Staff, implementors: Sequence[Staff], customer: Customer | None = None) -> None:
        """For `staff`, who may choose among `implementors` when it is an administrator's form."""
        super().__init__(customer)
        known = [*implementors]
        if customer is not None and customer.implementor is not None and customer.implementor not in known:
            known.append(customer.implementor)
        self.implementor_id.choices = choices((0, "Nobody"), *((one.id, one.name or one.email) for one in known))
        if staff.role != ADMINISTRATOR:
            del self.implementor_id

    def validate(self, extra_validators: Any = None) -> bool:
        """As the customer's part; an administrator's form also says who serves the customer."""
        valid = super().validate(extra_validators)
        if "implementor_id" in self:
            self.values["implementor_id"] = self.implementor_id.data or None
        return valid
