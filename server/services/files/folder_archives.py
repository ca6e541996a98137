"""A folder of a restore point as the members of a ZIP: portable names, links left out, and a note that says so."""
from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from server.paths import PortableNames, readable, step_of
from server.services.files import catalogue
from server.services.files.archives import Member
from server.services.files.catalogue import HeldVersion
from server.services.files.folders import FILE, FOLDER, moment_of
from vault.errors import VaultError

NOTE_LINES = 10_000
NOTE_NAME = b"About this archive.txt"
RENAMED = "renamed, because not every system can write the name: {new} was {old}"
LEFT_OUT = "left out, because it is a link: {old}"


class Packed(NamedTuple):
    """A member and the version whose content it holds; None for folders."""

    member: Member
    version: HeldVersion | None


class FolderArchive:
    """The members of one folder's ZIP, the same in every walk. `top` is the folder that the archive unpacks to."""

    def __init__(
        self, vault_id: int, run_no: int, node: int, top: str, modified: datetime,
        chosen: Collection[int] | None = None,
    ) -> None:
        """`node` is the folder's node number, 0 < node; `modified` the time that `top` and the note get.

        `chosen` are the numbers of those of its entries that are packed; None packs all.
        """
        self._chosen = chosen
        self._vault_id, self._run_no, self._node = vault_id, run_no, node
        self._top, self._modified = top, modified

    def members(self, notes: list[str] | None = None) -> Iterator[Packed]:
        """Folders before what they hold. What is renamed or left out is told to `notes`, up to a bound.

        Raises VaultError when a computer has sent a tree that is none: it could go on for ever.
        """
        names = PortableNames()
        names.choose(NOTE_NAME)
        opened = [(f"{self._top}/", names)]  # the folders above the one that comes next
        seen = {self._node}
        yield Packed(Member(f"{self._top}/", 0, self._modified), None)
        for path, version in catalogue.walk(self._vault_id, self._run_no, self._node, chosen=self._chosen):
            del opened[len(path) :]
            prefix, names = opened[-1]
            if version.kind not in {FILE, FOLDER}:
                _tell(notes, LEFT_OUT.format(old=_exact(path)))
                continue
            name = names.choose(version.name)
            if name.encode() != version.name:
                _tell(notes, RENAMED.format(new=prefix + name, old=_exact(path)))
            moment = moment_of(version.mtime_ns)
            if version.kind == FILE:
                yield Packed(Member(prefix + name, version.size, moment), version)
            else:
                if version.node_no in seen:
                    raise VaultError(reason=f"the folder {readable(version.name)} stands in two places")
                seen.add(version.node_no)
                opened.append((f"{prefix}{name}/", PortableNames()))
                yield Packed(Member(f"{prefix}{name}/", 0, moment), None)

    def note(self, lines: list[str]) -> tuple[Member, bytes]:
        """The text file that tells what was renamed and what was left out."""
        more = "" if len(lines) < NOTE_LINES else "\n… and more.\n"
        text = (
            "Names below stand as in the backup; ~ and two digits is a byte that can't be shown.\n"
            "The client restores everything under its own name, links too.\n\n"
        ) + "\n".join(lines) + "\n" + more
        content = text.replace("\n", "\r\n").encode("utf-8")
        return Member(f"{self._top}/{NOTE_NAME.decode()}", len(content), self._modified), content


def _tell(notes: list[str] | None, line: str) -> None:
    if notes is not None and len(notes) < NOTE_LINES:
        notes.append(line)


def _exact(path: tuple[bytes, ...]) -> str:
    return "/".join(step_of(name) for name in path)


def top_name(path: tuple[bytes, ...], computer: str, moment: str) -> str:
    """The name of the folder that the ZIP of `path` unpacks to."""
    return PortableNames().choose(path[-1] if path else f"{readable(computer.encode())} {moment}".encode())
