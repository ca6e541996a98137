"""A technician's visit as the portal sees it: a code made on a telephone, and the checklist that follows it."""
from __future__ import annotations

import re
from dataclasses import dataclass

from tests.parts.browser import Browser
from tests.parts.house import House

CODE = re.compile(r"\b[A-Z0-9]{3}-[A-Z0-9]{4}\b")
CUSTOMER = re.compile(r"/customers/C-\d+$")


@dataclass
class Visit:
    """The browser of the technician, the address of the visit's page, and its code."""

    telephone: Browser
    page: str
    code: str

    def checklist(self) -> list[str]:
        """The states that the telephone shows, from top to bottom."""
        tree = self.telephone.get(self.page).tree
        assert tree is not None
        (steps,) = (found for found in tree.iter("ol") if found.get("class") == "checklist")
        return ["".join(line[-1].itertext()).strip() for line in steps.iter("li")]

    def sheet(self) -> str:
        """The words of the hand-over sheet."""
        return self.telephone.get(self.page + "/sheet").text


def begin_visit(house: House) -> Visit:
    """Make a code for the only customer's only account, as the wizard in the portal does."""
    telephone = house.hire("tech@example.com")
    (customer,) = {link for _, link in telephone.get("/customers").links if CUSTOMER.search(link)}
    wizard = customer.replace("/customers/", "/setup/customers/")
    page = telephone.fill(wizard, {"account": _only_account(telephone, wizard)})
    found = CODE.search(page.text)
    assert found is not None, page.text
    return Visit(telephone, page.address, found[0])


def _only_account(telephone: Browser, wizard: str) -> str:
    tree = telephone.get(wizard).tree
    assert tree is not None
    offered = [option.get("value", "") for option in tree.iter("option")]
    offered += [box.get("value", "") for box in tree.iter("input") if box.get("name") == "account"]
    return next(value for value in offered if value)
