"""A browser without a screen: fetches the portal's pages and holds each to strict HTML5."""
from __future__ import annotations

import contextvars
from typing import Any

import html5lib
from flask import Flask
from flask.testing import FlaskClient
from html5lib.html5parser import ParseError
from werkzeug.test import TestResponse

from server.extensions import db
from tests.parts.portal_world import PASSWORD


class PageClient(FlaskClient):
    """A test client whose requests share nothing with the test, and whose pages must be correct."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Any request; a page that isn't strict HTML5 fails the test."""
        db.session.commit()  # a transaction of the test would keep the portal waiting
        answer = contextvars.Context().run(super().open, *args, buffered=True, **kwargs)
        if answer.mimetype == "text/html" and answer.data and answer.status_code not in {301, 302, 303, 308}:
            parser = html5lib.HTMLParser(strict=True)
            parse = parser.parse if "<html" in answer.text else parser.parseFragment  # what htmx puts into a page
            try:
                parse(answer.text)
            except ParseError as error:
                raise AssertionError(f"{args} is not strict HTML5: {error!r}\n{answer.text}") from error
        return answer

    def token(self, address: str = "/sign-in") -> str:
        """The form token of a page."""
        page = html5lib.parse(self.get(address).text, namespaceHTMLElements=False)
        return str(next(field.get("value") for field in page.iter("input") if field.get("name") == "csrf_token"))

    def form(self, address: str, action: str = "") -> dict[str, str]:
        """The values that a page's form would send: its only one in main, or the one with that action."""
        return form_values(self.get(address).text, action)

    def fill(self, address: str, values: dict[str, Any] | None = None, action: str = "") -> TestResponse:
        """Open a page, fill in its form (see form()), and send it."""
        return self.post(action or address, data=self.form(address, action) | (values or {}))

    def sign_in(self, name: str, password: str = PASSWORD, wanted: str = "") -> TestResponse:
        """Fill in the sign-in form and send it."""
        address = "/sign-in" + (f"?next={wanted}" if wanted else "")
        return self.post(address, data={"name": name, "password": password, "csrf_token": self.token(address)})


def browse(app: Flask, name: str = "") -> PageClient:
    """A new browser; `name` signs in first."""
    app.test_client_class = PageClient
    client = app.test_client()
    assert isinstance(client, PageClient)
    if name:
        assert client.sign_in(name).status_code == 302
    return client


def form_values(page: str, action: str = "") -> dict[str, str]:
    """What a browser would send of a page's form, as it stands; see PageClient.form()."""
    main = next(html5lib.parse(page, namespaceHTMLElements=False).iter("main"))
    forms = [form for form in main.iter("form") if form.get("action", "") == action and form.get("method") == "post"]
    assert len(forms) == 1, f"{len(forms)} forms lead to “{action}” in {page}"
    values = {}
    for field in forms[0].iter("input"):
        if field.get("type") not in {"checkbox", "radio", "file"} or "checked" in field.keys():  # noqa: SIM118
            values[field.get("name")] = field.get("value", "")
    for field in forms[0].iter("textarea"):
        values[field.get("name")] = (field.text or "").removeprefix("\n")
    for field in forms[0].iter("select"):
        options = list(field.iter("option"))
        chosen = next((one for one in options if one.get("selected") is not None), options[0])
        values[field.get("name")] = chosen.get("value", chosen.text or "")
    return values
