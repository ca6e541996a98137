"""The portal, as the client asks it: one method for each route of the client API, with messages in and out."""
from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from client.api.transport import ANSWER_TIMEOUT, Call, Transport
from protocol.errors import LeaseLost
from protocol.messages import (
    API,
    LEASE_HEADER,
    AddEntries,
    AddPack,
    CommitRun,
    CommittedRun,
    ComputerStatus,
    DamageConfirmed,
    Done,
    EndRun,
    EnrolComputer,
    EnrolledComputer,
    FileVersions,
    FindFiles,
    FoundFiles,
    HardwareReport,
    Heartbeat,
    KnownChunks,
    ListEntries,
    ListVersions,
    LookupChunks,
    Message,
    OpenedRun,
    OpenRun,
    PackAdded,
    RenewedLease,
    ReportDamage,
    RestoreAccess,
    RestoreReport,
    ScheduleReport,
    SignedIn,
    SignIn,
    SnapshotPage,
    Snapshots,
    Wishes,
    encode,
)

Answer = TypeVar("Answer", bound=Message)
Renewed = Callable[[str], None]

PATIENCE = 5.0
RUN_PATIENCE = 120.0
SLOW = 300.0


class Portal:
    """A portal at an address, asked with this computer's token. Several threads may ask at once.

    Every method raises PortalUnreachable, PortalUntrusted, AnswerUnreadable, PortalFailed or the portal's refusal
    (protocol.errors). Calls that do no harm twice are repeated for `patience` seconds while the portal can't be
    reached, those of an open run for `run_patience`, so that a portal that restarts does not end a run.
    """

    def __init__(
        self, address: str, token: str = "", *, ca: str = "",
        patience: float = PATIENCE, run_patience: float = RUN_PATIENCE,
    ) -> None:
        """`address` is https://…, or http://… on loopback (else PortalAddressWrong); `ca` is PEM text."""
        self.transport = Transport(address, token, ca)
        self.patience = patience
        self.run_patience = run_patience

    @property
    def address(self) -> str:
        """The address as the identity keeps it: without a trailing slash."""
        return self.transport.address

    def close(self) -> None:
        """Drop idle connections and end every wait for a repeat; whoever waited gets PortalUnreachable."""
        self.transport.close()

    def enrol(self, request: EnrolComputer) -> EnrolledComputer:
        """Sign in with an account's password or a set-up code; the only call without a token. Never repeated."""
        return self._ask("POST", "/enrolments", EnrolledComputer, request, repeatable=False)

    def sign_in(self, request: SignIn) -> SignedIn:
        """A token for a person, good for looking and restoring; without a token of one's own. Never repeated."""
        return self._ask("POST", "/restores/tokens", SignedIn, request, repeatable=False)

    def report_schedule(self, report: ScheduleReport) -> None:
        """Tell when this computer means to back up, and what."""
        self._ask("PUT", "/schedule", Done, report)

    def wishes(self) -> Wishes:
        """What people asked of this computer in the portal."""
        return self._ask("GET", "/wishes", Wishes)

    def sign_out(self) -> None:
        """Have this computer's token withdrawn: nobody can use it from now on. Repeated, it raises TokenRejected."""
        self._ask("POST", "/sign-out", Done)

    def report_restore(self, report: RestoreReport) -> None:
        """Tell how a restore ended. Never repeated, as each report counts."""
        self._ask("POST", "/restores/report", Done, report, repeatable=False)

    def status(self) -> ComputerStatus:
        """The account, the subscription and the last snapshot."""
        return self._ask("GET", "/status", ComputerStatus)

    def send_hardware(self, report: HardwareReport) -> None:
        """Tell of this computer's hardware."""
        self._ask("PUT", "/hardware", Done, report)

    def open_run(self, request: OpenRun, renewed: Renewed | None = None) -> tuple[OpenedRun, PortalRun]:
        """Ask for a run: its terms, and the calls that belong to it. Asked again, the portal opens the same run.

        `renewed` gets each new lease, so that the journal can keep it.
        """
        opened = self._ask("POST", "/runs", OpenedRun, request, timeout=SLOW)
        return opened, self.run(opened.number, opened.lease, renewed)

    def run(self, number: int, lease: str, renewed: Renewed | None = None) -> PortalRun:
        """The calls of run `number`, which present `lease`."""
        return PortalRun(self, number, lease, renewed)

    def send_log(self, number: int, log: bytes) -> None:
        """Leave a copy of run `number`'s activity log (XML) with the portal; also after the run has ended."""
        call = Call("PUT", f"{API}/runs/{number}/log", log, "application/xml", patience=self.patience)
        self.transport.ask(call, Done)

    def snapshots(self) -> Snapshots:
        """All snapshots of this computer, oldest first."""
        return self._ask("GET", "/snapshots", Snapshots)

    def list_entries(self, snapshot: int, request: ListEntries) -> SnapshotPage:
        """One page of a snapshot's entries; ask again with its cursor until that is empty."""
        return self._ask("POST", f"/snapshots/{snapshot}/entries", SnapshotPage, request)

    def find_files(self, request: FindFiles) -> FoundFiles:
        """One page of what has certain words in its name; ask again with its cursor until that is empty."""
        return self._ask("POST", "/search", FoundFiles, request)

    def list_versions(self, request: ListVersions) -> FileVersions:
        """One page of a file's versions. Raises NotFound when no snapshot holds it."""
        return self._ask("POST", "/versions", FileVersions, request)

    def open_restore(self) -> RestoreAccess:
        """What reading the vault needs."""
        return self._ask("POST", "/restores", RestoreAccess)

    def _ask(
        self, method: str, path: str, answer: type[Answer], message: Message | None = None, *,
        repeatable: bool = True, timeout: float = ANSWER_TIMEOUT,
    ) -> Answer:
        call = Call(
            method, API + path, None if message is None else encode(message),
            repeatable=repeatable, patience=self.patience, timeout=timeout,
        )
        return self.transport.ask(call, answer)


class PortalRun:
    """The calls of one open run. `lease` is rotated by each heartbeat; a call that was under way meanwhile repeats."""

    def __init__(self, portal: Portal, number: int, lease: str, renewed: Renewed | None = None) -> None:
        """See Portal.run."""
        self.number = number
        self.lease = lease
        self._portal = portal
        self._renewed = renewed
        self._beating = threading.Lock()

    def heartbeat(self, progress: Heartbeat) -> RenewedLease:
        """Say that the run is alive, once a minute; brings a new lease and new credentials for the storage."""
        with self._beating:
            answer = self._ask("heartbeat", RenewedLease, encode(progress))
            self.lease = answer.lease
            if self._renewed is not None:
                self._renewed(answer.lease)
            return answer

    def drop_connections(self) -> None:
        """Ask over new connections from now on; those that are at work may end what they do."""
        self._portal.transport.drop_idle()

    def lookup_chunks(self, request: LookupChunks) -> KnownChunks:
        """Which chunks does the vault hold?"""
        return self._ask("chunks", KnownChunks, encode(request))

    def add_pack(self, pack: AddPack) -> PackAdded:
        """Register a pack that is completely stored; raises a refusal when the run must stop."""
        return self._ask("packs", PackAdded, encode(pack))

    def add_entries(self, batch: AddEntries | bytes) -> None:
        """Send a batch of entries, or its bytes when the caller needed their hash anyway."""
        self._ask("entries", Done, batch if isinstance(batch, bytes) else encode(batch))

    def report_damage(self, report: ReportDamage) -> DamageConfirmed:
        """Tell of packs that look damaged; the portal looks itself before it answers."""
        return self._ask("damage", DamageConfirmed, encode(report), timeout=SLOW)

    def commit(self, request: CommitRun) -> CommittedRun:
        """Close the run in the catalogue after its commit object lies on the storage."""
        return self._ask("commit", CommittedRun, encode(request), timeout=SLOW)

    def end(self, request: EndRun) -> None:
        """End the run without a snapshot."""
        self._ask("end", Done, encode(request), patience=self._portal.patience)

    def _ask(
        self, action: str, answer: type[Answer], body: bytes, *,
        timeout: float = ANSWER_TIMEOUT, patience: float | None = None,
    ) -> Answer:
        presented = ""

        def headers() -> dict[str, str]:
            nonlocal presented
            presented = self.lease
            return {LEASE_HEADER: presented}

        call = Call(
            "POST", f"{API}/runs/{self.number}/{action}", body, headers=headers, timeout=timeout,
            patience=self._portal.run_patience if patience is None else patience,
        )
        try:
            return self._portal.transport.ask(call, answer)
        except LeaseLost:
            if presented == self.lease:
                raise
            return self._portal.transport.ask(call, answer)
