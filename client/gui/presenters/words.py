"""Numbers, sizes and times in the words of the window, which are those of the portal's pages."""
from __future__ import annotations

from datetime import datetime, timedelta

UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")


def size(number: int) -> str:
    """Bytes in words: 512 bytes, 3.2 GB."""
    if number < 1000:
        return count(number, "byte")
    value = float(number)
    step = -1
    while value >= 999.5 and step < len(UNITS) - 1:
        value /= 1000
        step += 1
    return f"{value:.1f} {UNITS[step]}" if value < 9.95 else f"{value:.0f} {UNITS[step]}"


def count(number: int, word: str, several: str = "") -> str:
    """A number with its noun: 1 file, 2,148 files; `several` for those that do not just add an s."""
    return f"{number:,} {word}" if number == 1 else f"{number:,} {several or f'{word}s'}"


def local(moment_: datetime) -> datetime:
    """The moment as the clock on this computer's wall shows it."""
    return moment_.astimezone()


def read_moment(text: str | None) -> datetime | None:
    """A moment from a document or an answer; None for none, and for what is no moment."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None


def day(moment_: datetime, now: datetime) -> str:
    """Today, yesterday, tomorrow, or the date; the year is named when it is another one."""
    date_, today = local(moment_).date(), local(now).date()
    near = {today: "today", today - timedelta(days=1): "yesterday", today + timedelta(days=1): "tomorrow"}
    if date_ in near:
        return near[date_]
    return f"{date_.day} {date_:%b}" if date_.year == today.year else f"{date_.day} {date_:%b %Y}"


def moment(moment_: datetime, now: datetime) -> str:
    """A day and its time: today at 09:14, 3 Nov at 18:00, 31 Dec 2025 at 07:30."""
    return f"{day(moment_, now)} at {local(moment_):%H:%M}"


def stamp(moment_: datetime, now: datetime) -> str:
    """The same for a table: Today 09:14, 3 Nov 18:00."""
    words = f"{day(moment_, now)} {local(moment_):%H:%M}"
    return words[0].upper() + words[1:]


def full_date(moment_: datetime) -> str:
    """A date that stands for itself: 31 March 2027."""
    date_ = local(moment_).date()
    return f"{date_.day} {date_:%B %Y}"


def ago(moment_: datetime, now: datetime) -> str:
    """How long since: just now, 12 minutes ago, 4 days ago."""
    words = duration(now - moment_)
    return f"{words} ago" if words else "just now"


def duration(length: timedelta) -> str:
    """The largest unit that fits: 4 days, 3 hours, 12 minutes; "" below a minute."""
    for step, word in ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute")):
        if length >= step:
            return count(length // step, word)
    return ""


def took(seconds: float) -> str:
    """How long a piece of work took: 8 s, 4 min 12 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def left(seconds: float) -> str:
    """How long something will still take, as vaguely as it is known: less than a minute, about 2 minutes."""
    if seconds < 55:
        return "less than a minute left"
    if seconds < 5400:
        return f"about {count(max(round(seconds / 60), 1), 'minute')} left"
    return f"about {count(round(seconds / 3600), 'hour')} left"


def sentence(text: str) -> str:
    """`text` with a capital letter at its start."""
    return text[:1].upper() + text[1:]


def readable(path: str) -> str:
    """A path whose control characters and undecodable bytes are escaped."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in path)


def name_of(path: str) -> str:
    """The last step of a path, whichever way its slashes lean; the path itself when it is a root."""
    trimmed = path.rstrip("/\\")
    cut = max(trimmed.rfind("/"), trimmed.rfind("\\"))
    return readable(trimmed[cut + 1:] or path)
