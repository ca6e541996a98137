"""Debian's Chromium, driven through Playwright, and what it must never report about a page."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

PROGRAM = "/usr/bin/chromium"
SWITCHES = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]
ANSWERED = "the server responded with a status of"
_running: list[Browser] = []


@dataclass
class Window:
    """A page of a browser; `complaints` are its console errors, policy violations and failed requests."""

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        """Open a page of the portal."""
        self.page.goto(self.address + path)

    def sign_in(self, name: str, password: str) -> None:
        """Fill in the form and send it, with the keyboard alone."""
        self.go("/sign-in")
        self.page.locator("#name").focus()
        self.page.keyboard.type(name)
        self.page.keyboard.press("Tab")
        self.page.keyboard.type(password)
        self.page.keyboard.press("Enter")
        self.page.locator(".who").wait_for(state="attached")

    def sideways(self) -> int:
        """Pixels by which the page is wider than its window; waits until it is there, as a click may lead to it."""
        self.page.wait_for_load_state()
        return int(self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and ANSWERED not in message.text:
            self.complaints.append(message.text)

    def _miss(self, request: Request) -> None:
        if "ERR_ABORTED" not in (request.failure or ""):  # a download aborts the page's navigation
            self.complaints.append(f"{request.url}: {request.failure}")


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a screen; while one is running, the same one."""
    if _running:
        yield _running[0]
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=SWITCHES)
        _running.append(browser)
        try:
            yield browser
        finally:
            _running.clear()
            browser.close()


@contextlib.contextmanager
def window(browser: Browser, address: str, *, width: int = 1280, dark: bool = False) -> Iterator[Window]:
    """A new window without cookies on the portal at `address`."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light", accept_downloads=True)
    found = Window(context.new_page(), address)
    found.page.on("console", found._hear)
    found.page.on("requestfailed", found._miss)
    try:
        yield found
    finally:
        context.close()
