"""Every route asked as everybody: the table in tests/parts/routes.py lists each answer, and none is missing."""
from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from server.extensions import db, limiter
from server.submissions import new_token
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PortalWorld
from tests.parts.queries import MOST, count_queries
from tests.parts.routes import PEOPLE, ROUTES, SENT, address_of, answers, objects_of, pages_for, plain_rule

on_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
SAFE = {"GET", "HEAD", "OPTIONS"}


def routes_of(app: Flask) -> set[str]:
    """Every method and rule that the portal answers."""
    return {f"{method} {plain_rule(rule.rule)}" for rule in app.url_map.iter_rules()
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}


class Doors:
    """The portal as each person finds it: signed in once, and everything as it was before each request."""

    def __init__(self, app: Flask, world: PortalWorld) -> None:
        self.app, self.objects = app, objects_of(world)
        self.cookies = {person: self._sign_in(name) for person, name in PEOPLE.items()}
        self.file = Path(str(db.engine.url.database))
        self.kept = self.file.with_suffix(".kept")
        self._let_go()
        shutil.copy(self.file, self.kept)

    def ask(self, route: str, person: str, **sent: str) -> TestResponse:
        """The answer of a route to a person."""
        method, _, rule = route.partition(" ")
        browser = self._browser(person)
        address = address_of(rule, self.objects)
        if method == "GET":
            return browser.get(address)
        answer = browser.open(address, method=method, data=sent)
        self._let_go()
        shutil.copy(self.kept, self.file)
        return answer

    def _sign_in(self, name: str) -> str:
        cookie = browse(self.app, name).get_cookie("session") if name else None
        return cookie.value if cookie else ""

    def _browser(self, person: str) -> PageClient:
        limiter.reset()
        browser = browse(self.app)
        if self.cookies[person]:
            browser.set_cookie("session", self.cookies[person])
        return browser

    def _let_go(self) -> None:
        db.session.remove()
        with db.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        db.engine.dispose()


@on_sqlite
def test_each_route_is_in_the_table(app: Flask) -> None:
    assert sorted(routes_of(app) - ROUTES.keys()) == [], "add a line to tests/parts/routes.py"
    assert sorted(ROUTES.keys() - routes_of(app)) == [], "take these lines out of tests/parts/routes.py"
    assert sorted(SENT.keys() - ROUTES.keys()) == []


@on_sqlite
def test_each_route_answers_everybody_as_the_table_says(app: Flask, world: PortalWorld) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    doors = Doors(app, world)
    wrong = []
    for route in ROUTES.keys() & routes_of(app):
        for person, expected in answers(route).items():
            fields = {"submission": new_token(), "version": "1", **SENT.get(route, {})}
            status = doors.ask(route, person, **fields).status_code
            if status != expected:
                wrong.append(f"{route} as {person}: {status} instead of {expected}")
    assert not wrong, "\n".join(sorted(wrong))


@on_sqlite
def test_no_page_changes_anything_without_the_token_of_its_form(app: Flask, world: PortalWorld) -> None:
    doors = Doors(app, world)
    for route in sorted(routes_of(app)):
        method, _, rule = route.partition(" ")
        if method in SAFE or rule.startswith("/api/"):
            continue
        answer = doors.ask(route, "administrator", **SENT.get(route, {}))
        assert (route, answer.status_code, "IBS-1306" in answer.text) == (route, 400, True)


@on_sqlite
def test_what_changes_something_is_never_asked_by_get(app: Flask) -> None:
    both = {rule for method, _, rule in (route.partition(" ") for route in routes_of(app)) if method == "GET"}
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or set()) and plain_rule(rule.rule) in both:
            assert "GET" not in (rule.methods or set()), f"{rule.rule}: one view for GET and one for POST"


def test_each_page_is_shown_whatever_the_database(app: Flask, world: PortalWorld) -> None:
    objects = objects_of(world)
    for person in ("owner", "implementor", "administrator"):
        browser = browse(app, PEOPLE[person])
        for rule in pages_for(person):
            with count_queries() as queries:
                answer = browser.get(address_of(rule, objects))
            assert (rule, answer.status_code) == (rule, 200)
            assert len(queries) <= MOST, (rule, person, queries.repeated)
