"""A computer that falls asleep in the middle of a backup, with the lid of a laptop or for the night, and wakes up."""
from __future__ import annotations

import json
from pathlib import Path

import pytest

from client.run import heart
from client.run.sleep import SleepWatch
from tests.parts.house import Computer, House
from tests.parts.trees import noise, picture, write


class OneNight(SleepWatch):
    """A watch on a computer that sleeps for eight hours as soon as a run has stored two packs."""

    computer: Computer
    over = False
    torn: Path | None = None
    tears = False

    def slept(self) -> float:
        packs = self.computer.packs()
        if type(self).over or len(packs) < 2:
            return super().slept()
        type(self).over = True
        if self.tears:  # the storage said “stored”, and its power failed in the same night
            packs[-1].write_bytes(packs[-1].read_bytes()[:1000])
            type(self).torn = packs[-1]
        self._wall -= 8 * 3600.0
        return super().slept()


@pytest.fixture
def computer(house: House, monkeypatch: pytest.MonkeyPatch) -> Computer:
    """A computer with enough to store for a night to come in between."""
    computer = house.computer(house.sell("alice"))
    computer.use_small_packs()
    for number in range(14):
        write(computer.source / f"film {number:02}", noise(1_000_000, number))
    monkeypatch.setattr(OneNight, "computer", computer, raising=False)
    monkeypatch.setattr(OneNight, "over", False)
    monkeypatch.setattr(OneNight, "tears", False)
    monkeypatch.setattr(heart, "SleepWatch", OneNight)
    monkeypatch.setitem(heart.Heart.__init__.__kwdefaults__, "look", 0.02)
    return computer


def notices(ended: str) -> list[str]:
    return [event["text"] for event in map(json.loads, ended.splitlines()) if event["event"] == "notice"]


def test_f10_a_backup_goes_on_where_the_night_interrupted_it(computer: Computer) -> None:
    before = picture(computer.source)
    ended = computer("backup", "--events")
    assert ended.code == 0, ended
    assert OneNight.over
    assert "The computer slept for 480 min. The backup goes on." in notices(ended.said)
    assert [state for _, state, _ in computer.runs()] == ["committed"]
    assert picture(computer.must_restore(1)) == before
    assert "slept for 480 min" in computer("log").said


def test_f12_a_pack_that_the_night_cost_is_found_before_the_commit_and_stored_again(
    computer: Computer, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(OneNight, "tears", True)
    before = picture(computer.source)
    ended = computer("backup", "--events")
    assert ended.code == 0, ended
    assert OneNight.torn is not None
    assert any("damaged" in text for text in notices(ended.said))
    assert [(state, code) for _, state, code in computer.runs()] == [("failed", "IBS-5105"), ("committed", "")]
    assert picture(computer.must_restore(computer.snapshots()[-1])) == before
