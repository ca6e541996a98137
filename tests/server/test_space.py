"""The ledger of the bundled storage: what each vault holds, and what may still come."""
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from server.services.storage.space import RECOUNT_SECONDS, SPARE, SpaceLedger


class Portal:
    """Answers what a vault may hold, and counts how often it was asked."""

    def __init__(self, allowed: int) -> None:
        self.allowed, self.asked, self.broken, self.now = allowed, 0, False, 1000.0

    def allowance(self, vault: str) -> int:
        self.asked += 1
        if self.broken:
            raise OperationalError("SELECT", {}, Exception("gone away"))
        return self.allowed


@pytest.fixture
def portal() -> Portal:
    return Portal(1000)


@pytest.fixture
def ledger(tmp_path: Path, portal: Portal) -> SpaceLedger:
    """A ledger over a folder in which vault "v" holds 300 bytes of packs and 50 of manifests."""
    for name, size in (("p/00/000/1.ibp", 100), ("p/00/001/2.ibp", 200), ("s/00/000/1.ibm", 40), ("k.key", 10)):
        (tmp_path / "v" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "v" / name).write_bytes(bytes(size))
    return SpaceLedger(tmp_path, portal.allowance, lambda: portal.now)


def room(reserve: Callable[[int], bool]) -> int:
    """The largest amount that fits, found by halving; nothing stays reserved but that amount."""
    taken, step = 0, 1 << 40
    while step:
        if reserve(step):
            taken += step
        else:
            step //= 2
    return taken


def test_what_lies_on_the_disk_counts(ledger: SpaceLedger) -> None:
    assert room(lambda amount: ledger.reserve("v", "p", amount)) == 700
    assert room(lambda amount: ledger.reserve("new", "p", amount)) == 1000


def test_what_was_given_back_is_free_again(ledger: SpaceLedger) -> None:
    assert ledger.reserve("v", "p", 700)
    assert not ledger.reserve("v", "p", 1)
    ledger.release("v", "p", 300)
    assert room(lambda amount: ledger.reserve("v", "p", amount)) == 300


def test_manifests_have_room_when_the_packs_have_none(ledger: SpaceLedger) -> None:
    assert ledger.reserve("v", "p", 700)
    assert room(lambda amount: ledger.reserve("v", "s", amount)) == 1000 // 8 + SPARE - 50
    assert not ledger.reserve("v", "ibs-vault.json", 1)


def test_a_new_quota_is_known_within_ten_seconds(ledger: SpaceLedger, portal: Portal) -> None:
    for _ in range(100):
        ledger.reserve("v", "p", 1)
    assert portal.asked == 1
    portal.allowed, portal.now = 350, portal.now + 10.1
    assert not ledger.reserve("v", "p", 1)
    portal.allowed, portal.now = 5000, portal.now + 10.1
    assert ledger.reserve("v", "p", 4000)


def test_what_the_portal_deleted_is_noticed_within_an_hour(ledger: SpaceLedger, portal: Portal, tmp_path: Path) -> None:
    assert not ledger.reserve("v", "p", 800)
    (tmp_path / "v" / "p/00/001/2.ibp").unlink()
    portal.now += RECOUNT_SECONDS + 1
    assert ledger.reserve("v", "p", 800)


def test_without_an_answer_the_last_one_holds_and_strangers_get_nothing(ledger: SpaceLedger, portal: Portal) -> None:
    assert ledger.reserve("v", "p", 100)
    portal.broken, portal.now = True, portal.now + 60
    assert ledger.reserve("v", "p", 600)
    assert not ledger.reserve("v", "p", 1)
    assert not ledger.reserve("stranger", "p", 1)
