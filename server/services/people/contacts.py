"""E-mail addresses as the portal takes them."""
from __future__ import annotations

import re

from server.services.house.refusals import ValueRefused

EMAIL = re.compile(r"[^\s@\x00-\x1f\x7f]{1,64}@[^\s@\x00-\x1f\x7f]{1,190}")
WHOLE_EMAIL = re.compile(rf"(?:{EMAIL.pattern})\Z")
"""The same for programs that look at a text's beginning only."""


def checked_email(email: str) -> str:
    """The address without spaces around it. Raises ValueRefused for what can't be one."""
    email = email.strip()
    if not EMAIL.fullmatch(email):
        raise ValueRefused(field="e-mail address", reason="it must look like name@example.com")
    return email
