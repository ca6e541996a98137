"""The window's place, its pictures and its words for numbers and times, without a display."""
from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from client.gui.drawing import Area, Box, Disc, Stroke, draw_box, draw_icon
from client.gui.placement import Placement, load_placement, save_placement
from client.gui.presenters import words
from client.store.documents import load_schema

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def pixels(png: bytes) -> tuple[int, list[bytes]]:
    """(bytes a pixel, rows) of a picture."""
    head = png[16:29]
    width, height, depth = struct.unpack(">IIB", head[:9])
    assert depth == 8
    each = 4 if head[9] == 6 else 3
    length = struct.unpack(">I", png[33:37])[0]
    raw = zlib.decompress(png[41 : 41 + length])
    line = width * each + 1
    return each, [raw[at * line + 1 : (at + 1) * line] for at in range(height)]


def test_where_the_window_stood_is_kept_as_its_description_says(tmp_path: Path) -> None:
    save_placement(tmp_path, Placement(700, 520, 40, 30))
    load_schema("window").validate(str(tmp_path / "window.xml"))
    assert load_placement(tmp_path) == Placement(700, 520, 40, 30)


@pytest.mark.parametrize("text", ["", "<window", "<other/>", "<window width='wide'/>", "<!DOCTYPE x><window/>"])
def test_a_damaged_place_is_no_trouble(text: str, tmp_path: Path) -> None:
    (tmp_path / "window.xml").write_text(text)
    assert load_placement(tmp_path) == Placement()


def test_a_window_is_never_larger_than_its_screen_nor_beside_it() -> None:
    assert Placement(9000, 9000, -50, 4000).within(1366, 768) == Placement(1366, 768, 0, 0)
    assert Placement(900, 600, 1200, 700).within(1366, 768) == Placement(900, 600, 466, 168)
    assert Placement().within(320, 240) == Placement(360, 480)


def test_a_box_is_round_at_its_corners_and_filled_inside() -> None:
    each, rows = pixels(draw_box(Box(0, 6), ground="#ffffff", fill="#000000"))
    size = len(rows)
    assert rows[0][:each] == b"\xff\xff\xff"
    assert rows[size // 2][: each] == b"\x00\x00\x00"
    assert 0 < rows[1][2 * each] < 255
    assert rows == rows[::-1]


def test_a_ring_stands_around_its_box_with_a_gap() -> None:
    each, rows = pixels(draw_box(Box(4, 6, 1, 2), ground="#ffffff", fill="#000000", ring="#0000ff"))
    middle = rows[len(rows) // 2]
    seen = [middle[at * each : at * each + 3] for at in range(5)]
    assert seen == [b"\x00\x00\xff", b"\x00\x00\xff", b"\xff\xff\xff", b"\xff\xff\xff", b"\x00\x00\x00"]


@pytest.mark.parametrize("size", [16, 18, 50, 100])
def test_an_icon_covers_as_much_at_every_resolution(size: int) -> None:
    each, rows = pixels(draw_icon(size, [("#ff0000", [Disc(12, 12, 9)])]))
    covered = sum(row[at] for row in rows for at in range(3, len(row), each)) / 255
    assert covered / size**2 == pytest.approx(3.14159 * 81 / 576, rel=0.02)


def test_strokes_that_cross_are_not_counted_twice() -> None:
    each, rows = pixels(draw_icon(24, [("#ff0000", [Stroke(((4, 12), (20, 12)), 4), Stroke(((12, 4), (12, 20)), 4),
                                                    Area(((8, 8), (16, 8), (16, 16), (8, 16)))])]))
    assert max(row[at] for row in rows for at in range(3, len(row), each)) == 255
    assert rows[12][12 * each : 13 * each] == b"\xff\x00\x00\xff"
    assert rows[0] == bytes(24 * each)


@pytest.mark.parametrize(("number", "text"), [
    (0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (9_949, "9.9 kB"), (42_000_000, "42 MB"),
    (999_600, "1.0 MB"), (3_200_000_000, "3.2 GB"), (5 * 10**18, "5.0 EB"),
])
def test_sizes_are_worded_as_on_the_portals_pages(number: int, text: str) -> None:
    assert words.size(number) == text


def test_times_are_told_from_where_the_reader_stands() -> None:
    assert words.day(NOW, NOW) == "today"
    assert words.day(NOW - timedelta(days=1), NOW) == "yesterday"
    assert words.day(NOW + timedelta(days=1), NOW) == "tomorrow"
    assert words.day(NOW - timedelta(days=20), NOW) == "3 Nov"
    assert words.day(NOW - timedelta(days=400), NOW) == "19 Oct 2025"
    assert words.stamp(NOW, NOW).startswith("Today ")
    assert words.ago(NOW - timedelta(minutes=12), NOW) == "12 minutes ago"
    assert words.ago(NOW, NOW) == "just now"
    assert [words.left(seconds) for seconds in (20, 130, 9_000)] == [
        "less than a minute left", "about 2 minutes left", "about 2 hours left"]
    assert [words.took(seconds) for seconds in (8, 252, 7_500)] == ["8 s", "4 min 12 s", "2 h 5 min"]


def test_names_are_shown_so_that_they_harm_nothing() -> None:
    assert words.readable("a\nb\udc80") == "a\\nb\\udc80"
    assert [words.name_of(path) for path in ("/home/p/Docs/", "C:\\Users\\P", "C:\\", "/")] == [
        "Docs", "P", "C:", "/"]
    assert words.read_moment("nonsense") is None
    assert words.read_moment(None) is None
