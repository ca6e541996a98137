"""One exchange of the client API: read the message, do the work, write the answer."""
from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import msgspec
from flask import Blueprint, Response, request
from sqlalchemy.exc import IntegrityError, OperationalError

from protocol.errors import BadRequest
from protocol.messages import API, Message, encode
from server.database import begin_reading
from server.extensions import db, limiter

TRIES = 4
DEADLOCK, LOCK_WAIT = 1213, 1205
"""MySQL's numbers for a transaction that lost against another one and may simply be repeated."""


@dataclass(frozen=True)
class Exchange:
    """A route of the API as its documentation tells of it. `request` is None where no message is sent."""

    method: str
    path: str
    request: type[Message] | None
    answer: type[Message]
    summary: str


EXCHANGES: list[Exchange] = []


def exchange(
    blueprint: Blueprint,
    method: str,
    path: str,
    answer: type[Message],
    message: type[Message] | None = None,
    *,
    reads: bool = False,
    limit: str = "",
) -> Callable[[Callable[..., Message]], Callable[..., Response]]:
    """Make a view out of a function from a message (if there is one) and the path's values to the answer.

    `reads` says that it only reads; `limit` says how often one address may call it. Every call of the API may be
    repeated, so one that loses against another transaction is done again from its beginning.
    """
    decoder = msgspec.json.Decoder(message) if message else None

    def register(view: Callable[..., Message]) -> Callable[..., Response]:
        summary = (view.__doc__ or "").split("\n")[0]
        EXCHANGES.append(Exchange(method, API + path, message, answer, summary))

        @wraps(view)
        def respond(**values: Any) -> Response:
            if reads:
                begin_reading(db.session())
            given = (read_message(decoder),) if decoder else ()
            return Response(encode(repeat(lambda: view(*given, **values))), mimetype="application/json")

        limited = limiter.limit(limit)(respond) if limit else respond
        blueprint.add_url_rule(path, view_func=limited, methods=[method])
        return respond

    return register


def read_message(decoder: msgspec.json.Decoder[Any]) -> Any:
    """The message in the body of the current request. Raises BadRequest."""
    try:
        return decoder.decode(request.get_data())
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadRequest(reason=str(error)[:500]) from error


def repeat(work: Callable[[], Message]) -> Message:
    """Do `work`, again when another transaction got in its way. Raises BadRequest for what contradicts the database."""
    for attempt in range(TRIES):
        try:
            return work()
        except (OperationalError, IntegrityError) as error:
            db.session.rollback()
            if isinstance(error, IntegrityError) and attempt:
                raise BadRequest(reason="it contradicts what was sent before") from error
            if attempt == TRIES - 1 or not _passes(error):
                raise
            time.sleep(random.uniform(0.01, 0.05) * 2**attempt)
    raise AssertionError("the last try returns or raises")


def _passes(error: OperationalError | IntegrityError) -> bool:
    if isinstance(error, IntegrityError):
        return True
    number = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return number in {DEADLOCK, LOCK_WAIT} or "database is locked" in str(number)
