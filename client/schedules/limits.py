"""Speed limits by the time of day: how much a backup may send a second so that the line stays free for people."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from xml.etree.ElementTree import Element

from client.errors import ScheduleUnusable
from client.schedules.schedule import MIDNIGHT, read_time

LEAST = 10_000
"""Slower than this, a run of a day would not send a gigabyte."""
UNITS = {"": 1, "k": 1_000, "m": 1_000_000}


@dataclass(frozen=True)
class SpeedLimit:
    """At most `rate` bytes a second from `begins` to `ends` by the wall's clock; the whole day when these are equal."""

    rate: int
    begins: time = MIDNIGHT
    ends: time = MIDNIGHT

    def covers(self, moment: time) -> bool:
        """Whether the limit holds at that time of the day; one that ends earlier than it begins lasts over midnight."""
        if self.begins == self.ends:
            return True
        if self.begins < self.ends:
            return self.begins <= moment < self.ends
        return moment >= self.begins or moment < self.ends


def check_limit(limit: SpeedLimit) -> SpeedLimit:
    """The limit; raises ScheduleUnusable when it is so low that no backup would ever end."""
    if limit.rate < LEAST:
        raise ScheduleUnusable(reason=f"a speed limit is at least {LEAST // 1000} KB/s")
    return limit


def rate_at(limits: Sequence[SpeedLimit], wall: datetime) -> int | None:
    """Bytes a second at a wall time, the lowest where several limits meet; None without a limit."""
    return min((limit.rate for limit in limits if limit.covers(wall.time())), default=None)


def by_the_clock(
    limits: Sequence[SpeedLimit], clock: Callable[[], datetime] = datetime.now,
) -> Callable[[], int | None]:
    """The limit at the time of asking; `clock` tells the wall time."""
    return lambda: rate_at(limits, clock())


def in_words(limit: SpeedLimit) -> str:
    """The limit as a person says it: “500 KB/s from 08:00 to 18:00”."""
    speed = f"{limit.rate / 1e6:g} MB/s" if limit.rate >= 1e6 else f"{limit.rate / 1e3:g} KB/s"
    return speed if limit.begins == limit.ends else f"{speed} from {limit.begins:%H:%M} to {limit.ends:%H:%M}"


def read_limit_words(text: str) -> SpeedLimit:
    """A limit as a command is told it: 500K, 2M@08:00-18:00 (bytes a second); raises ScheduleUnusable."""
    speed, _, hours = text.strip().partition("@")
    digits = speed.strip().lower().removesuffix("/s").removesuffix("b")
    unit = digits[-1:] if digits[-1:] in {"k", "m"} else ""
    number = digits.removesuffix(unit).strip()
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise ScheduleUnusable(reason=f"“{text}” is no speed limit such as 500K or 2M@08:00-18:00")
    begins, dash, ends = hours.partition("-")
    if hours and not dash:
        raise ScheduleUnusable(reason=f"“{hours}” are no hours such as 08:00-18:00")
    times = (read_time(begins), read_time(ends)) if hours else (MIDNIGHT, MIDNIGHT)
    return check_limit(SpeedLimit(int(number) * UNITS[unit], *times))


def read_limit(element: Element) -> SpeedLimit:
    """A speed limit of settings.xml; raises ValueError or ScheduleUnusable."""
    return check_limit(SpeedLimit(
        int(element.get("bytes-per-second", "")),
        read_time(element.get("from", "00:00")),
        read_time(element.get("until", "00:00")),
    ))


def write_limit(limit: SpeedLimit) -> Element:
    """The element that read_limit reads."""
    return Element("speed-limit", {
        "bytes-per-second": str(limit.rate), "from": f"{limit.begins:%H:%M}", "until": f"{limit.ends:%H:%M}",
    })
