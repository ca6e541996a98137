"""Strict transfers on a session: an upload counts only when the final reply and the size confirm it.

Each function takes a vault.sessions.Session. A failure after which the state of the control connection is unknown
discards the session. `translated` turns the failures of ftplib and the operating system into errors of vault.errors.
"""
from __future__ import annotations

import contextlib
import ftplib
import io
import socket
import ssl
from collections.abc import Iterator

import ftputil.error

from vault.errors import BackupError, StorageFull, StorageSilent, TransferFailed
from vault.sessions import Session, line_of

BLOCK = 1 << 18
"""256 KiB a time; the 8 KiB of ftplib are slow."""
SHORTEST_READ = 1 << 18
"""Reads that stop earlier make Pure-FTPd fall silent and ProFTPD hang up."""
DRAIN = 1 << 19
"""When no more than this is left behind a range, reading on to the end is safer than stopping."""
FULL = ("452", "552")
TOGETHER = 32
"""Commands sent at once at most; their replies have to fit into the buffers on the way."""
FULL_WORDS = ("quota", "no space", "disk full")


class StoreRefused(ftplib.error_perm):
    """The STOR command itself was refused; no data was sent and the session is intact."""


def strict_size(session: Session, path: str) -> int | None:
    """Bytes stored; None after a 550, which is absence only on a storage that is known to be there."""
    return strict_sizes(session, [path])[0]


def strict_sizes(session: Session, paths: list[str]) -> list[int | None]:
    """strict_size for several objects, with few round trips."""
    session.binary()  # in ASCII mode ProFTPD and pyftpdlib answer 550
    found: list[int | None] = []
    for start in range(0, len(paths), TOGETHER):
        found += map(_size_in, session.batch([f"SIZE {path}" for path in paths[start:start + TOGETHER]]))
    return found


def _size_in(reply: str) -> int | None:
    code, _, text = reply.partition(" ")
    if code == "550":
        return None
    if code != "213" or not text.strip().isdecimal():
        raise ftplib.error_proto(f"SIZE was answered: {reply}")
    return int(text)


def strict_store(session: Session, path: str, data: memoryview) -> None:
    """Upload bytes; returns when a 2xx reply was seen and SIZE is what was sent.

    Raises StoreRefused when nothing was sent; after any other failure the session is dead.
    """
    with _discarding(session):
        _store(session, path, data)
        _compare(path, strict_size(session, path), data)


def strict_put(session: Session, part: str, name: str, data: memoryview) -> tuple[str | None, int | None]:
    """Upload under a temporary name and rename: the server's words if it refused that, and the size of `name` now.

    Raises as strict_store does.
    """
    with _discarding(session):
        _store(session, part, data)
        stored, from_part = session.batch([f"SIZE {part}", f"RNFR {part}"])
        _compare(part, _size_in(stored), data)
        if from_part[:1] != "3":
            return from_part, strict_size(session, name)
        renamed, stored = session.batch([f"RNTO {name}", f"SIZE {name}"])
        return None if renamed[:1] == "2" else renamed, _size_in(stored)


def _compare(path: str, stored: int | None, data: memoryview) -> None:
    if stored != len(data):
        raise TransferFailed(name=path, reason=f"{stored or 0} of {len(data)} bytes were stored")


@contextlib.contextmanager
def _discarding(session: Session) -> Iterator[None]:
    """After a failure nobody knows what the control connection will say next."""
    try:
        yield
    except StoreRefused:
        raise
    except BaseException:
        session.discard()
        raise


def _store(session: Session, path: str, data: memoryview) -> None:
    session.binary()
    connection = _open_upload(session, path)
    try:
        for start in range(0, len(data), BLOCK):
            connection.sendall(data[start:start + BLOCK])
        _end_upload(session, connection)
    except OSError:
        _raise_reason(session)
        raise
    finally:
        connection.close()
    session.moved += len(data)
    session.sock.settimeout(session.waits.reply)
    session.voidresp()  # 426, 450, 451, 452, 552: all are failures
    session.sock.settimeout(session.waits.transfer)


def _open_upload(session: Session, path: str) -> socket.socket:
    try:
        return session.transfercmd("STOR " + path)
    except (ftplib.error_perm, ftplib.error_temp) as error:
        if session.verb != "STOR" or str(error).startswith(("421", "425", "426", *FULL)):
            raise
        raise StoreRefused(str(error)) from error


def _end_upload(session: Session, connection: socket.socket) -> None:
    # Closing without the peer's close_notify leaves unread bytes, whose reset can cut the upload's end off.
    if isinstance(connection, ssl.SSLSocket):
        connection.settimeout(session.waits.unwrap)
        with contextlib.suppress(OSError, ValueError):  # reset or silence: the reply and SIZE decide
            connection.unwrap()
    else:
        connection.shutdown(socket.SHUT_WR)


def _raise_reason(session: Session) -> None:
    """Raise what the server says about a data connection that broke, if it says so soon."""
    session.sock.settimeout(session.waits.early_close)
    with contextlib.suppress(OSError, EOFError):
        session.getresp()


def read_range(session: Session, path: str, offset: int, length: int, total: int) -> bytes:
    """Exactly `length` bytes from `offset` of an object of `total` bytes; raises TransferFailed when short.

    Stopping a download early is not safe for the control connection on every server: the read goes on to the end
    when that is near and takes at least SHORTEST_READ. Without a proper reply the data are kept and the session
    is discarded.
    """
    session.binary()  # vsftpd refuses REST in ASCII mode
    start = offset if session.profile.ranged else 0
    try:
        connection = session.transfercmd("RETR " + path, start or None)
        try:
            data, at_end = _receive(connection, offset - start, length, total - start)
            if at_end and isinstance(connection, ssl.SSLSocket):
                connection.settimeout(session.waits.early_close)
                with contextlib.suppress(OSError, ValueError):
                    connection.unwrap()
        finally:
            connection.close()
        session.moved += len(data)
        if len(data) < length:
            raise TransferFailed(name=path, reason=f"{len(data)} of {length} bytes from {offset} were delivered")
    except BaseException:
        session.discard()
        raise
    _end_download(session, at_end)
    return data


def _end_download(session: Session, at_end: bool) -> None:
    proper = {"226", "250"} if at_end else {"226", "250", "426", "450", "451", "150"}  # 150 (sic) is Pure-FTPd's
    try:
        session.sock.settimeout(session.waits.transfer if at_end else session.waits.early_close)
        if session.getmultiline()[:3] not in proper:
            session.discard()
        else:
            session.sock.settimeout(session.waits.transfer)
    except (OSError, EOFError, ftplib.Error):
        session.discard()


def _receive(connection: socket.socket, skip: int, length: int, total: int) -> tuple[bytes, bool]:
    """The bytes after the first `skip`, and whether the end of the file was seen."""
    wanted = max(skip + length, SHORTEST_READ)
    if total - wanted <= DRAIN:
        wanted = total + 1  # one more than there is: go on until the end is seen
    kept, received = io.BytesIO(), 0  # its value is handed out without a second copy
    while received < wanted:
        block = connection.recv(BLOCK)
        if not block:
            return kept.getvalue(), True
        begin = max(skip - received, 0)
        kept.write(memoryview(block)[begin:max(begin, skip + length - received)])
        received += len(block)
    return kept.getvalue(), False


def names_in(session: Session, folder: str) -> list[str]:
    """What a folder seems to hold, in no order; nothing when it can't be listed."""
    try:
        return list(session.view.listdir(folder or "."))
    except ftputil.error.PermanentError:
        return []


def refusal(session: Session, command: str) -> str | None:
    """Send a command; None when it was obeyed, otherwise the server's words."""
    try:
        session.voidcmd(command)
    except (ftplib.error_perm, ftplib.error_temp) as error:
        if str(error).startswith("421"):
            raise
        return line_of(error)
    return None


def rename(session: Session, source: str, target: str) -> str | None:
    """Rename within a folder; None when it was done, otherwise the server's words."""
    try:
        session.rename(source, target)
    except (ftplib.error_perm, ftplib.error_temp) as error:
        if str(error).startswith("421"):
            raise
        return line_of(error)
    return None


def was_refused(failure: BaseException) -> bool:
    """Whether the server itself said no, rather than falling silent or hanging up."""
    return isinstance(failure.__cause__, ftplib.Error)


@contextlib.contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn failures of a session in use into StorageError subclasses; `name` is the object in question."""
    try:
        yield
    except BackupError:
        raise
    except ftputil.error.FTPError as error:
        raise TransferFailed(name=name, reason=line_of(error)) from error
    except ftplib.Error as error:
        reply = line_of(error)
        if reply.startswith(FULL) or any(word in reply.lower() for word in FULL_WORDS):
            raise StorageFull(reason=reply) from error
        raise TransferFailed(name=name, reason=reply) from error
    except TimeoutError as error:
        raise StorageSilent(reason=f"no answer in time about {name}") from error
    except (OSError, EOFError) as error:
        raise TransferFailed(name=name, reason=f"the connection was lost ({line_of(error) or 'ended'})") from error
