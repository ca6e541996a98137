"""Strict transfers on a session: an upload counts only when the final reply and the size confirm it.

Each function takes a vault.sessions.Session. A failure after which the state of the control connection is unknown
discards the session.
"""
from __future__ import annotations

import contextlib
import ftplib
import io
import socket
import ssl
from collections.abc import Iterator

import ftputil.error

from vault.address import at_once
from vault.errors import TransferFailed
from vault.failures import FULL, line_of
from vault.sessions import Place, Session

BLOCK = 1 << 18
"""256 KiB a time; the 8 KiB of ftplib are slow."""
UNASKED = 1 << 16
"""What is sent before the server agrees, as a long line takes no more in that time; the step of those with a pace."""
SHORTEST_READ = 1 << 18
"""Reads that stop earlier make Pure-FTPd fall silent and ProFTPD hang up."""
DRAIN = 1 << 19
"""When no more than this is left behind a range, reading on to the end is safer than stopping."""
TOGETHER = 32
"""Commands sent at once at most; their replies have to fit into the buffers on the way."""


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


def announce(session: Session, folders: list[str], path: str | None) -> tuple[int | None, Place]:
    """In one round trip before an upload: make folders, ask for the size of `path`, open a place for the data.

    An existing folder's refusal means nothing; if one can't be made, the upload will say why. The place must be used.
    """
    session.binary()
    commands = [f"MKD {folder}" for folder in folders] + [f"SIZE {path}"] * (path is not None)
    replies = session.batch([*commands, session.passive])
    return None if path is None else _size_in(replies[-2]), session.place_in(replies[-1])


def strict_store(session: Session, path: str, data: memoryview, place: Place | None = None) -> None:
    """Upload bytes; returns when a 2xx reply was seen and SIZE is what was sent. `place` comes from `announce`.

    Raises StoreRefused when nothing was kept; after any other failure the session is dead.
    """
    with _discarding(session):
        _store(session, path, data, place)
        _compare(path, strict_size(session, path), data)


def strict_put(session: Session, part: str, name: str, data: memoryview,
               place: Place | None = None) -> tuple[str | None, int | None]:
    """Upload under a temporary name and rename: the server's words if it refused that, and the size of `name` now.

    Raises as strict_store does.
    """
    with _discarding(session):
        _store(session, part, data, place)
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


def _store(session: Session, path: str, data: memoryview, place: Place | None) -> None:
    session.binary()
    awaited = session.profile.pipelined  # whether the reply to STOR is still to come
    connection: socket.socket | None = None
    try:
        if awaited:
            connection = session.start_transfer([f"STOR {path}"], place)
            sent = 0 if session.context else _send_first(session, connection, data)
            awaited = False
            _hear_agreement(session)
            connection = session.secure(connection)
        else:
            connection, sent = _open_upload(session, path), 0
        step = BLOCK if session.pace is at_once else UNASKED
        for start in range(sent, len(data), step):
            session.pace(min(step, len(data) - start))
            connection.sendall(data[start:start + step])
        _end_upload(session, connection)
    except OSError:
        _raise_reason(session, awaited=awaited)
        raise
    finally:
        if connection is not None:
            connection.close()
    session.moved += len(data)
    session.sock.settimeout(session.waits.reply)
    session.voidresp()  # 426, 450, 451, 452, 552: all are failures
    session.sock.settimeout(session.waits.transfer)


def _send_first(session: Session, connection: socket.socket, data: memoryview) -> int:
    """Send what needs no answer, and say how much; of a small object its end, too."""
    session.pace(min(len(data), UNASKED))
    connection.sendall(data[:UNASKED])
    if len(data) <= UNASKED:
        connection.shutdown(socket.SHUT_WR)
    return UNASKED


def _open_upload(session: Session, path: str) -> socket.socket:
    try:
        return session.transfercmd("STOR " + path)
    except (ftplib.error_perm, ftplib.error_temp) as error:
        if session.verb == "STOR":
            _raise_refusal(str(error))
        raise


def _hear_agreement(session: Session) -> None:
    """The reply to a STOR that was sent already."""
    reply = session.getmultiline()
    if reply[:1] != "1":
        _raise_refusal(reply)
        raise ftplib.error_temp(reply) if reply[:1] == "4" else ftplib.error_perm(reply)


def _raise_refusal(reply: str) -> None:
    """Raises StoreRefused, unless the reply speaks of the connection or of space."""
    if reply[:1] in {"4", "5"} and not reply.startswith(("421", "425", "426", *FULL)):
        raise StoreRefused(reply)


def _end_upload(session: Session, connection: socket.socket) -> None:
    # Closing without the peer's close_notify leaves unread bytes, whose reset can cut the upload's end off.
    if isinstance(connection, ssl.SSLSocket):
        connection.settimeout(session.waits.unwrap)
        with contextlib.suppress(OSError, ValueError):  # reset or silence: the reply and SIZE decide
            connection.unwrap()
    else:
        with contextlib.suppress(OSError):  # a small object has ended already, and the server may be done with it
            connection.shutdown(socket.SHUT_WR)


def _raise_reason(session: Session, *, awaited: bool) -> None:
    """Raise what the server says about a data connection that broke, if it says so soon."""
    with contextlib.suppress(OSError, EOFError):
        session.sock.settimeout(session.waits.early_close)
        try:
            if awaited:
                _hear_agreement(session)
            session.getresp()
        finally:
            session.sock.settimeout(session.waits.transfer)


def read_range(session: Session, path: str, offset: int, length: int, total: int) -> bytes:
    """Exactly `length` bytes from `offset` of an object of `total` bytes; raises TransferFailed when short.

    Stopping a download early is not safe for the control connection on every server: the read goes on to the end
    when that is near and takes at least SHORTEST_READ. Without a proper reply the data are kept and the session
    is discarded.
    """
    session.binary()  # vsftpd refuses REST in ASCII mode
    start = offset if session.profile.ranged else 0
    try:
        connection = _open_download(session, path, start)
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


def _open_download(session: Session, path: str, start: int) -> socket.socket:
    if not session.profile.pipelined:
        return session.transfercmd("RETR " + path, start or None)
    commands = [f"REST {start}"] * bool(start) + [f"RETR {path}"]
    connection = session.start_transfer(commands)
    try:
        for command in commands:
            reply = session.getmultiline()
            if reply[:1] != ("3" if command.startswith("REST") else "1"):
                raise ftplib.error_perm(reply)
        return session.secure(connection)
    except BaseException:
        connection.close()
        raise


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
