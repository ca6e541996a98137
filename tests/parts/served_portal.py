"""A portal that is served to real browsers, with a session for each of its people."""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from flask import Flask
from playwright.sync_api import Browser

from server.app import create_app
from server.config import Config
from server.extensions import db, limiter
from tests.parts.chromium import Window, window
from tests.parts.pages import browse
from tests.parts.passwords import cheap_passwords
from tests.parts.portal_world import PortalWorld
from tests.parts.routes import PEOPLE, address_of, pages_for, words_of
from tests.parts.web_server import serve

Objects = dict[str, object]


@dataclass
class ServedPortal:
    """A portal that is served; `objects` fill the words of its addresses, `cookies` are the sessions of its people."""

    address: str
    objects: Objects
    cookies: dict[str, str]

    def pages(self, person: str) -> list[str]:
        """Every page that this person has and this portal has an object for."""
        return [address_of(rule, self.objects) for rule in pages_for(person) if words_of(rule) <= self.objects.keys()]

    @contextlib.contextmanager
    def opened(self, browser: Browser, person: str, width: int, *, dark: bool = False) -> Iterator[Window]:
        """A window in which this person is signed in."""
        with window(browser, self.address, width=width, dark=dark) as seen:
            if self.cookies[person]:
                seen.page.context.add_cookies(
                    [{"name": "session", "value": self.cookies[person], "url": self.address}])
            yield seen


@contextlib.contextmanager
def served_portal(config: Config, furnish: Callable[[PortalWorld], Objects]) -> Iterator[ServedPortal]:
    """The portal of a database without rows: the usual people, and what `furnish` adds, which names its objects."""
    app = create_app(config)
    with cheap_passwords(), pytest.MonkeyPatch.context() as patch, app.app_context():
        patch.setattr(limiter, "enabled", False)
        objects = furnish(PortalWorld(config, datetime.now(UTC)))
        cookies = {person: _cookie(app, name) for person, name in PEOPLE.items()}
        try:
            with serve(app) as (host, port):
                yield ServedPortal(f"http://{host}:{port}", objects, cookies)
        finally:
            db.session.remove()
            db.engine.dispose()


def _cookie(app: Flask, name: str) -> str:
    found = browse(app, name).get_cookie("session") if name else None
    return found.value if found else ""
