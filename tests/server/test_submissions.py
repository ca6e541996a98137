"""A form sent twice does its work once, on both databases, also when both arrive at the same moment."""
from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask, Response, abort, redirect, request
from flask.testing import FlaskClient

from server import submissions
from server.extensions import db
from server.models import Customer, Submission
from server.services.house import submissions as service
from server.services.people import customers
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PortalWorld

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


@pytest.fixture
def portals() -> dict[str, Any]:
    """None made for other tests: this one gets a page that they don't have."""
    return {}


@pytest.fixture
def doors(app: Flask, world: PortalWorld) -> Flask:
    """The portal with a form that makes a customer; one named Nobody is refused, one named Wrong fails."""
    app.config["WTF_CSRF_ENABLED"] = False

    @app.post("/made-for-the-test")
    @submissions.once
    def make() -> object:
        name = request.form["name"]
        if name == "Nobody":
            return Response("Enter another name.", 400, mimetype="text/plain")
        if name == "Wrong":
            abort(409)
        return redirect(f"/made/{customers.create_customer(name, 'x@example.com', NOW).number}", 303)

    return app


def made(name: str) -> int:
    """How many customers of that name there are."""
    db.session.rollback()
    return db.session.query(Customer).filter_by(name=name).count()


def send(browser: PageClient, token: str, name: str) -> tuple[int, str | None]:
    """Send the form; status and where it led."""
    answer = browser.post("/made-for-the-test", data={"name": name, "submission": token})
    return answer.status_code, answer.location


def test_the_second_of_two_submissions_gets_the_redirect_of_the_first(doors: Flask) -> None:
    browser, token = browse(doors, "admin@example.com"), submissions.new_token()
    first = send(browser, token, "Carla")
    assert first[0] == 303
    assert send(browser, token, "Carla") == first
    assert made("Carla") == 1
    assert send(browser, submissions.new_token(), "Carla") != first
    assert made("Carla") == 2


def test_two_at_the_same_moment_make_one(doors: Flask) -> None:
    cookie = browse(doors, "admin@example.com").get_cookie("session")
    assert cookie is not None
    token, start, answers = submissions.new_token(), threading.Barrier(2), []

    def click() -> None:
        browser = FlaskClient(doors)
        browser.set_cookie("session", cookie.value)
        start.wait(10)
        answer = browser.post("/made-for-the-test", data={"name": "Twin", "submission": token})
        answers.append((answer.status_code, answer.location))

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(answers) == 2
    assert answers[0] == answers[1]
    assert answers[0][0] == 303
    assert made("Twin") == 1


@pytest.mark.parametrize(("name", "status"), [("Nobody", 400), ("Wrong", 409)])
def test_a_form_that_was_refused_can_be_corrected_and_sent_again(doors: Flask, name: str, status: int) -> None:
    browser, token = browse(doors, "admin@example.com"), submissions.new_token()
    assert send(browser, token, name)[0] == status
    assert send(browser, token, "Somebody")[0] == 303
    assert made("Somebody") == 1


def test_a_form_without_a_token_or_with_another_persons_is_refused(doors: Flask) -> None:
    browser, token = browse(doors, "admin@example.com"), submissions.new_token()
    assert [send(browser, wrong, "Carla")[0] for wrong in ("", "x", "x" * 44)] == [400] * 3
    assert send(browser, token, "Carla")[0] == 303
    assert send(browse(doors, "tech@example.com"), token, "Carla")[0] == 400
    assert made("Carla") == 1


def test_one_that_is_still_at_work_is_not_done_twice(doors: Flask, world: PortalWorld,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "PATIENCE_SECONDS", 0.2)
    token = submissions.new_token()
    assert service.claim(token, world.administrator.get_id(), NOW) is None
    answer = browse(doors, "admin@example.com").post("/made-for-the-test", data={"name": "Carla", "submission": token})
    assert answer.status_code == 409
    assert "IBS-1308" in answer.text
    assert made("Carla") == 0


def test_tokens_are_forgotten_after_two_days(app: Flask, world: PortalWorld) -> None:
    old, new = submissions.new_token(), submissions.new_token()
    assert service.claim(old, "staff:1", NOW - timedelta(days=3)) is None
    assert service.claim(new, "staff:1", NOW) is None
    assert service.forget_old(NOW) == 1
    assert [one.token for one in db.session.query(Submission)] == [new]
