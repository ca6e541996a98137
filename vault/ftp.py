"""FtpStorage: a vault on an FTP server that may lie, drop, fill up and fall silent (docs/ftp.md).

Nothing else reaches an FTP server on the way of client and portal to a storage. ftplib and ftputil are imported with
the first connection, because a run that finds nothing to do should not wait for them.
"""
from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from vault.address import FtpAddress, Profile, Timeouts, parse_address
from vault.errors import (
    DeleteRefused,
    NameTaken,
    ObjectMissing,
    StorageError,
    StorageFull,
    StorageSilent,
    TooManyConnections,
    TransferFailed,
)
from vault.layout import PART_SUFFIX, VAULT_FILE
from vault.storage import check_name

if TYPE_CHECKING:
    import ftputil

    from vault.sessions import Session

__all__ = ["FtpAddress", "FtpStorage", "Profile", "Timeouts", "parse_address"]

MOST_BYTES = 4 << 30
"""A session is replaced after 4 GiB, before TLS has to renew its keys."""
SIZES_KEPT = 64
PROBE = 1 << 20

T = TypeVar("T")
Data = bytes | bytearray | memoryview


class FtpStorage:
    """One vault's folder on an FTP server. Connects with the first call; one thread at a time."""

    def __init__(self, address: FtpAddress, folder: str, profile: Profile = Profile(),  # noqa: B008 (frozen)
                 *, timeouts: Timeouts = Timeouts(),  # noqa: B008 (frozen)
                 clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> None:
        """`folder` is the vault's own folder below the address's base; it is made with the first object."""
        self.address, self.profile, self.timeouts = address, profile, timeouts
        self.folder = check_name(folder) if folder else ""
        self._clock, self._sleep = clock, sleep
        self._host: ftputil.FTPHost | None = None
        self._session: Session | None = None
        self._opened = self._used = 0.0
        self._folders: set[str] = set()  # known to exist
        self._sizes: dict[str, int] = {}  # of the objects met last; they never change

    def size(self, name: str) -> int | None:
        """See Storage.size. A 550 proves absence only when the vault's own file answers on the same session."""
        return self._call(name, lambda session: self._proven_size(session, name))

    def put_new(self, name: str, data: Data) -> None:
        """See Storage.put_new. A failure that may pass is answered by one repetition on a fresh session."""
        from vault.transfers import StoreRefused
        view = memoryview(data).cast("B")
        for last in (False, True):
            part = self._part(name)
            try:
                return self._put(name, part, view)
            except StorageFull:
                with contextlib.suppress(StorageError):
                    self._settled(name, part, len(view))
                raise
            except (TransferFailed, StorageSilent) as failure:
                if isinstance(failure.__cause__, StoreRefused):
                    raise
                if self._settled(name, part, len(view)):
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
                self._store(session, name, view)
            except transfers.StoreRefused as error:
                stored = transfers.strict_size(session, self._path(name))
                if stored is None:
                    raise
                if stored != len(view):
                    raise NameTaken(name=name) from error

        self._call(name, store)

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

        return self._call(name, receive)

    def delete(self, name: str) -> None:
        """See Storage.delete."""
        from vault import transfers

        def remove(session: Session) -> None:
            refused = transfers.refusal(session, "DELE " + self._path(name))
            if refused and self._proven_size(session, name) is not None:
                raise DeleteRefused(name=name, reason=refused)
            self._sizes.pop(name, None)

        self._call(name, remove)

    def list(self, folder: str) -> list[str]:
        """See Storage.list."""
        def names(session: Session) -> list[str]:
            import ftputil.error
            assert self._host is not None
            try:
                found = self._host.listdir(self._path(folder) if folder else self.folder or ".")
            except ftputil.error.PermanentError:
                return []
            return sorted(f"{folder}/{name}" if folder else name for name in found)

        return self._call(folder, names)

    def close(self) -> None:
        """See Storage.close."""
        host, self._host, self._session = self._host, None, None
        if host is not None:
            host.close()

    def __enter__(self) -> FtpStorage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Sessions

    def _call(self, name: str, action: Callable[[Session], T]) -> T:
        """What `action` returns; once more on a fresh session when one that had lain idle turns out to be dead."""
        idle = self._session is not None
        try:
            return self._once(name, action)
        except TransferFailed:
            if not idle:
                raise
            self.close()
            return self._once(name, action)

    def _once(self, name: str, action: Callable[[Session], T]) -> T:
        session = self._connected()
        from vault.transfers import translated
        try:
            with translated(name):
                return action(session)
        except (TransferFailed, StorageSilent, StorageFull):
            session.discard()
            raise
        finally:
            self._used = self._clock()
            if session.dead or self.profile.max_sessions <= 1:  # a single connection is shared in turns
                self.close()

    def _connected(self) -> Session:
        now = self._clock()
        idle = min(self.timeouts.idle, self.profile.idle_limit or self.timeouts.idle)
        if self._session is not None and (now - self._used > idle or now - self._opened > self.timeouts.age
                                          or self._session.moved > MOST_BYTES):
            self.close()
        if self._session is None:
            self._host, self._session = self._open(now + self.timeouts.crowded)
            self._opened = self._clock()
        return self._session

    def _open(self, until: float) -> tuple[ftputil.FTPHost, Session]:
        from vault.sessions import open_session
        pause = 0.1
        while True:
            try:
                return open_session(self.address, self.profile, self.timeouts)
            except TooManyConnections:
                if self.profile.max_sessions > 1 or self._clock() + pause > until:
                    raise
                self._sleep(pause * (1 + secrets.randbelow(100) / 100))
                pause = min(pause * 2, 2)

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
        while len(self._sizes) >= SIZES_KEPT:
            del self._sizes[next(iter(self._sizes))]
        self._sizes[name] = found
        return found

    # Uploads

    def _put(self, name: str, part: str, data: memoryview) -> None:
        from vault import transfers

        def store(session: Session) -> None:
            if part == name or not self.profile.exclusive_rename:  # elsewhere a rename replaces what was there
                found = transfers.strict_size(session, self._path(name))
                if found is not None:
                    if found != len(data):
                        raise NameTaken(name=name)
                    return
            self._store(session, part, data)
            if part != name:
                self._rename(session, part, name, len(data))

        self._once(name, store)

    def _store(self, session: Session, name: str, data: memoryview) -> None:
        """Upload; folders are made only when the server refuses, which saves asking for them each time."""
        from vault import transfers
        path = self._path(name)
        levels = path.split("/")[:-1]
        folders = ["/".join(levels[:depth]) for depth in range(1, len(levels) + 1)]
        try:
            transfers.strict_store(session, path, data)
        except transfers.StoreRefused:
            missing = [folder for folder in folders if folder not in self._folders]
            if not missing:
                raise
            for folder in missing:
                transfers.refusal(session, "MKD " + folder)  # it exists, or the upload will say what is wrong
            transfers.strict_store(session, path, data)
        self._folders.update(folders)

    def _rename(self, session: Session, part: str, name: str, size: int) -> None:
        from vault import transfers
        refused = transfers.rename(session, self._path(part), self._path(name))
        stored = transfers.strict_size(session, self._path(name))
        if refused and self.profile.delete_parts:
            transfers.refusal(session, "DELE " + self._path(part))
        if refused and stored not in {None, size}:
            raise NameTaken(name=name)
        if stored != size:  # an equal size is this object: the reply to an earlier attempt was lost
            raise TransferFailed(name=name, reason=refused or f"{stored or 0} of {size} bytes after the rename")

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
        return self._once(name, look)

    def _space_left(self) -> bool:
        """Whether 1 MiB can be stored: servers without space answer in many ways, or not at all."""
        name = f"probe-{secrets.token_hex(4)}{PART_SUFFIX}"
        try:
            self._put(name, name, memoryview(bytes(PROBE)))
        except (TransferFailed, StorageFull) as error:
            return "425" in str(error.details.get("reason"))  # no data connection: space was never the question
        finally:
            with contextlib.suppress(StorageError):
                self._settled(name, name, -1)
        return True
