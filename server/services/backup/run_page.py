"""One run with what its computer's activity log tells: what was left out and why, in order."""
from __future__ import annotations

import base64
import binascii
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from xml.etree.ElementTree import Element, iterparse

from protocol.errors import NotFound
from server.extensions import db
from server.models import Computer, Run, RunLog
from server.paths import readable

ENTRIES_SHOWN = 500
"""The rest of a log is in its file."""
LEFT_OUT = {"file-skipped": "File left out", "folder-missing": "Folder not found"}
KINDS = {
    "started": "Started", "notice": "Notice", "finished": "Finished", "failed": "Failed", "cancelled": "Cancelled",
    "interrupted": "Interrupted", "omitted": "More was left out", **LEFT_OUT,
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A line of the log: when, what happened, to which file or folder, and why; `moment` is None if unreadable."""

    moment: datetime | None
    kind: str
    path: str
    words: str
    code: str


@dataclass
class Log:
    """What a page shows of an activity log; `reasons` counts what was left out by its reason."""

    received_at: datetime
    size: int
    entries: list[Entry] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    total: int = 0


def find_run(computer: Computer, number: int) -> Run:
    """The run of that number. Raises NotFound."""
    run: Run | None = db.session.get(Run, (computer.vault_id, number))
    if run is None:
        raise NotFound(what="such run")
    return run


def read_activity(run: Run, *, names: bool) -> Log | None:
    """The run's activity log, None when its computer has not sent one; without `names`, counts and reasons only."""
    kept = db.session.get(RunLog, (run.vault_id, run.run_no))
    if kept is None:
        return None
    document = zlib.decompress(kept.xml)
    log = Log(kept.received_at, len(document))
    for element in _elements(document):
        entry = _entry_of(element)
        log.total += 1
        if element.tag in LEFT_OUT:
            log.reasons[entry.words or KINDS[element.tag]] += 1
        if element.tag == "omitted":
            log.reasons["Not listed by the computer"] += _count(element.get("skipped", ""))
        if names and len(log.entries) < ENTRIES_SHOWN:
            log.entries.append(entry)
    return log


def _elements(document: bytes) -> Iterator[Element]:
    """The lines of the log; each is let go when the next one is asked for. keep_log() refused what is no plain XML."""
    depth, root = 0, None
    for event, element in iterparse(BytesIO(document), events=("start", "end")):
        if event == "start":
            depth += 1
            root = element if root is None else root
            continue
        depth -= 1
        if depth == 1 and root is not None:
            yield element
            root.remove(element)


def _entry_of(element: Element) -> Entry:
    words = element.get("sentence") or element.get("reason") or element.get("text") or ""
    if element.tag == "finished":
        words = f"{element.get('files', '?')} files, {element.get('skipped', '?')} left out"
    if element.tag == "omitted":
        words = f"{element.get('skipped', '?')} more were left out"
    kind = KINDS.get(element.tag, element.tag.replace("-", " ").capitalize()[:40])
    return Entry(_moment(element.get("at", "")), kind, _name(element, "path"), words, element.get("code", ""))


def _name(element: Element, attribute: str) -> str:
    encoded = element.get(f"{attribute}b64")
    if encoded is None:
        return element.get(attribute, "")
    try:
        return readable(base64.b64decode(encoded))
    except (binascii.Error, ValueError):
        return ""


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _count(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
