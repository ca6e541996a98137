"""The API's own description tells of every route and every message."""
from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask

from protocol import messages
from protocol.messages import API
from tests.parts.api_computer import ApiComputer

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""The description is the same on every database."""


@pytest.fixture
def document(app: Flask) -> dict[str, Any]:
    """What a program reads."""
    found: dict[str, Any] = json.loads(app.test_client().get(f"{API}/openapi.json").data)
    return found


def test_it_describes_every_route_of_the_portal(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<[^:>]*:?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(API)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, operations in document["paths"].items() for method in operations}
    assert described == routes
    assert len(routes) == 23


def test_it_describes_every_route_that_the_messages_name(document: dict[str, Any]) -> None:
    named = set()
    for kind in vars(messages).values():
        if isinstance(kind, type) and issubclass(kind, messages.Message):
            found = re.match(r"(GET|POST|PUT) (/[\w/]+)", kind.__doc__ or "")
            if found:
                named.add((API + re.sub(r"/N\b", "/{number}", found[2]), found[1].lower()))
    assert len(named) > 10
    assert named <= {(path, method) for path, operations in document["paths"].items() for method in operations}


def test_it_refers_to_nothing_that_it_does_not_explain(document: dict[str, Any]) -> None:
    wanted = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))
    assert wanted
    assert wanted == set(document["components"]["schemas"])


def test_it_says_where_a_token_and_a_lease_are_needed(document: dict[str, Any], desk: ApiComputer) -> None:
    desk.token = "unknown"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            free = operation.get("security") == []
            address = path.replace("{number}", "1")
            status = desk.web.open(address, method=method.upper(), data=b"{}", headers=desk.headers()).status_code
            assert status in ({200, 400} if free else {400, 401})
            leased = messages.LEASE_HEADER in {value["name"] for value in operation.get("parameters", ())}
            assert leased == (path.startswith(f"{API}/runs/") and not path.endswith("/log"))
