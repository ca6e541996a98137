"""Forms that create something: sent twice by an impatient finger, they do their work once."""
from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import ParamSpec

from flask import current_app, redirect, request
from flask.typing import ResponseReturnValue

from server import access
from server.services.house import submissions

FIELD = "submission"
Arguments = ParamSpec("Arguments")


def new_token() -> str:
    """The token of one form on one page."""
    return secrets.token_urlsafe(32)


def once(view: Callable[Arguments, ResponseReturnValue]) -> Callable[Arguments, ResponseReturnValue]:
    """A view whose form carries `{{ once() }}`: the same form sent again gets the redirect of the first.

    An answer that is no redirect (a field to be corrected, a failure) lets the form be sent again. Requests other
    than POST pass.
    """

    @wraps(view)
    def guarded(*args: Arguments.args, **kwargs: Arguments.kwargs) -> ResponseReturnValue:
        if request.method != "POST":
            return view(*args, **kwargs)
        someone = access.person()
        token = request.form.get(FIELD, "")
        earlier = submissions.claim(token, someone.get_id() if someone else "", datetime.now(UTC))
        if earlier is not None:
            return redirect(earlier, 303)
        done = False
        try:
            answer = current_app.make_response(view(*args, **kwargs))
            done = 300 <= answer.status_code < 400
            if done:
                submissions.settle(token, answer.location or "/")
        finally:
            if not done:
                submissions.release(token)
        return answer

    return guarded
