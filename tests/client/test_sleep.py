"""A computer that sleeps in the middle of a run: it is noticed, and nothing that was open is believed afterwards."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable

import msgspec
import pytest

from client.api.vaults import VaultAccess
from client.run.heart import Heart
from client.run.sleep import SleepWatch
from protocol.errors import LeaseLost
from protocol.messages import Heartbeat, RenewedLease, RestoreAccess, StorageAccess, StorageAddress, StorageProfile
from tests.parts.ports import free_port
from vault.errors import BackupError

ADDRESS = StorageAddress(host="127.0.0.1", port=21, user="u", password="p", base="", tls=False)
STORAGE = StorageAccess(address=ADDRESS, profile=StorageProfile())


class Clocks:
    """Two clocks that are set by hand."""

    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.awake = 50.0

    def pass_time(self, seconds: float) -> None:
        """The computer is awake."""
        self.wall += seconds
        self.awake += seconds

    def sleep(self, seconds: float) -> None:
        """The computer sleeps."""
        self.wall += seconds

    def watch(self) -> SleepWatch:
        """A watch that looks at them."""
        return SleepWatch(lambda: self.wall, lambda: self.awake)


def test_f10_sleep_is_told_from_work_and_from_a_clock_that_was_set() -> None:
    clocks = Clocks()
    watch = clocks.watch()
    clocks.pass_time(3_600)
    assert watch.slept() == 0.0
    clocks.sleep(3_600)
    clocks.pass_time(4)
    assert watch.slept() == 3_600
    assert watch.slept() == 0.0
    clocks.sleep(59)
    assert watch.slept() == 0.0
    clocks.sleep(59)
    assert watch.slept() == 0.0
    clocks.sleep(-7_200)
    assert watch.slept() == 0.0
    clocks.sleep(61)
    assert watch.slept() == 61


class Run:
    """What a heart asks of a run, counted."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.refusal: LeaseLost | None = None
        self.beaten = threading.Event()

    def heartbeat(self, progress: Heartbeat) -> RenewedLease:
        self.done.append("beat")
        self.beaten.set()
        if self.refusal is not None:
            raise self.refusal
        return RenewedLease(lease="next", storage=STORAGE)

    def drop_connections(self) -> None:
        self.done.append("drop connections")

    def renew(self, access: StorageAccess) -> None:
        self.done.append("renew")

    def drop_sessions(self) -> None:
        self.done.append("drop sessions")


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_f10_a_heart_drops_what_was_open_and_renews_the_lease_as_soon_as_the_computer_wakes() -> None:
    clocks, run, slept = Clocks(), Run(), list[float]()
    heart = Heart(run, run, 60.0, Heartbeat, woke=slept.append, watch=clocks.watch(),  # type: ignore[arg-type]
                  look=0.01)
    clocks.pass_time(30)
    time.sleep(0.1)
    assert run.done == []
    clocks.sleep(7_200)
    wait_for(lambda: "renew" in run.done)
    assert run.done == ["drop sessions", "drop connections", "beat", "renew"]
    assert slept == [7_200]
    run.done.clear()
    clocks.pass_time(59)
    time.sleep(0.1)
    assert run.done == []
    clocks.pass_time(1)
    wait_for(lambda: "renew" in run.done)
    assert run.done == ["beat", "renew"]
    heart.check()
    heart.stop()


def test_f10_a_lease_that_lapsed_during_the_sleep_ends_the_run() -> None:
    clocks, run = Clocks(), Run()
    run.refusal = LeaseLost()
    heart = Heart(run, run, 60.0, Heartbeat, watch=clocks.watch(), look=0.01)  # type: ignore[arg-type]
    clocks.sleep(86_400)
    heart.join(5)
    assert not heart.is_alive()
    with pytest.raises(LeaseLost):
        heart.check()


def test_a_heart_that_looks_seldom_beats_in_time_all_the_same() -> None:
    run = Run()
    heart = Heart(run, run, 0.02, Heartbeat)  # type: ignore[arg-type]
    wait_for(lambda: run.done.count("beat") >= 3)
    heart.stop()


def test_sessions_are_replaced_after_a_sleep_and_not_before() -> None:
    access = VaultAccess(RestoreAccess(
        vault="00000000-0000-0000-0000-000000000007", vault_key=bytes(64), key_version=1,
        storage=msgspec.structs.replace(STORAGE, address=msgspec.structs.replace(ADDRESS, port=free_port())),
    ))
    storage = access.open()
    connection = storage._connection  # type: ignore[attr-defined]

    class Session:
        moved, closed, dead = 0, False, False

        def close(self) -> None:
            self.closed = True

    connection.session = session = Session()
    connection._opened = connection._used = access._clock()
    assert connection._connected() is session
    access.drop_sessions()
    with pytest.raises(BackupError):  # nobody listens at that port
        connection._connected()
    assert session.closed
