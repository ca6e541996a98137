"""What the scheduler remembers from one look at the clock to the next: what was done, tried, asked and told.

Losing it costs an early backup and a question to the portal, so a damaged one simply begins anew.
"""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from client.errors import SettingsInvalid, StoreDamaged, StoreNewer
from client.names import get_name, put_name
from client.outcomes import CANCELLED, DONE, DONE_WITH_SKIPPED, REFUSED, exit_code
from client.store import documents
from client.store.documents import Tell
from client.store.instance import hold
from vault.errors import BackupError

NAME = "agenda.xml"
LOCK = "agenda.lock"
PATIENCE = 5.0


@dataclass(frozen=True)
class KnownFolder:
    """A protected folder as the last backup found it; `missing_since` when it was not there."""

    path: str
    files: int = 0
    bytes: int = 0
    missing_since: datetime | None = None


@dataclass(frozen=True)
class Agenda:
    """All moments are UTC.

    `settled` is the start of the last backup that counts: one that ended well or that a person ended; `tried` the start
    of the last one at all; `failures` counts those that failed since, and `refused` says that the last was turned away.
    `asked` is when the portal was asked for wishes, `wish` and `wished_by` the backup that people want there, `served`
    the wish that was followed last, `accepts` the portal's switch. `told` is the hash of the schedule that the portal
    knows, `waiting` why a backup that is due waits.
    """

    settled: datetime | None = None
    tried: datetime | None = None
    failures: int = 0
    refused: bool = False
    asked: datetime | None = None
    wish: datetime | None = None
    served: datetime | None = None
    wished_by: str = ""
    accepts: bool = True
    told: str = ""
    waiting: str = ""
    folders: tuple[KnownFolder, ...] = ()


MOMENTS = ("settled", "tried", "asked", "wish", "served")
TEXTS = ("wished_by", "told", "waiting")
FLAGS = ("refused", "accepts")


def load_agenda(home: Path, tell: Tell = lambda _: None) -> Agenda:
    """What is remembered; an empty agenda when the file is missing or damaged."""
    try:
        root = documents.read(home / NAME, "agenda", tell)
        return Agenda() if root is None else _read(root)
    except (StoreDamaged, StoreNewer, SettingsInvalid, ValueError):
        tell(f"The file {NAME} could not be used; the schedule begins anew.")
        return Agenda()


def change_agenda(home: Path, change: Callable[[Agenda], Agenda]) -> Agenda:
    """Read, change and write the agenda while nobody else does; returns what is remembered from now on."""
    with hold(home, LOCK, PATIENCE):
        before = load_agenda(home)
        after = change(before)
        if after != before or not (home / NAME).exists():
            documents.write(home / NAME, _render(after), keep=False)
    return after


def note_start(home: Path, began: datetime) -> None:
    """A backup begins, whoever asked for it. Until it is noted how it ends, it counts as one that failed."""
    change_agenda(home, lambda agenda: replace(
        agenda, tried=began, failures=agenda.failures + 1, refused=False, waiting=""))


def note_end(home: Path, began: datetime, code: int, *, by_person: bool = False) -> None:
    """How the backup that began then ended, as the command's exit code; `by_person` when a person cancelled it."""

    def settle(agenda: Agenda) -> Agenda:
        if code in {DONE, DONE_WITH_SKIPPED} or by_person:
            return replace(
                agenda, settled=began, failures=0, wish=None, wished_by="", served=agenda.wish or agenda.served)
        return replace(agenda, refused=code == REFUSED)

    change_agenda(home, settle)


def forget_portal(home: Path) -> None:
    """Forget what a portal wished and was told: to the one that this computer is signed in to now it is new."""
    change_agenda(home, lambda agenda: replace(
        agenda, asked=None, wish=None, served=None, wished_by="", accepts=True, told=""))


@contextlib.contextmanager
def noted(home: Path, clock: Callable[[], datetime], by_person: Callable[[], bool]) -> Iterator[None]:
    """Note that a backup begins, and how the body ends; `by_person` tells whether a person cancelled it."""
    began = clock()
    note_start(home, began)
    try:
        yield
    except BaseException as error:
        code = exit_code(error)
        with contextlib.suppress(BackupError):  # what ended the backup is what people should hear of
            note_end(home, began, code, by_person=code == CANCELLED and by_person())
        raise
    note_end(home, began, DONE)


def _read(root: Element) -> Agenda:
    found: dict[str, object] = {name: _moment(root.get(name)) for name in MOMENTS}
    found |= {name: get_name(root, name.replace("_", "-")) for name in TEXTS}
    found |= {name: root.get(name) == "true" for name in FLAGS if root.get(name) is not None}
    folders = tuple(
        KnownFolder(get_name(child, "path"), int(child.get("files", "0")), int(child.get("bytes", "0")),
                    _moment(child.get("missing-since")))
        for child in root.iter("folder")
    )
    return Agenda(**found, failures=int(root.get("failures", "0")), folders=folders)  # type: ignore[arg-type]


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _render(agenda: Agenda) -> Element:
    root = Element("agenda", {"version": "1", "failures": str(agenda.failures)})
    for field in fields(agenda):
        value = getattr(agenda, field.name)
        if isinstance(value, datetime):
            root.set(field.name, _spell(value))
        elif isinstance(value, bool):
            root.set(field.name, str(value).lower())
        elif isinstance(value, str) and value:
            put_name(root, field.name.replace("_", "-"), value)
    for folder in agenda.folders:
        child = SubElement(root, "folder", {"files": str(folder.files), "bytes": str(folder.bytes)})
        put_name(child, "path", folder.path)
        if folder.missing_since is not None:
            child.set("missing-since", _spell(folder.missing_since))
    return root


def _spell(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
