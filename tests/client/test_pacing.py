"""The speed limit: what a real FTP server receives each second, alone and from several connections at once."""
from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from datetime import time as wall_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.run.pacing import SpeedLimiter
from client.schedules.limits import SpeedLimit, by_the_clock
from tests.parts.ftp_servers import FtpServer
from vault.address import Profile
from vault.ftp import FtpStorage


class Clock:
    """Time that passes only while somebody waits, and a little with every look."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 1e-6
        return self.now

    def wait(self, seconds: float) -> None:
        assert 0 < seconds <= 0.25
        self.now += seconds


@given(st.integers(10_000, 50_000_000), st.lists(st.integers(1, 300_000), min_size=1, max_size=60))
def test_whatever_the_pieces_no_more_is_sent_than_the_limit_allows(rate: int, sizes: list[int]) -> None:
    clock = Clock()
    limiter = SpeedLimiter(lambda: rate, clock=clock, wait=clock.wait)
    begun = clock.now
    for size in sizes:
        limiter(size)
    took = clock.now - begun
    assert sum(sizes) / rate <= took + 1e-3
    assert took <= sum(sizes) / rate + 0.5


def test_a_quiet_hour_saves_nothing_up() -> None:
    clock = Clock()
    limiter = SpeedLimiter(lambda: 100_000, clock=clock, wait=clock.wait)
    clock.now += 3600
    begun = clock.now
    for _ in range(10):
        limiter(100_000)
    assert clock.now - begun > 9.5


def test_a_limit_that_begins_or_ends_while_somebody_waits_holds_at_once() -> None:
    clock = Clock()
    rates: list[int | None] = [10_000]
    limiter = SpeedLimiter(lambda: rates[0] if clock.now < 105 else None, clock=clock, wait=clock.wait)
    limiter(10_000_000)
    assert 105 <= clock.now < 105.5
    limiter(10_000_000)
    assert clock.now < 105.5


def test_a_run_that_is_to_end_waits_no_longer() -> None:
    ended = threading.Event()
    limiter = SpeedLimiter(lambda: 10_000, wait=ended.wait)
    threading.Timer(0.1, ended.set).start()
    begun = time.monotonic()
    limiter(10_000_000)
    assert time.monotonic() - begun < 2


def test_the_limit_follows_the_clock_on_the_wall() -> None:
    walls = iter([datetime(2026, 11, 23, 17, 59, 59), datetime(2026, 11, 23, 18)])
    ask: Callable[[], int | None] = by_the_clock(
        [SpeedLimit(500_000, wall_time(8), wall_time(18))], lambda: next(walls))
    assert ask() == 500_000
    assert ask() is None


@pytest.mark.parametrize("threads", [1, 4])
def test_connections_share_one_limit(threads: int) -> None:
    limiter = SpeedLimiter(lambda: 2_000_000)
    begun = time.monotonic()

    def send() -> None:
        for _ in range(40 // threads):
            limiter(64 << 10)

    workers = [threading.Thread(target=send) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    speed = 40 * (64 << 10) / (time.monotonic() - begun)
    assert 1_800_000 <= speed <= 2_200_000


def received(server: FtpServer) -> int:
    """Bytes that lie on the server's disk."""
    return sum(server.files().values())


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("kind", ["vsftpd", "pyftpdlib"])
def test_a_real_server_receives_what_the_limit_allows_within_a_tenth(
    start_ftp: Callable[..., FtpServer], kind: str, tls: bool,
) -> None:
    server = start_ftp(kind, tls=tls)
    limiter = SpeedLimiter(lambda: 1_500_000)
    with FtpStorage(server.address(), "vault", pace=limiter) as storage:
        storage.put_small("warm", b"connected, signed in")
        begun = time.monotonic()
        for number in range(6):
            storage.put_new(f"packs/{number}.pack", bytes(1_000_000))
        speed = received(server) / (time.monotonic() - begun)
    assert 1_350_000 <= speed <= 1_650_000


def test_the_speed_changes_with_the_time_of_day_while_an_upload_runs(start_ftp: Callable[..., FtpServer]) -> None:
    """At “18:00”, two seconds after the beginning, the limit of the office hours ends and that of the night begins."""
    server = start_ftp("pyftpdlib", tls=False)
    begun = time.monotonic()

    def wall() -> datetime:
        return datetime(2026, 11, 23, 17, 59, 58) + timedelta(seconds=time.monotonic() - begun)

    limits = [SpeedLimit(500_000, wall_time(8), wall_time(18)), SpeedLimit(2_000_000, wall_time(18), wall_time(8))]
    limiter = SpeedLimiter(by_the_clock(limits, wall))
    seen: list[tuple[float, int]] = []

    def pace(size: int) -> None:
        limiter(size)
        seen.append((time.monotonic() - begun, size))

    with FtpStorage(server.address(), "vault", pace=pace) as storage:
        storage.put_new("packs/1.pack", bytes(5_000_000))
    slow = sum(size for moment, size in seen if 0.3 <= moment < 1.8) / 1.5
    fast = [size for moment, size in seen if 2.3 <= moment < 3.8]
    assert 450_000 <= slow <= 550_000
    assert 1_800_000 <= sum(fast) / 1.5 <= 2_200_000


def test_small_objects_count_as_well(start_ftp: Callable[..., FtpServer]) -> None:
    server = start_ftp("pyftpdlib", tls=False)
    limiter = SpeedLimiter(lambda: 200_000)
    with FtpStorage(server.address(), "vault", Profile(pipelined=True), pace=limiter) as storage:
        storage.put_small("warm", b"connected")
        begun = time.monotonic()
        for number in range(10):
            storage.put_new(f"packs/{number}.pack", bytes(40_000))
        assert time.monotonic() - begun > 1.6
