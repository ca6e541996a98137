"""The progress of a backup in words: events in, a card out, without a display and without a clock."""
from __future__ import annotations

from datetime import UTC, datetime

from client.events import (
    Begun,
    Cancelled,
    Event,
    Failed,
    FileSkipped,
    Finished,
    Interrupted,
    Paused,
    Progress,
    Resumed,
    Started,
)
from client.gui.presenters.progress import (
    RunState,
    after_event,
    after_events,
    describe_end,
    describe_progress,
    share_of,
)

BEGUN = Begun("backup", 17, "2026-11-23T12:00:00Z", files=100, bytes=1_000_000)
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def run_of(*events: Event) -> RunState:
    """The state after these events, a second apart."""
    state = RunState()
    for at, event in enumerate(events):
        state = after_event(state, event, float(at))
    return state


def test_it_follows_a_run_from_the_portals_answer_to_its_end() -> None:
    assert describe_progress(run_of(BEGUN)).title == "Asking the portal…"
    state = run_of(BEGUN, Started(4), Progress(10, 100_000, 0, "/home/priya/a.txt"),
                   Progress(50, 600_000, 200_000, "/home/priya/Invoices 2026.xlsx"))
    view = describe_progress(state)
    assert view.title == "Backing up: 55 %"
    assert view.current == "“Invoices 2026.xlsx”"
    assert view.figures == "50 files · 600 kB · 200 kB sent · 500 kB/s · less than a minute left"
    assert (view.can_pause, view.can_cancel, view.pause_word) == (True, True, "Pause")


def test_it_knows_no_share_of_a_first_backup() -> None:
    state = run_of(Begun("backup", 17, "…"), Started(1), Progress(3, 900, 0, "x"))
    assert share_of(state) is None
    assert describe_progress(state).title == "Backing up"


def test_it_never_says_hundred_percent_before_the_end() -> None:
    state = run_of(BEGUN, Started(4), Progress(1_000, 9_000_000, 0, "x"))
    assert share_of(state) == 0.99
    assert "left" not in describe_progress(state).figures


def test_it_shows_what_was_wished_until_the_run_has_heard_of_it() -> None:
    state = run_of(BEGUN, Started(4))
    asked = RunState(**{**vars(state), "wished": "pause"})
    assert describe_progress(asked).title == "Pausing…"
    assert not describe_progress(asked).can_pause
    paused = after_event(asked, Paused(), 9.0)
    assert describe_progress(paused).title.startswith("Paused.")
    assert describe_progress(paused).pause_word == "Go on"
    assert not after_event(paused, Resumed(), 10.0).paused


def test_a_pause_makes_no_backup_slower() -> None:
    state = after_events(run_of(BEGUN, Started(4)), [Progress(1, 100_000, 0), Progress(2, 200_000, 0)], 3.0)
    state = after_event(state, Progress(3, 600_000, 0), 4.0)
    fast = state.speed
    state = after_event(after_event(state, Paused(), 5.0), Resumed(), 5_000.0)
    state = after_event(state, Progress(4, 600_100, 0), 5_000.2)
    state = after_event(state, Progress(5, 700_100, 0), 5_000.4)
    assert state.speed >= fast * 0.8


def test_it_counts_what_is_skipped() -> None:
    state = run_of(BEGUN, Started(4), FileSkipped("/a", "IBS-4101", "open"), FileSkipped("/b", "IBS-4101", "open"))
    assert describe_progress(state).figures.endswith("2 skipped")


def test_it_words_every_end() -> None:
    finished = Finished(4, 2148, 1, 1, 42_000_000, 0, 72.0)
    assert describe_end(finished, NOW) == ("ok", "Backup completed: 2,148 files, 42 MB sent, in 1 min 12 s.")
    assert describe_end(Finished(4, 1, 1, 1, 0, 2, 3.0), NOW) == (
        "warn", "Backup completed: 1 file, nothing had changed, in 3 s. 2 skipped.")
    assert describe_end(Cancelled(), NOW)[0] == "neutral"
    assert describe_end(Interrupted(), NOW)[0] == "warn"
    assert describe_end(Failed("IBS-2201", "Can't reach it."), NOW) == ("error", "Can't reach it.")


def test_a_new_run_begins_from_nothing() -> None:
    ended = run_of(BEGUN, Started(4), Progress(9, 9, 9, "x"), Cancelled())
    assert ended.end == Cancelled()
    assert not ended.running
    assert after_event(ended, BEGUN, 99.0).files == 0
