"""The client API's description in OpenAPI 3.1, made from the messages themselves."""
from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from protocol.messages import API, LEASE_HEADER, Problem
from server.views.exchange import Exchange

JSON, XML = "application/json", "application/xml"
PATH_VALUE = re.compile(r"<int[^:]*:(\w+)>")
RUN = f"{API}/runs/<"


def describe_api(exchanges: Iterable[Exchange]) -> dict[str, Any]:
    """The OpenAPI document of these exchanges."""
    told = list(exchanges)
    types = {kind for one in told for kind in (one.request, one.answer) if kind} | {Problem}
    _, components = msgspec.json.schema_components(
        sorted(types, key=lambda kind: kind.__name__), ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, Any] = {
        f"{API}/openapi.json": {"get": {
            "summary": "This description.",
            "security": [],
            "responses": {"200": {"description": "OpenAPI 3.1", "content": {JSON: {"schema": {"type": "object"}}}}},
        }}
    }
    for one in told:
        paths.setdefault(PATH_VALUE.sub(r"{\1}", one.path), {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "IBS client API", "version": "1"},
        "security": [{"computer": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"computer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(one: Exchange) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": one.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0}}
            for name in PATH_VALUE.findall(one.path)
        ],
        "responses": {
            "200": {"description": one.answer.__name__, "content": {JSON: {"schema": _reference(one.answer)}}},
            "default": {"description": "A refusal or failure.", "content": {JSON: {"schema": _reference(Problem)}}},
        },
    }
    if one.path.startswith(RUN) and one.request is not None:
        operation["parameters"].append(
            {"name": LEASE_HEADER, "in": "header", "required": True, "schema": {"type": "string"}}
        )
    if one.request is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": _reference(one.request)}}}
    elif one.method == "PUT":
        operation["requestBody"] = {"required": True, "content": {XML: {"schema": {"type": "string"}}}}
    if one.path in {f"{API}/enrolments", f"{API}/restores/tokens"}:
        operation["security"] = []
    return operation


def _reference(kind: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
