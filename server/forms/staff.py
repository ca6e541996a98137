"""The form of a member of staff."""
from __future__ import annotations

from wtforms import RadioField, SelectField

from server.forms.base import EditingForm, choices, line
from server.services.people.ownership import ADMINISTRATOR, IMPLEMENTOR
from server.services.people.places import zone_names
from server.services.people.staff import Details


class StaffForm(EditingForm):
    """Who somebody is and what they may do."""

    email = line("E-mail address", required="Enter the address with which this person signs in.")
    name = line("Name")
    role = RadioField("Role", choices=choices((IMPLEMENTOR, "Implementor"), (ADMINISTRATOR, "Administrator")),
                      default=IMPLEMENTOR)
    time_zone = SelectField("Time zone", choices=lambda: choices(("", "UTC"), *((zone, zone) for zone in zone_names())))

    def read(self) -> Details:
        """What was filled in."""
        return Details(self.email.data or "", self.name.data or "", self.role.data, self.time_zone.data or None)
