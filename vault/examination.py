"""The probes of the doctor: each tries one thing on a server, notes what it found and adjusts the profile."""
from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from vault.address import FtpAddress, Profile, Timeouts
from vault.errors import CertificateRejected, StorageError, StorageUnreachable, TooManyConnections
from vault.failures import translated
from vault.ftp import FtpStorage
from vault.sessions import Session
from vault.transfers import (
    StoreRefused,
    read_range,
    refusal,
    rename,
    strict_size,
    strict_sizes,
    strict_store,
)

MOST_SESSIONS = 5
CHECK_FOLDER = "ibs-check"
TRIES, PAUSE = 8, 0.5
"""How often a crowded server is asked for a session, and the seconds in between."""


@dataclass(frozen=True)
class Finding:
    """What one probe showed; `good` is False for everything that staff should know before they go on."""

    probe: str
    good: bool
    sentence: str


class Examination:
    """The probes, in the order in which `examine` calls them."""

    def __init__(self, address: FtpAddress, timeouts: Timeouts, sleep: Callable[[float], None]) -> None:
        self.address, self.timeouts, self.sleep = address, timeouts, sleep
        self.profile = Profile(max_sessions=1)
        self.findings: list[Finding] = []
        self.usable = True
        self.upload_rate = self.download_rate = 0.0
        self.pin: bytes | None = None
        self.name = f"{CHECK_FOLDER}-{secrets.token_hex(4)}"
        self.folder = f"{address.base}/{self.name}" if address.base else self.name
        self.sample = secrets.token_bytes(1 << 20)
        self.finished = f"{self.folder}/finished"
        self._session: Session | None = None
        self._left: list[str] = []

    def note(self, probe: str, good: bool, sentence: str, *, fatal: bool = False) -> bool:
        """Remember a finding; returns `good`."""
        self.findings.append(Finding(probe, good, sentence))
        if fatal and not good:
            self.usable = False
        return good

    @property
    def session(self) -> Session:
        """A session that works, in the folder where the account starts; every path names the base itself."""
        if self._session is None or self._session.dead:
            self._session = self._open()
        return self._session

    def _open(self) -> Session:
        """A session; a server that allows only one still counts the one before it for a moment."""
        for _ in range(TRIES - 1):
            try:
                return Session(replace(self.address, base=""), self.profile, self.timeouts)
            except TooManyConnections:
                self.sleep(PAUSE)
        return Session(replace(self.address, base=""), self.profile, self.timeouts)

    def refused(self, command: str) -> str | None:
        """The server's words when it does not obey."""
        with translated(command):
            return refusal(self.session, command)

    def put(self, path: str, data: bytes) -> StorageError | None:
        """Why an upload failed, or None."""
        self._left.append(path)
        try:
            with translated(path):
                strict_store(self.session, path, memoryview(data))
        except StorageError as error:
            return error
        return None

    def sign_in(self) -> None:
        """Connect and sign in; TLS 1.3 only where the server knows nothing older."""
        try:
            self.pin = self.session.leaf
        except CertificateRejected as error:
            raise self._with_hash(error) from error
        except StorageUnreachable:
            if not self.address.tls:
                raise
            self.profile = replace(self.profile, max_tls="1.3")
            self.pin = self.session.leaf
        self.note("sign-in", True, "The server can be reached and accepts the user name and password.")
        if self.address.tls:
            self.note("encryption", True, f"The connection is encrypted (at most TLS {self.profile.max_tls} is used).")
        else:
            self.note("encryption", False, "The connection is not encrypted: whoever can listen learns the password.")

    def _with_hash(self, error: CertificateRejected) -> CertificateRejected:
        """The same refusal with the hash of the certificate that the server shows, so that staff can pin it."""
        try:
            Session(replace(self.address, pin=bytes(32), ca=None), self.profile, self.timeouts)  # ends before sign-in
        except StorageError as shown:
            seen = shown.details.get("seen")
            if seen and self.address.pin is None:
                reason = f"{error.details['reason']}; the SHA-256 of its certificate is {seen}"
                return CertificateRejected(host=self.address.host, reason=reason, seen=seen)
        return error

    def enter_base(self) -> bool:
        """Enter the base folder, making it when it is missing, and a folder for the probes."""
        base = self.address.base
        if base and self.refused(f"CWD {base}"):
            for depth in range(2, base.count("/") + 2):
                self.refused("MKD " + "/".join(base.split("/")[:depth]))
            why = self.refused(f"CWD {base}")
            if why:
                return self.note("base", False, f"The base folder {base} can't be entered or made: {why}.", fatal=True)
        why = self.refused(f"MKD {self.folder}")
        return self.note("base", not why, "Folders can be made." if not why else f"Folders can't be made: {why}.",
                         fatal=True)

    def store(self) -> bool:
        """Store 1 MiB as an unfinished upload, trying the ways to a data connection until one works."""
        failure: StorageError | None = None
        plain = self.profile
        for way in (plain, replace(plain, prefer_epsv=True), replace(plain, trust_pasv_ip=True)):
            self.profile = way
            self._end_session()
            for suffix in (".part", ".new"):
                self.refused("NOOP")  # signed in before the clock starts
                begin = time.monotonic()
                failure = self.put(f"{self.folder}/sample-{secrets.token_hex(2)}{suffix}", self.sample)
                if failure is None:
                    self.upload_rate = len(self.sample) / (time.monotonic() - begin)
                    self.profile = replace(self.profile, part_visible=suffix == ".part")
                    return self.note("store", True, "A file of 1 MiB was stored and its size confirmed"
                                     f" ({self.upload_rate / 1e6:.1f} MB/s).")
                if not isinstance(failure.__cause__, StoreRefused):
                    break  # the name was not what the server disliked
        assert failure is not None
        self.profile = plain
        return self.note("store", False, f"Files can't be stored: {failure.details.get('reason')}.", fatal=True)

    def read(self) -> None:
        """Read the sample back: the whole, a range from the middle, the end."""
        path, size = self._left[-1], len(self.sample)
        begin = time.monotonic()
        if not self._reads(path, 0, size):
            self.note("read", False, "What was stored can't be read back unchanged.", fatal=True)
            return
        self.download_rate = size / (time.monotonic() - begin)
        self.note("read", True, f"It can be read back unchanged ({self.download_rate / 1e6:.1f} MB/s).")
        if not (self._reads(path, size // 2, 1000) and self._reads(path, size - 1000, 1000)):
            self.profile = replace(self.profile, ranged=False)
        self.note("ranges", self.profile.ranged, "Parts of a file can be read." if self.profile.ranged else
                  "Parts of a file can't be read: downloads of single files take longer.")

    def _reads(self, path: str, offset: int, length: int) -> bool:
        with contextlib.suppress(StorageError), translated(path):
            found = read_range(self.session, path, offset, length, len(self.sample))
            return found == self.sample[offset:offset + length]
        return False

    def try_names(self) -> None:
        """Does an upload get its final name by renaming, and never that of another?"""
        part = self._left[-1]
        with translated(part):
            self._left.append(self.finished)
            why = rename(self.session, part, self.finished)
            renamed = not why and strict_size(self.session, self.finished) == len(self.sample)
        self.profile = replace(self.profile, rename=renamed)
        if not renamed:
            self.put(self.finished, b"finished")
            self.note("rename", False, f"Files can't be renamed ({why or 'without a reason'}): uploads are written"
                      " under their final name at once.")
        else:
            self.note("rename", True, "Files can be renamed.")
        self.try_batch()
        empty = self.put(f"{self.folder}/empty", b"")
        self.note("empty", empty is None, "Empty files can be stored." if empty is None else
                  "Empty files can't be stored; none are needed.")

    def try_batch(self) -> None:
        """Are several commands that arrive together answered in their order?"""
        missing = f"{self.folder}/missing"
        self._end_session()
        plain, self.profile = self.profile, replace(self.profile, pipelined=True)
        answered = False
        with contextlib.suppress(StorageError), translated(missing):
            found = strict_sizes(self.session, [self.finished, missing, self.finished] * 8)
            answered = found == [found[0], None, found[0]] * 8 and found[0] is not None
        suffix = ".part" if self.profile.part_visible else ".new"
        answered = answered and self.put(f"{self.folder}/together{suffix}", self.sample[:100_000]) is None
        if not answered:
            self._end_session()
            self.profile = plain
        self.note("batches", answered, "Several commands can be sent together." if answered else
                  "Commands have to be sent one by one, which takes longer on slow lines.")

    def try_destruction(self) -> None:
        """May this account delete or replace what is finished? The answer must come from trying, not from settings."""
        suffix = ".part" if self.profile.part_visible else ".new"
        other = f"{self.folder}/other{suffix}"
        self.put(other, b"other")
        ways = []
        if self.profile.rename:
            with translated(other):
                exclusive = rename(self.session, other, self.finished) is not None
                moved = rename(self.session, self.finished, f"{self.folder}/moved") is None
            self._left.append(f"{self.folder}/moved")
            self.profile = replace(self.profile, exclusive_rename=exclusive)
            ways += ["be replaced by renaming"] * (not exclusive) + ["be renamed away"] * moved
            if moved:
                self.put(self.finished, b"finished again")
        if self.put(self.finished, b"overwritten") is None:
            ways.append("be overwritten")
        if self.refused(f"DELE {self.finished}") is None:
            ways.append("be deleted")
        self.put(f"{self.folder}/leftover{suffix}", b"leftover")
        deletes = self.refused(f"DELE {self.folder}/leftover{suffix}") is None
        self.profile = replace(self.profile, append_only=not ways, delete_parts=deletes)
        self.note("append-only", not ways, "This account can add files but not destroy any." if not ways else
                  f"Not isolated: with this account's password finished files can {', '.join(ways)}.")

    def count_sessions(self) -> None:
        """Open sessions beside this one until the server has had enough."""
        others: list[Session] = []
        self.refused("NOOP")  # this session has to be open, it counts
        with contextlib.suppress(StorageError):
            while len(others) + 1 < MOST_SESSIONS:
                others.append(Session(replace(self.address, base=""), self.profile, self.timeouts))
        for session in others:
            session.close()
        count = len(others) + 1
        self.profile = replace(self.profile, max_sessions=count)
        self.note("sessions", count > 1, "Only one connection is allowed at a time: computers and portal take turns."
                  if count == 1 else f"{count} connections at a time are allowed.")

    def idle(self, seconds: float) -> None:
        """Does a session survive a pause?"""
        session = self.session
        self.sleep(seconds)
        alive = False
        with contextlib.suppress(StorageError), translated("an idle session"):
            session.sendcmd("PWD")
            alive = True
        if not alive:
            session.discard()
            self.profile = replace(self.profile, idle_limit=max(int(seconds / 2), 1))
        self.note("idle", alive, f"A connection survives {seconds:.0f} seconds without work." if alive else
                  f"The server ends connections that are idle for {seconds:.0f} seconds; they are renewed sooner.")

    def rehearse(self) -> None:
        """Keep and read one object exactly as a vault does, under the profile that was found."""
        name = "p/00/000/00000000-0000000000000000.ibp"
        self._end_session()
        sample = self.sample[:70_000]
        with FtpStorage(self.address, self.name, self.profile, timeouts=self.timeouts) as storage:
            for depth in range(1, 4):
                self._left.append(f"{self.folder}/{'/'.join(name.split('/')[:depth])}/")
            self._left.append(f"{self.folder}/{name}")
            try:
                storage.put_new(name, sample)
                unchanged = storage.read(name) == sample
                why = "it came back changed"
            except StorageError as error:
                unchanged, why = False, error.sentence
        self.note("rehearsal", unchanged, "A pack was kept and read back as a vault does it." if unchanged else
                  f"A pack can't be kept as a vault does it: {why}", fatal=True)

    def leave(self) -> None:
        """Remove what the probes left, as far as that is allowed, and disconnect."""
        with contextlib.suppress(StorageError):
            if self._left:
                for path in reversed(self._left):
                    self.refused(f"RMD {path.rstrip('/')}" if path.endswith("/") else f"DELE {path}")
                self.refused(f"RMD {self.folder}")
        self._end_session()

    def _end_session(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
