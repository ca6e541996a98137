"""The reseller's rules for signing in: how long it lasts, and whether staff need a second step."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from server.services.house import preferences
from server.services.house.refusals import ValueRefused

TOPIC = "signing in"
USUAL_HOURS = 12
SHORTEST_HOURS, LONGEST_HOURS = 1, 720


@dataclass(frozen=True)
class Rules:
    """`hours` is how long a sign-in lasts after its last use; `staff_need_second_step` makes two steps obligatory."""

    hours: int = USUAL_HOURS
    staff_need_second_step: bool = False


def read_rules() -> Rules:
    """The rules that were set."""
    return rules_of(preferences.read(TOPIC))


def rules_of(values: Mapping[str, Any]) -> Rules:
    """The rules that a preference's values mean."""
    return Rules(int(values.get("hours", USUAL_HOURS)), bool(values.get("staff_need_second_step", False)))


def change_rules(rules: Rules, version: int | None, now: datetime, *, actor: str, address: str = "") -> None:
    """Set the rules; they hold at once, for those who are signed in too. Raises ValueRefused, EditedMeanwhile."""
    if not SHORTEST_HOURS <= rules.hours <= LONGEST_HOURS:
        raise ValueRefused(field="number of hours", reason=f"it is {SHORTEST_HOURS} to {LONGEST_HOURS}")
    preferences.change(TOPIC, asdict(rules), version, now, actor=actor, address=address)
