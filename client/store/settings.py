"""What the client remembers between runs: settings, the computer's identity and the journal of the run under way."""
from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

from client.errors import (
    FolderUnknown,
    HomeUnusable,
    NotEnrolled,
    NotListed,
    PatternUnusable,
    ScheduleUnusable,
    SettingsInvalid,
    StoreDamaged,
)
from client.names import get_name, put_name
from client.schedules.limits import SpeedLimit, read_limit, write_limit
from client.schedules.schedule import Schedule, read_schedule, write_schedule
from client.store import documents
from client.store.documents import Tell
from client.system import default_home, encode_name, protect_file, protect_secret, reveal_secret, spell_as_on_disk
from client.system import normalise as normalise_path

SETTINGS = "settings.xml"
IDENTITY = "identity.xml"
JOURNAL = "run.xml"
REHASH_SECONDS = 60


@dataclass(frozen=True)
class Settings:
    """What to back up. `folders` are absolute, normalised, sorted, and none lies in another one.

    `excludes` and `always_hash` are patterns; `rehash_seconds` limits how long a run reads files again that look
    unchanged (0 = never); `schedule` and `limits` say when backups run by themselves and how fast they may send.
    """

    home: Path
    folders: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    always_hash: tuple[str, ...] = ()
    rehash_seconds: int = REHASH_SECONDS
    schedule: Schedule = field(default_factory=Schedule)
    limits: tuple[SpeedLimit, ...] = ()


@dataclass(frozen=True)
class Identity:
    """Who this computer is for its portal; `ca` is the text of the portal's own certificate authority, or empty."""

    portal: str
    ca: str
    computer: str
    vault: str
    account: str
    customer_number: str
    token: str
    windows_names: bool

    def __repr__(self) -> str:
        """Without the token, so that it never reaches a log."""
        return f"Identity(portal={self.portal!r}, computer={self.computer!r})"


@dataclass(frozen=True)
class Journal:
    """What the next run must know: the last commit, and the run that was open when this was written, if any.

    `asked` is the uuid of a run that the portal was asked for and whose answer has not come: asked for again, it is
    the same run.
    """

    last_commit: int | None = None
    last_commit_hash: bytes | None = None
    run: int | None = None
    uuid: str = ""
    lease: str = ""
    asked: str = ""


def choose_home(given: str | None) -> Path:
    """The store's folder: as given, else IBS_HOME, else the system's usual place. Made when missing."""
    home = Path(os.path.abspath(given or os.environ.get("IBS_HOME") or default_home()))
    try:
        if not home.is_dir():
            home.mkdir(parents=True, mode=0o700)
            protect_file(home)
    except OSError as error:
        raise HomeUnusable(home=home, reason=error.strerror or error) from error
    return home


def load_settings(home: Path, tell: Tell) -> Settings:
    """The settings, or empty ones; raises SettingsInvalid when an edited file does not fit its description."""
    root = documents.read(home / SETTINGS, "settings", tell, schema="settings", steps=STEPS)
    if root is None:
        return Settings(home)
    try:
        schedule, limits = read_schedule(root.find("schedule")), tuple(map(read_limit, root.iter("speed-limit")))
    except (ScheduleUnusable, ValueError) as error:
        reason = error.details["reason"] if isinstance(error, ScheduleUnusable) else error
        raise SettingsInvalid(name=SETTINGS, reason=reason) from error
    return Settings(
        home=home,
        folders=_outermost(_absolute(root)),
        excludes=_listed(root, "exclude"),
        always_hash=_listed(root, "always-hash"),
        rehash_seconds=int(root.get("rehash-seconds", REHASH_SECONDS)),
        schedule=schedule,
        limits=limits,
    )


def _add_schedule(root: Element) -> None:
    """Version 2: a schedule and speed limits. Before, nothing ran by itself."""
    root.append(write_schedule(Schedule()))


STEPS = (_add_schedule,)


def _absolute(root: Element) -> tuple[str, ...]:
    folders = _listed(root, "folder")
    for folder in folders:
        if not os.path.isabs(folder):
            raise SettingsInvalid(name=SETTINGS, reason=f"the folder {folder!r} is not an absolute path")
    return folders


def _listed(root: Element, name: str) -> tuple[str, ...]:
    found = []
    for element in root.iter(name):
        value = get_name(element, "path")
        if not value:
            raise SettingsInvalid(name=SETTINGS, reason=f"a “{name}” has no usable path")
        found.append(value)
    return tuple(found)


def save_settings(settings: Settings) -> None:
    """Write the settings; the version before stays as settings.xml.bak."""
    root = Element("settings", {"version": str(len(STEPS) + 1), "rehash-seconds": str(settings.rehash_seconds)})
    for name, values in (
        ("folder", settings.folders), ("exclude", settings.excludes), ("always-hash", settings.always_hash),
    ):
        for value in values:
            put_name(SubElement(root, name), "path", value)
    root.append(write_schedule(settings.schedule))
    root.extend(map(write_limit, settings.limits))
    documents.write(settings.home / SETTINGS, root, schema="settings")


def add_folder(settings: Settings, folder: str) -> Settings:
    """Settings that protect `folder`, too; folders inside it become part of it. Raises FolderUnknown."""
    path = normalise(folder)
    if not os.path.isdir(path):
        raise FolderUnknown(folder=folder)
    return replace(settings, folders=_outermost((*settings.folders, path)))


def remove_folder(settings: Settings, folder: str) -> Settings:
    """Settings without `folder`; its earlier copies are kept. Raises NotListed."""
    path = normalise(folder)
    if path not in settings.folders:
        raise NotListed(entry=path)
    return replace(settings, folders=tuple(kept for kept in settings.folders if kept != path))


def add_exclude(settings: Settings, pattern: str) -> Settings:
    """Settings that leave out what matches `pattern`. Raises PatternUnusable."""
    if not pattern.strip():
        raise PatternUnusable(pattern=pattern, reason="it is empty")
    if any(ord(sign) < 32 for sign in pattern):
        raise PatternUnusable(pattern=pattern, reason="it holds a control character")
    if pattern in settings.excludes:
        return settings
    return replace(settings, excludes=(*settings.excludes, pattern))


def remove_exclude(settings: Settings, pattern: str) -> Settings:
    """Settings without that pattern. Raises NotListed."""
    if pattern not in settings.excludes:
        raise NotListed(entry=pattern)
    return replace(settings, excludes=tuple(kept for kept in settings.excludes if kept != pattern))


def normalise(folder: str) -> str:
    """An absolute path without "." and "..", links unresolved, so that it names what the person meant; on Windows in
    the spelling of the disk, since c:\\users and C:\\Users must not become two folders."""
    return spell_as_on_disk(normalise_path(os.path.expanduser(folder)))


def _outermost(folders: tuple[str, ...]) -> tuple[str, ...]:
    kept: list[str] = []
    for folder in sorted({normalise_path(folder) for folder in folders}, key=_steps):
        if not any(_steps(folder)[:len(_steps(outer))] == _steps(outer) for outer in kept):
            kept.append(folder)
    return tuple(kept)


def _steps(folder: str) -> list[bytes]:
    return [encode_name(step) for step in folder.split(os.sep) if step]


def load_identity(home: Path, tell: Tell) -> Identity:
    """Who this computer is; raises NotEnrolled, or StoreDamaged when neither the file nor its .bak can be read."""
    root = documents.read(home / IDENTITY, "identity", tell, schema="identity")
    if root is None:
        raise NotEnrolled()
    try:
        token = reveal_secret(base64.b64decode(root.findtext("token", ""), validate=True)).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, OSError) as error:
        raise StoreDamaged(name=IDENTITY, reason="its token can't be opened on this computer") from error
    return Identity(
        portal=root.get("portal", ""),
        ca=root.findtext("ca", "").strip(),
        computer=root.get("computer", ""),
        vault=root.get("vault", ""),
        account=root.get("account", ""),
        customer_number=root.get("customer", ""),
        token=token,
        windows_names=root.get("names") == "windows",
    )


def save_identity(home: Path, identity: Identity) -> None:
    """Write the identity, readable by its owner only and with the token sealed where the system offers that.

    It is written twice, so that its .bak is a copy of it and never an older identity with another vault.
    """
    root = Element("identity", {
        "portal": identity.portal,
        "computer": identity.computer,
        "vault": identity.vault,
        "account": identity.account,
        "customer": identity.customer_number,
        "names": "windows" if identity.windows_names else "linux",
    })
    SubElement(root, "token").text = base64.b64encode(protect_secret(identity.token.encode())).decode("ascii")
    if identity.ca:
        SubElement(root, "ca").text = identity.ca
    documents.write(home / IDENTITY, root, schema="identity", keep=False)
    documents.write(home / IDENTITY, root, schema="identity")


def forget_identity(home: Path) -> None:
    """Remove the identity, its copy, and the journal that belongs to it; raises HomeUnusable."""
    try:
        for name in (f"{IDENTITY}.bak", IDENTITY, JOURNAL):  # a reader in between would put the copy back
            (home / name).unlink(missing_ok=True)
    except OSError as error:
        raise HomeUnusable(home=home, reason=error.strerror or error) from error


def load_journal(home: Path, tell: Tell) -> Journal:
    """The journal; an empty one when it is missing or damaged, which costs a wait for the lease and no data."""
    try:
        root = documents.read(home / JOURNAL, "run", tell)
        return Journal() if root is None else _read_journal(root)
    except (StoreDamaged, ValueError):
        tell(f"The file {JOURNAL} could not be used; an interrupted run before this one ends by itself.")
        return Journal()


def _read_journal(root: Element) -> Journal:
    last, number, digest = root.get("last-commit"), root.get("number"), root.get("last-commit-hash")
    return Journal(
        last_commit=None if last is None else int(last),
        last_commit_hash=None if digest is None else bytes.fromhex(digest),
        run=None if number is None else int(number),
        uuid=root.get("uuid", ""),
        lease=root.get("lease", ""),
        asked=root.get("asked", ""),
    )


def save_journal(home: Path, journal: Journal) -> None:
    """Write the journal; at each commit, around the opening of each run, and at each renewed lease."""
    root = Element("run")
    if journal.last_commit is not None and journal.last_commit_hash is not None:
        root.set("last-commit", str(journal.last_commit))
        root.set("last-commit-hash", journal.last_commit_hash.hex())
    if journal.run is not None:
        root.set("number", str(journal.run))
        root.set("uuid", journal.uuid)
        root.set("lease", journal.lease)
    if journal.asked:
        root.set("asked", journal.asked)
    documents.write(home / JOURNAL, root, keep=False)
