"""The portal's edge: turns whatever was raised into a status and words, as JSON for computers and as a page else."""
from __future__ import annotations

import logging
import secrets
from datetime import UTC, datetime, timedelta

from flask import Flask, Response, current_app, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge, TooManyRequests
from werkzeug.wrappers import Response as BaseResponse

from protocol import errors
from protocol.messages import API, Problem, encode
from server.extensions import db
from server.services.house.refusals import FormExpired
from vault.errors import BackupError, ObjectMissing, StorageError, VaultError

LARGEST_REQUEST = 8 * 1024 * 1024
log = logging.getLogger("ibs.portal")


def handle_errors(app: Flask) -> None:
    """Give `app` its three handlers: explained failures, HTTP's own, and mistakes of ours."""
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_REQUEST
    app.register_error_handler(BackupError, explain)
    app.register_error_handler(HTTPException, translate)
    app.register_error_handler(Exception, admit)


def status_of(error: BackupError) -> int:
    """The HTTP status that goes with an explained failure."""
    if isinstance(error, errors.Refusal):
        return error.status
    if isinstance(error, ObjectMissing):
        return 410
    if isinstance(error, StorageError):
        return 503 if error.retry else 502
    return 409 if isinstance(error, VaultError) else 500


def explain(error: BackupError) -> Response:
    """The answer to a failure that has words of its own."""
    db.session.rollback()
    return _answer(errors.describe(error), status_of(error))


def translate(error: HTTPException) -> BaseResponse:
    """The answer to what Flask and its extensions refuse. Raises nothing; keeps headers such as Allow."""
    if error.code is None or error.code < 400:
        return error.get_response()
    described: BackupError
    if isinstance(error, NotFound):
        described = errors.NotFound(what="such page")
    elif isinstance(error, CSRFError):
        described = FormExpired()
    elif isinstance(error, TooManyRequests):
        described = errors.TooManyAttempts(until=f"{datetime.now(UTC) + timedelta(minutes=1):%H:%M} UTC")
    elif isinstance(error, RequestEntityTooLarge):
        described = errors.BadRequest(reason=f"it is larger than {LARGEST_REQUEST // 1024 // 1024} MiB")
    elif isinstance(error, MethodNotAllowed):
        described = errors.BadRequest(reason=f"this address does not take {request.method}")
    else:
        described = errors.BadRequest(reason=error.description or error.name)
    answer = _answer(errors.describe(described), error.code)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        answer.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return answer


def admit(error: Exception) -> Response:
    """The answer to a mistake of ours: the log has the traceback, the reader a reference to it."""
    reference = secrets.token_hex(4)
    log.exception("reference %s: %s %s failed", reference, request.method, request.path, exc_info=error)
    db.session.rollback()
    return _answer(errors.describe(errors.PortalFailed(reference=reference)), 500)


def _answer(problem: Problem, status: int) -> Response:
    if request.path.startswith(f"{API}/"):
        answer = Response(encode(problem), status, mimetype="application/json")
        if status == 401:
            answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    hint = "" if problem.code == errors.BadRequest.code else problem.hint  # that hint is meant for the client
    words = {"title": _title(status), "sentence": problem.sentence, "hint": hint, "code": problem.code}
    try:
        page = render_template("error.html", **words)
    except SQLAlchemyError:  # what stands around every page is in the database, which may be what failed
        page = current_app.jinja_env.get_template("bare.html").render(words)
    return Response(page, status)


def _title(status: int) -> str:
    if status == 404:
        return "Not found"
    if status in {401, 403}:
        return "Not allowed"
    return "Not possible now" if status < 500 else "Something went wrong"
