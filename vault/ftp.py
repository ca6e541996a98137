"""FtpStorage: a vault on an FTP server that may lie, drop, fill up and fall silent (docs/ftp.md).

It is the only way of client and portal to an FTP server. ftplib and ftputil are imported with the first session,
because a run that finds nothing to do should not wait for them.
"""
from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, TypeVar

from vault.address import FtpAddress, Pace, Profile, Timeouts, at_once, parse_address
from vault.connection import Connection
from vault.errors import (
    DeleteRefused,
    NameTaken,
    ObjectMissing,
    StorageError,
    StorageFull,
    StorageSilent,
    TransferFailed,
)
from vault.layout import PART_SUFFIX, VAULT_FILE
from vault.storage import check_name

if TYPE_CHECKING:
    from vault.sessions import Place, Session

__all__ = ["FtpAddress", "FtpStorage", "Profile", "Timeouts", "parse_address"]

SIZES_KEPT = 64
NEVER = -1
"""A size that no object has."""
PROBE = 1 << 20

T = TypeVar("T")
Data = bytes | bytearray | memoryview


class FtpStorage:
    """One vault's folder on an FTP server. Connects with the first call; one thread at a time."""

    def __init__(self, address: FtpAddress, folder: str, profile: Profile = Profile(),  # noqa: B008 (frozen)
                 *, timeouts: Timeouts = Timeouts(),  # noqa: B008 (frozen)
                 clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep,
                 pace: Pace = at_once) -> None:
        """`folder` is the vault's own folder below the address's base; it is made with the first object."""
        self.address, self.profile, self.timeouts = address, profile, timeouts
        self.folder = check_name(folder) if folder else ""
        self._connection = Connection(address, profile, timeouts, clock, sleep, pace)
        self._sleep = sleep
        self._folders: set[str] = set()  # known to exist
        self._sizes: dict[str, int] = {}  # of the objects met last; they never change

    def size(self, name: str) -> int | None:
        """See Storage.size. A 550 proves absence only when the vault's own file answers on the same session."""
        return self._connection.repeat(name, lambda session: self._proven_size(session, name))

    def sizes(self, names: list[str]) -> list[int | None]:
        """See Storage.sizes."""
        from vault import transfers

        def ask(session: Session) -> list[int | None]:
            found = transfers.strict_sizes(session, [self._path(name) for name in names])
            if None in found:
                self._proven_size(session, names[found.index(None)])
            return found

        return self._connection.repeat(names[0], ask) if names else []

    def put_new(self, name: str, data: Data) -> None:
        """See Storage.put_new. A failure that may pass is answered by one repetition on a fresh session."""
        from vault import failures, transfers
        view = memoryview(data).cast("B")
        for last in (False, True):
            part = self._part(name)
            try:
                return self._put(name, part, view)
            except StorageFull:
                with contextlib.suppress(StorageError):
                    self._settled(name, part, NEVER)
                raise
            except (TransferFailed, StorageSilent) as failure:
                if isinstance(failure.__cause__, transfers.StoreRefused):
                    raise
                disowned = part == name and failures.was_refused(failure)  # in place, the size alone proves nothing
                if self._settled(name, part, NEVER if disowned else len(view)):
                    return
                if last:
                    if isinstance(failure, TransferFailed) and not self._space_left():
                        raise StorageFull(reason=failure.details["reason"]) from failure
                    raise

    def put_small(self, name: str, data: Data) -> None:
        """Store a small object that authenticates itself, in place, with the fewest round trips.

        A torn one may be written again. Raises NameTaken where the server refuses that.
        """
        view = memoryview(data).cast("B")

        def store(session: Session) -> None:
            from vault import transfers
            try:
                place = self._announce(session, name)[1]
                self._store(session, name, place, lambda path, at: transfers.strict_store(session, path, view, at))
            except transfers.StoreRefused as error:
                stored = transfers.strict_size(session, self._path(name))
                if stored is None:
                    raise
                if stored != len(view):
                    raise NameTaken(name=name) from error

        self._connection.repeat(name, store)

    def read(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """See Storage.read."""
        from vault import transfers

        def receive(session: Session) -> bytes:
            total = self._sizes.get(name) if length is not None else None
            if total is None:
                total = self._proven_size(session, name)
            if total is None:
                raise ObjectMissing(name=name)
            wanted = max(total - offset, 0) if length is None else length
            if offset + wanted > total:
                raise TransferFailed(name=name, reason=f"it has {total} bytes, {wanted} were asked for from {offset}")
            return transfers.read_range(session, self._path(name), offset, wanted, total) if wanted else b""

        return self._connection.repeat(name, receive)

    def delete(self, name: str) -> None:
        """See Storage.delete."""
        from vault import transfers

        def remove(session: Session) -> None:
            refused = transfers.refusal(session, "DELE " + self._path(name))
            if refused and self._proven_size(session, name) is not None:
                raise DeleteRefused(name=name, reason=refused)
            self._sizes.pop(name, None)

        self._connection.repeat(name, remove)

    def list(self, folder: str) -> list[str]:
        """See Storage.list."""
        from vault import transfers
        path = self._path(folder) if folder else self.folder
        found = self._connection.repeat(folder, lambda session: transfers.names_in(session, path))
        return sorted(f"{folder}/{name}" if folder else name for name in found)

    def close(self) -> None:
        """See Storage.close."""
        self._connection.close()

    def __enter__(self) -> FtpStorage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Names

    def _path(self, name: str) -> str:
        return f"{self.folder}/{check_name(name)}" if self.folder else check_name(name)

    def _part(self, name: str) -> str:
        """A new temporary name in the same folder; in place, the name itself."""
        if not self.profile.rename:
            return name
        return f"{name}.{secrets.token_hex(4)}{PART_SUFFIX if self.profile.part_visible else '.new'}"

    def _proven_size(self, session: Session, name: str) -> int | None:
        from vault import transfers
        found = transfers.strict_size(session, self._path(name))
        if found is None:
            self._sizes.pop(name, None)
            if name != VAULT_FILE and transfers.strict_size(session, self._path(VAULT_FILE)) is None:
                raise StorageError(reason=f"neither {name} nor the vault itself can be seen")
            return None
        self._remember(name, found)
        return found

    def _remember(self, name: str, size: int) -> None:
        while len(self._sizes) >= SIZES_KEPT:
            del self._sizes[next(iter(self._sizes))]
        self._sizes[name] = size

    # Uploads

    def _put(self, name: str, part: str, data: memoryview) -> None:
        from vault import transfers

        def store(session: Session) -> None:
            asks = part == name or not self.profile.exclusive_rename  # a rename replaces what was there
            found, place = self._announce(session, name, asks=asks)
            if found is not None:
                if place is not None:
                    session.discard()  # its place for data would be missed after a while
                if found != len(data):
                    raise NameTaken(name=name)
                return
            if part == name:
                self._store(session, name, place, lambda path, at: transfers.strict_store(session, path, data, at))
                return
            refused, stored = self._store(
                session, name, place, lambda path, at: transfers.strict_put(session, self._path(part), path, data, at))
            if refused and self.profile.delete_parts:
                transfers.refusal(session, "DELE " + self._path(part))
            if refused and stored not in {None, len(data)}:
                raise NameTaken(name=name)
            if stored != len(data):  # an equal size is this object: the reply to an earlier attempt was lost
                raise TransferFailed(name=name, reason=refused or f"it has {stored or 0} bytes after the rename")
            self._remember(name, stored)

        self._connection.once(name, store)

    def _announce(self, session: Session, name: str, *, asks: bool = False) -> tuple[int | None, Place | None]:
        """What has to be known before an upload: the object's size, if that `asks`, and a place for the data.

        Where commands travel together, this and the folders' making take one round trip; elsewhere the place comes
        with the upload, and folders are made when that is refused.
        """
        from vault import transfers
        path = self._path(name)
        if session.profile.pipelined:
            return transfers.announce(session, _folders_of(path, besides=self._folders), path if asks else None)
        return transfers.strict_size(session, path) if asks else None, None

    def _store(self, session: Session, name: str, place: Place | None, store: Callable[[str, Place | None], T]) -> T:
        """Upload; folders are made when the server refuses, which saves asking for them each time."""
        from vault import transfers
        path = self._path(name)
        try:
            result = store(path, place)
        except transfers.StoreRefused:
            missing = _folders_of(path, besides=self._folders)
            if not missing:
                raise
            session.batch([f"MKD {folder}" for folder in missing])  # if one fails, the upload will say why
            result = store(path, None)
        self._folders.update(_folders_of(path))
        return result

    def _settled(self, name: str, part: str, size: int) -> bool:
        """After a failed upload, on a fresh session: is the object there all the same? Removes what was left over."""
        from vault import transfers

        def look(session: Session) -> bool:
            stored = transfers.strict_size(session, self._path(name))
            leftover = part if part != name else name if stored not in {None, size} else None
            if leftover and self.profile.delete_parts:
                transfers.refusal(session, "DELE " + self._path(leftover))
            return stored == size

        self._sleep(self.timeouts.pause)
        return self._connection.once(name, look)

    def _space_left(self) -> bool:
        """Whether 1 MiB can be stored: servers without space answer in many ways, or not at all."""
        name = f"probe-{secrets.token_hex(4)}{PART_SUFFIX}"
        try:
            self._put(name, name, memoryview(bytes(PROBE)))
        except (TransferFailed, StorageFull) as error:
            return "425" in str(error.details.get("reason"))  # no data connection: space was never the question
        finally:
            with contextlib.suppress(StorageError):
                self._settled(name, name, NEVER)
        return True


def _folders_of(path: str, *, besides: Collection[str] = ()) -> list[str]:
    """The folders above an object, from the outermost in, `besides` those that are known."""
    levels = path.split("/")[:-1]
    folders = ["/".join(levels[:depth]) for depth in range(1, len(levels) + 1)]
    return [folder for folder in folders if folder not in besides]
