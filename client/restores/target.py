"""The folder that a restore writes to: whole files only, nothing through a link, nothing overwritten unasked."""
from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import secrets
import stat
import unicodedata
import weakref
from collections import OrderedDict
from hashlib import blake2b
from pathlib import Path

from client.system import decode_name
from client.system.sources import read_live, set_attributes
from vault.errors import BackupError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""Failures that every further file would meet, too."""
OPEN_FOLDERS = 128
NAME_LIMIT = 255
FILE_MODES, FOLDER_MODES = 0o777, 0o1777
"""What is restored of a mode; a restored program must not run with its owner's rights just because it once did."""

OF_A_FOLDER = 0x10
"""Windows' attribute of folders, and of links to them."""

_HANDLES = os.open in os.supports_dir_fd and os.rename in os.supports_dir_fd
_ROOT = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_FOLDER = _ROOT | getattr(os, "O_NOFOLLOW", 0)
_NEW = (os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        | getattr(os, "O_BINARY", 0))
_NEW_FOLDER = 0o700 if _HANDLES else 0o777
"""Nobody else's until its own mode is set; Windows has no such moment, a new folder inherits there."""
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)")

Steps = tuple[bytes, ...]


class TargetExists(BackupError):
    """{path} exists already and was left as it is."""

    code = "IBS-4201"
    hint = "Restore to another folder, or add --overwrite to replace what is there."


class TargetBlocked(BackupError):
    """{path} could not be written: {reason}. Other files are not affected."""

    code = "IBS-4202"
    hint = "Restore to another folder, or remove what is in the way, and restore again."


class TargetUnusable(BackupError):
    """Nothing can be restored to {target}: {reason}."""

    code = "IBS-4203"
    hint = "Name another folder with --to."


class TargetFull(BackupError):
    """The restore stopped at {path}: {reason}. Every file restored so far is complete; none was cut off."""

    code = "IBS-4204"
    hint = "Make room or name another folder with --to, and restore again."


def translate(error: OSError, path: str) -> BackupError:
    """What an OSError at `path` means for a restore."""
    reason = error.strerror or str(error)
    if error.errno in FULL:
        return TargetFull(path=path, reason=reason)
    if isinstance(error, FileExistsError):
        return TargetExists(path=path)
    if error.errno in {errno.ELOOP, errno.ENOTDIR}:
        reason = "a link or a file is in the way of its folder"
    return TargetBlocked(path=path, reason=reason)


def safe_name(name: bytes, *, windows: bool = os.name == "nt") -> bytes:
    """`name`, or another one where the system can't hold it; renamed names differ from each other."""
    safe = name.replace(b"/", b"_").replace(b"\0", b"_")
    if windows:
        safe = re.sub(rb'[\x00-\x1f<>:"|?*\\]', b"_", safe)
        if safe[-1:] in {b".", b" "} or _DEVICES.match(safe.decode("utf-8", "replace")):
            safe = b"_" + safe.rstrip(b". ")
    if safe in {b"", b".", b".."}:
        safe = b"_" * max(1, len(safe))
    if safe == name and len(name) <= NAME_LIMIT * (3 if windows else 1):
        return name
    mark = b"~" + blake2b(name, digest_size=4).hexdigest().encode()
    stem = safe[: NAME_LIMIT - len(mark)]
    return stem.decode("utf-8", "ignore").encode() + mark if len(stem) < len(safe) else safe + mark


def display(steps: Steps) -> str:
    """The steps as one path, for people."""
    return os.sep.join(decode_name(step) for step in steps)


def fold(name: bytes) -> bytes:
    """What names have in common that a disk without case takes for the same."""
    return unicodedata.normalize("NFC", decode_name(name)).casefold().encode("utf-8", "surrogatepass")


class Folder:
    """An open folder of the target. Closed when nothing refers to it any more."""

    def __init__(self, path: str, handle: int | None, *, made: bool) -> None:
        self.path, self.handle = path, handle
        self.made = made
        """True when this restore made it: then only what it wrote itself can be in the way."""
        self._names: dict[bytes, bytes] = {}
        if handle is not None:
            weakref.finalize(self, os.close, handle)

    def place(self, name: bytes) -> bytes | str:
        """`name` as it goes to functions that take `dir_fd=handle`."""
        return name if self.handle is not None else os.path.join(self.path, decode_name(name))

    def holds(self, name: bytes) -> bool:
        """Whether there is something of that name, be it a link to nowhere."""
        if self.made and not self._meets_another(name):
            return False
        try:
            os.stat(self.place(name), dir_fd=self.handle, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def _meets_another(self, name: bytes) -> bool:
        """Whether another name was asked for that a disk without case, such as a stick, takes for the same. From then
        on the disk is asked about both."""
        key = name.lower() if name.isascii() else fold(name)
        if self._names.setdefault(key, name) == name:
            return False
        self._names[key] = b""
        return True


class Target:
    """Makes folders, files and links below `root`. One thread enters folders; several may write files at once.

    Its methods raise OSError; `translate` tells what one means.
    """

    def __init__(self, root: Path, *, overwrite: bool = False, modes: bool = True) -> None:
        """Makes `root` when it is missing. Raises TargetUnusable.

        `modes` False: what the snapshot has as attributes are those of Windows and not POSIX modes. They are restored
        on their own kind of system; on the other one the usual ones are used instead.
        """
        self.overwrite = overwrite
        self._modes, self._attributes = modes and _HANDLES, not modes and not _HANDLES
        self._mark = f".ibs-{secrets.token_hex(4)}-".encode()
        self._numbers = itertools.count()
        self._open: OrderedDict[Steps, Folder] = OrderedDict()
        self._made: dict[Steps, tuple[int, int] | None] = {}
        try:
            root.mkdir(parents=True, exist_ok=True)
            real = read_live(os.path.realpath(root))
            self._root = Folder(real, os.open(real, _ROOT) if _HANDLES else None, made=False)
        except OSError as error:
            raise TargetUnusable(target=root, reason=error.strerror or error) from error

    def folder(self, steps: Steps) -> Folder:
        """The folder at `steps`, made when missing; a link on the way is an error, never followed."""
        found = self._open.get(steps) if steps else self._root
        if found is None:
            found = self._open[steps] = self._enter(self.folder(steps[:-1]), steps)
            while len(self._open) > OPEN_FOLDERS:
                self._open.popitem(last=False)
        return found

    def _enter(self, parent: Folder, steps: Steps) -> Folder:
        place = parent.place(steps[-1])
        with contextlib.suppress(FileExistsError):
            os.mkdir(place, _NEW_FOLDER, dir_fd=parent.handle)
            self._made[steps] = None
        path = os.path.join(parent.path, decode_name(steps[-1]))
        if parent.handle is None:
            status = os.lstat(path)
            if not stat.S_ISDIR(status.st_mode) or getattr(status, "st_reparse_tag", False):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
            return Folder(path, None, made=steps in self._made)
        return Folder(path, os.open(place, _FOLDER, dir_fd=parent.handle), made=steps in self._made)

    def describe_folder(self, steps: Steps, mtime_ns: int, attributes: int) -> None:
        """Makes a folder; its time and mode are set at the end. One that was there before keeps its own."""
        self.folder(steps)
        if steps in self._made:
            self._made[steps] = (mtime_ns, attributes)

    def begin(self, folder: Folder) -> tuple[bytes, int]:
        """(hidden temporary name, open file) for a new file in `folder`."""
        name = self._mark + b"%x" % next(self._numbers)
        return name, os.open(folder.place(name), _NEW, 0o600, dir_fd=folder.handle)

    def reopen(self, folder: Folder, temporary: bytes) -> int:
        """The temporary file again, for writing."""
        return os.open(folder.place(temporary), _NEW & ~os.O_CREAT & ~os.O_EXCL, dir_fd=folder.handle)

    def finish(
        self, folder: Folder, temporary: bytes, file: int, name: bytes, mtime_ns: int, attributes: int
    ) -> None:
        """Gives a complete file its mode, time and name. Closes it and removes what can't be finished."""
        try:
            try:
                if _HANDLES:
                    os.chmod(file, attributes & FILE_MODES if self._modes else 0o644)
                    os.utime(file, ns=(mtime_ns, mtime_ns))
            finally:
                os.close(file)
            if not _HANDLES:
                os.utime(folder.place(temporary), ns=(mtime_ns, mtime_ns))
            self._rename(folder, temporary, name)
        except OSError:
            self.discard(folder, temporary)
            raise
        if self._attributes:
            with contextlib.suppress(OSError):
                set_attributes(str(folder.place(name)), attributes)

    def write(self, folder: Folder, name: bytes, content: bytes, mtime_ns: int, attributes: int) -> None:
        """A whole file."""
        temporary, file = self.begin(folder)
        try:
            write_fully(file, content)
        except OSError:
            os.close(file)
            self.discard(folder, temporary)
            raise
        self.finish(folder, temporary, file, name, mtime_ns, attributes)

    def link(self, folder: Folder, name: bytes, destination: bytes, mtime_ns: int, attributes: int = 0) -> None:
        """A symbolic link; made last, so that nothing is ever written through it. Windows tells links to folders from
        links to files."""
        temporary = self._mark + b"%x" % next(self._numbers)
        os.symlink(destination if _HANDLES else decode_name(destination), folder.place(temporary),
                   target_is_directory=self._attributes and bool(attributes & OF_A_FOLDER), dir_fd=folder.handle)
        try:
            if os.utime in os.supports_follow_symlinks:
                os.utime(folder.place(temporary), ns=(mtime_ns, mtime_ns), dir_fd=folder.handle,
                         follow_symlinks=False)
            self._rename(folder, temporary, name)
        except OSError:
            self.discard(folder, temporary)
            raise

    def discard(self, folder: Folder, temporary: bytes) -> None:
        """Removes a temporary file."""
        with contextlib.suppress(OSError):
            os.unlink(folder.place(temporary), dir_fd=folder.handle)

    def _rename(self, folder: Folder, temporary: bytes, name: bytes) -> None:
        if (folder.made or not self.overwrite) and folder.holds(name):  # what this restore wrote itself always stays
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        if self.overwrite and not _HANDLES and folder.holds(name):
            set_attributes(str(folder.place(name)), 0)  # Windows replaces no file that is read-only
        os.replace(folder.place(temporary), folder.place(name), src_dir_fd=folder.handle, dst_dir_fd=folder.handle)

    def finish_folders(self, *, whole: bool = True) -> None:
        """Sets times and modes of the folders that were made, the innermost first: writing into one changes them. Of a
        restore that is not `whole` the owner may still write to them, since another one finds them made."""
        kept = 0 if whole else 0o700
        for steps in sorted(self._made, key=len, reverse=True):
            described = self._made[steps]
            with contextlib.suppress(OSError):
                folder = self.folder(steps)
                place = folder.path if folder.handle is None else folder.handle
                if _HANDLES:
                    os.chmod(place, described[1] & FOLDER_MODES | kept if described and self._modes else 0o755)
                if described:
                    os.utime(place, ns=(described[0], described[0]))
                    if self._attributes:
                        set_attributes(folder.path, described[1])


def write_fully(file: int, content: bytes | memoryview) -> None:
    """Writes all of `content`; the system may take it in portions."""
    written = os.write(file, content)
    while written < len(content):
        written += os.write(file, memoryview(content)[written:])
