"""How the pages look: readable in light and dark, whole on a phone, nothing foreign, nothing missing."""
from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser

from server import pages
from server.extensions import db
from tests.parts.chromium import Window, window
from tests.parts.portal_world import PASSWORD, PortalWorld, days_ago
from tests.parts.web_server import serve

CHECKOUT = Path(__file__).resolve().parents[2]
THEME, PARTS = ((CHECKOUT / "static" / name).read_text() for name in ("theme.css", "parts.css"))
LONG = b"a very long name without end " * 8
pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def address(app: Flask, world: PortalWorld) -> Iterator[str]:
    """A portal with something of everything on its pages."""
    box = world.computer(world.owner, "FRONT")
    for ago in (400, 40, 9, 1):
        box.store({(b"home", b"alice", name): b"1" for name in (b"letter.txt", LONG, b"W" * 250)}
                  | {(b"home", b"alice", b"Archive"): None}, days_ago(ago), links=((b"home", b"link"),), skipped=2)
    box.end("failed", days_ago(0), "Can't reach the storage ftp.example.com: timed out. Your earlier backups are safe.")
    world.computer(world.second, "COMPUTER-WITH-A-VERY-LONG-NAME-WITHOUT-ANY-SPACE-IN-IT")
    world.second.accepts_backups = False
    db.session.commit()
    with serve(app) as (host, port):
        yield f"http://{host}:{port} {box.computer.id}"


def visit(opened: Window, name: str, computer: str) -> Iterator[str]:
    """Sign in as `name` and come by the pages that are hard to fit in; the page's name."""
    opened.go("/sign-in")
    yield "sign-in"
    opened.page.get_by_role("button", name="Sign in").click()
    yield "sign-in with empty fields"
    opened.sign_in(name, PASSWORD)
    yield "first page"
    for place in ("", "1/", "1/folder/home", "1/folder/home/alice", "1/folder/home/alice/Archive", "nothing-here"):
        opened.go(f"/files/{computer}/{place}")
        yield place or "calendar"


@pytest.mark.parametrize("name", ["alice.front", "admin@example.com", "bob"])
def test_no_page_is_wider_than_its_window_or_complained_about(browser: Browser, address: str, name: str) -> None:
    portal, _, computer = address.partition(" ")
    for width, dark in ((320, False), (360, True), (1280, False)):
        with window(browser, portal, width=width, dark=dark) as opened:
            for place in visit(opened, name, computer):
                assert opened.sideways() <= 0, (place, width)
                assert opened.complaints == [], (place, width)
                assert small_targets(opened) == [], (place, width)


def small_targets(opened: Window) -> list[str]:
    """Buttons that are too small for a finger."""
    found: list[str] = opened.page.evaluate(
        "Array.from(document.querySelectorAll('.btn, button, nav ul a, .month td a'))"
        ".map(one => [one, one.getBoundingClientRect()])"
        ".filter(([one, box]) => box.width && (box.width < 40 || box.height < 40))"
        ".map(([one]) => one.outerHTML)")
    return found


def test_the_keyboard_alone_leads_to_a_file(address: str, browser: Browser) -> None:
    with window(browser, address.partition(" ")[0]) as opened:
        opened.sign_in("alice.front", PASSWORD)
        keyboard = opened.page.keyboard
        keyboard.press("Tab")
        assert opened.page.evaluate("document.activeElement.textContent") == "Skip to the content"
        keyboard.press("Enter")
        for words in ("Restore files", "Open", "home", "alice", "Download letter.txt"):
            for _ in range(120):
                keyboard.press("Tab")
                label = opened.page.evaluate(
                    "(one => one.tagName == 'A' ? one.ariaLabel || one.textContent.trim() : '')"
                    "(document.activeElement)")
                if f"{label} ".startswith(f"{words} "):
                    break
            assert f"{label} ".startswith(f"{words} "), opened.page.url
            if words.startswith("Download"):
                with opened.page.expect_download() as started:
                    keyboard.press("Enter")
                assert started.value.suggested_filename == "letter.txt"
            else:
                with opened.page.expect_navigation():
                    keyboard.press("Enter")


def test_every_icon_that_a_template_names_is_in_the_sprite(database: str) -> None:
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (CHECKOUT / "static" / "vendor" / "icons.svg").read_text()))
    templates = [path.read_text() for path in (CHECKOUT / "templates").rglob("*.html")]
    words = re.compile(r"""["']([a-z0-9]+(?:-[a-z0-9]+)*)["']""")
    calls = re.compile(r"\b(?:icon|empty|counter|pill|button|link|send|ask|turn)\(.*")
    named = {name for text in templates for name in re.findall(r"""icon\(["']([a-z0-9-]+)["']\)""", text)}
    named |= {name for text in templates for name in re.findall(r"\('[a-z]+', '([a-z0-9-]+)'\)", text)}
    named |= {row[2] for row in (*pages.ADMINISTRATOR, *pages.IMPLEMENTOR, *pages.CUSTOMER, pages.HELP)}
    assert named <= sprite
    said = named | {word for text in templates for call in calls.findall(text) for word in words.findall(call)}
    assert len(sprite - said) < 40, "the sprite holds icons that no page names"


def test_no_template_holds_inline_code_or_style(database: str) -> None:
    for path in (CHECKOUT / "templates").rglob("*.html"):
        if path.parent.name == "mail":
            continue  # mail programs know no style sheets
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text), path
        assert "|safe" not in text.replace(" ", ""), path
        assert len(text.splitlines()) <= 120, path


def test_vendored_files_are_what_the_lock_names(database: str) -> None:
    subprocess.run([CHECKOUT / "script" / "vendor", "--check"], check=True)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb by WCAG's formula."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG's contrast of two colours."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def tokens() -> tuple[dict[str, str], dict[str, str]]:
    """The colours of the theme, light and dark."""
    light, dark = (dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block))
                   for block in re.findall(r":root \{(.*?)\}", THEME, re.DOTALL)[:2])
    return light, light | dark


TEXT = [("text", "canvas"), ("text", "card"), ("text", "heading"), ("quiet", "canvas"), ("quiet", "card"),
        ("quiet", "heading"), ("link", "card"), ("link", "canvas"), ("ok", "ok-back"), ("warn", "warn-back"),
        ("error", "error-back"), ("error", "card"), ("info", "info-back"), ("neutral", "neutral-back"),
        ("chosen", "chosen-back"), ("nav-text", "nav"), ("nav-foot", "nav"), ("disabled", "disabled-back"),
        ("text", "neutral-back"), ("link", "heading"), ("quiet", "neutral-back")]
CONTROLS = [("control", "card"), ("control", "canvas"), ("control", "heading"), ("link", "card"), ("link", "canvas"),
            ("nav-focus", "nav"), ("nav-focus", "nav-chosen"), ("link", "trough"), ("warn", "trough"),
            ("error", "trough"), ("ok", "card"), ("warn", "card"), ("info", "card"),
            *((f"series-{letter}", "card") for letter in "abcdef")]
BUTTONS = [*re.findall(r"--bs-btn(?:-hover|-active)?-bg: (#[0-9a-f]{6})", PARTS)]
"""The colours behind white words that are no tokens."""


def test_text_and_controls_have_contrast_in_light_and_dark(database: str) -> None:
    for colours in tokens():
        assert len(colours) >= 25
        weak = [(one, other) for one, other in TEXT if contrast(colours[one], colours[other]) < 4.5]
        weak += [(one, other) for one, other in CONTROLS if contrast(colours[one], colours[other]) < 3]
        assert weak == []
        assert len(BUTTONS) >= 3
        assert min(contrast("#ffffff", colour) for colour in BUTTONS) >= 4.5
        assert min(contrast("#ffffff", colours[name]) for name in ("accent", "hover", "pressed", "nav-chosen")) >= 4.5
