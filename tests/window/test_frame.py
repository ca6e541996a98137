"""The window itself: one at a time, quick, slim, quiet, ruled by keys, and never at a loss for words."""
from __future__ import annotations

import _tkinter
import json
import os
import subprocess
import sys
import time
import tkinter as tk
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tktooltip import ToolTip

from client.gui import theme
from client.gui.tooltips import DELAY
from client.gui.widgets import Button
from tests.parts.house import Computer, House
from tests.parts.window import Hand, Screen
from tests.window.conftest import Open

FIRST_PAINT = 0.5
"""Seconds of computing until something is seen; the clock on the wall also counts what else the machine does."""
MEMORY = 45_000_000
NEVER_LOADED = {"psutil", "cryptography", "zstandard", "ftputil", "xmlschema", "http.client", "asyncio", "urllib3",
                "multiprocessing", "email"}
LOADED = """
import json, sys
from client.cli import main
import client.gui.app as app
class Told(app.Window):
    def __init__(self, *words, **how):
        super().__init__(*words, **how)
        self.after(int(sys.argv.pop()), self.tell)
    def tell(self):
        print(json.dumps(sorted(sys.modules)), flush=True)
        self.close()
app.Window = Told
sys.exit(main(sys.argv[1:3]))
"""


@contextmanager
def started(computer: Computer, on: Screen, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """The window as a process of its own."""
    environment = os.environ | {"DISPLAY": on.display}
    with subprocess.Popen(computer.command(*words), env=environment, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.terminate()
            assert process.wait(10) == 0, "a window that is told to end closes itself"


def memory_of(pid: int) -> int:
    """Resident bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def processor_of(pid: int) -> float:
    """Seconds that it has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tips(hand: Hand) -> list[tk.Misc]:
    """The tips that are shown."""
    children = hand.window.winfo_children()
    return [child for child in children if isinstance(child, tk.Toplevel) and child.winfo_ismapped()]


def wait_for_paint(on: Screen) -> None:
    """Until the screen is no longer black."""
    until = time.monotonic() + 20
    while on.is_blank():
        assert time.monotonic() < until
        time.sleep(0.005)


def test_it_is_slim_and_does_nothing_when_idle(house: House, a_screen: Screen) -> None:
    computer = house.computer()
    computer.must_back_up()
    with started(computer, a_screen) as process:
        wait_for_paint(a_screen)
        time.sleep(4)
        before = processor_of(process.pid)
        time.sleep(5)
        assert processor_of(process.pid) - before <= 0.05
        assert memory_of(process.pid) <= MEMORY


def test_its_first_paint_comes_at_once(house: House, a_screen: Screen) -> None:
    computer = house.computer()
    with started(computer, a_screen) as process:
        wait_for_paint(a_screen)
        assert processor_of(process.pid) <= FIRST_PAINT


def test_it_loads_nothing_of_what_only_jobs_need(house: House, a_screen: Screen) -> None:
    computer = house.computer()
    done = subprocess.run(
        [sys.executable, "-c", LOADED, "--home", str(computer.home), "2500"], capture_output=True, text=True,
        check=False, env=os.environ | {"DISPLAY": a_screen.display})
    assert done.returncode == 0, done.stderr
    assert NEVER_LOADED.intersection(json.loads(done.stdout)) == set()


def test_a_second_window_says_so_and_brings_the_first_to_the_front(house: House, a_screen: Screen) -> None:
    computer = house.computer()
    with started(computer, a_screen):
        wait_for_paint(a_screen)
        second = computer.run_apart(DISPLAY=a_screen.display)
        second.must_say(1, "IBS-9210")
        until = time.monotonic() + 10
        while (computer.home / "window.raise").exists():
            assert time.monotonic() < until, "the first window does not look"
            time.sleep(0.05)


def test_it_says_so_where_there_is_no_screen(house: House) -> None:
    computer = house.computer(enrolled=False)
    computer.run_apart(DISPLAY="").must_say(1, "IBS-9209")
    computer.run_apart(DISPLAY=":4711").must_say(1, "IBS-9209")


def test_it_opens_where_it_was_closed_and_never_outside_the_screen(open_window: Open, tmp_path: Path) -> None:
    hand = open_window(tmp_path)
    hand.resize(700, 520)
    hand.window.geometry("+40+30")
    hand.rest(0.3)
    hand.window.close()
    again = open_window(tmp_path).window
    assert (again.winfo_width(), again.winfo_height(), again.winfo_rootx(), again.winfo_rooty()) == (700, 520, 40, 30)
    again.close()
    (tmp_path / "window.xml").write_text('<window width="9000" height="700" left="-500" top="9999" largest="false"/>')
    far = open_window(tmp_path).window
    far.update()
    assert (far.winfo_rootx(), far.winfo_width()) == (0, 1100)
    assert far.winfo_rooty() + far.winfo_height() <= 720
    far.close()
    (tmp_path / "window.xml").write_text("<window width='&bomb;'>")
    assert open_window(tmp_path).window.winfo_width() == 960


def test_keys_alone_lead_everywhere(house: House, open_window: Open) -> None:
    hand = open_window(house.computer())
    hand.wait_for("Not backed up yet")
    for key, sign in (("f", "Each of these is backed up"), ("h", "Last backups"), ("s", "About this computer")):
        hand.press(f"alt+{key}")
        hand.wait_for(sign)
    hand.press("alt+f")
    seen = []
    for _ in range(14):
        hand.press("Tab")
        widget = hand.window.focus_get()
        assert widget is not None
        assert widget.winfo_ismapped()
        seen.append(str(widget))
    assert len(set(seen)) >= 9
    hand.press("shift+Tab")
    assert str(hand.window.focus_get()) == seen[-2]


def test_the_focus_can_be_seen_and_its_tip_read(house: House, open_window: Open) -> None:
    hand = open_window(house.computer())
    hand.wait_for("Not backed up yet")
    before = hand.photograph("focus-before").read_bytes()
    hand.find("Back up now").focus_set()
    hand.rest()
    assert hand.sees("Back the protected folders up now.")
    assert hand.photograph("focus-after").read_bytes() != before


def test_a_tip_appears_under_the_mouse_and_goes_with_escape(house: House, open_window: Open) -> None:
    hand = open_window(house.computer())
    button = hand.find("Back up now")
    hand._do("mousemove", str(button.winfo_rootx() + 20), str(button.winfo_rooty() + 10))
    hand.wait(lambda: tips(hand), "the tip")
    hand.photograph("tip")
    button.focus_set()
    hand.press("Escape")
    assert not tips(hand)


def test_a_tip_that_waits_goes_with_its_window(house: House, open_window: Open) -> None:
    computer = house.computer()
    hand = open_window(computer)
    button = hand.find("Back up now")
    hand._do("mousemove", str(button.winfo_rootx() + 20), str(button.winfo_rooty() + 10))
    hand.wait(lambda: any(isinstance(child, ToolTip) for child in hand.window.winfo_children()), "the tip to be made")
    until = time.monotonic() + 2 * DELAY
    interpreter = hand.window.tk
    hand.window.close()
    while time.monotonic() < until:
        interpreter.dooneevent(_tkinter.DONT_WAIT)
    assert not (computer.home / "technical.log").exists()


def test_a_narrow_window_has_a_menu_instead(house: House, open_window: Open) -> None:
    hand = open_window(house.computer())
    hand.wait_for("Not backed up yet")
    hand.resize(360, 480)
    assert "Folders" not in [text.strip() for text in hand.texts]
    hand.click("Menu")
    hand.photograph("menu")
    hand.click("Folders")
    hand.wait_for("Each of these is backed up")
    hand.press("alt+m", "Escape")
    assert "Settings" not in [text.strip() for text in hand.texts]
    hand.resize(900, 600)
    assert "Settings" in [text.strip() for text in hand.texts]


def test_what_nobody_expected_becomes_a_sentence_with_a_reference(house: House, open_window: Open) -> None:
    hand = open_window(house.computer())

    def break_down() -> None:
        raise ZeroDivisionError("secret detail")

    Button(hand.window.page, "Break", break_down).pack(before=hand.window.page.winfo_children()[0])  # type: ignore[arg-type]
    hand.click("Break")
    hand.wait_for("Something went wrong on our side. Earlier backups are safe. Reference ")
    hand.photograph("unexpected")
    assert hand.sees("IBS-9205")
    assert not hand.sees("secret detail")
    log = hand.window.home / "technical.log"
    assert "ZeroDivisionError: secret detail" in log.read_text()
    log.unlink()
    hand.click("Close")
    assert not hand.sees("IBS-9205")


def test_in_high_contrast_only_the_systems_colours_are_used(house: House, open_window: Open) -> None:
    computer = house.computer()
    computer.must_back_up()
    hand = open_window(computer, contrast=True)
    hand.wait_for("Your files are protected")
    hand.photograph("contrast")
    assert theme.palette().plain
    colours = {str(widget.cget("background")) for widget in hand.widgets if isinstance(widget, tk.Canvas)}
    assert colours <= {"#ffffff", "#000000"}
    for page in ("folders", "home"):
        hand.window.show(page)
        hand.rest(1)
        assert hand.cut_off() == []


@pytest.mark.parametrize("name", ["home", "folders", "restore", "activity", "settings"])
def test_no_two_things_share_an_alt_key(name: str, house: House, open_window: Open) -> None:
    hand = open_window(house.computer())
    hand.window.show(name)
    hand.rest(1.5)
    letters: dict[str, list[str]] = {}
    for widget in hand.widgets:
        if widget.winfo_class() in {"TButton", "TCheckbutton", "TRadiobutton", "TLabel"}:
            text, place = str(widget.cget("text")), int(widget.cget("underline"))
            if 0 <= place < len(text):
                letters.setdefault(text[place].lower(), []).append(text)
    assert {letter: texts for letter, texts in letters.items() if len(texts) > 1} == {}


MOVING = """
import _tkinter, time
from client.gui import styles, theme
from client.gui.root import Root
from client.gui.widgets import Progress
root = Root()
theme.prepare(root, contrast=False, dpi=96)
styles.apply(root)
bar = Progress(root)
bar.pack()
bar.configure(mode="indeterminate")
bar.start(40)
for _ in range(20):
    root.update()
    time.sleep(0.01)
root.destroy()
for _ in range(20):
    root.tk.dooneevent(_tkinter.DONT_WAIT)
    time.sleep(0.01)
"""


def test_a_bar_that_moves_by_itself_ends_with_the_window(a_screen: Screen) -> None:
    ended = subprocess.run([sys.executable, "-c", MOVING], capture_output=True, text=True, check=False,
                           env=os.environ | {"DISPLAY": a_screen.display})
    assert (ended.returncode, ended.stderr) == (0, "")
