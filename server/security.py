"""What every answer of the portal says to the browser about trust: policy, caching, cookies."""
from __future__ import annotations

from datetime import timedelta

from flask import Flask, Response, request
from flask.sessions import SecureCookieSessionInterface

from server.services.signing_in.sign_in_rules import LONGEST_HOURS

POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
YEAR = 365 * 24 * 60 * 60
COOKIES_LAST = timedelta(hours=LONGEST_HOURS)
"""The database knows when a sign-in ends, which is sooner; see server/services/signing_in/browser_sessions.py."""


class CookieSessions(SecureCookieSessionInterface):
    """Sessions in a signed cookie that never travels in the clear once it was given out over TLS."""

    def get_cookie_secure(self, app: Flask) -> bool:
        """True when this request came by TLS, directly or through a proxy that is believed."""
        return request.is_secure


def protect(app: Flask) -> None:
    """Add the headers of every answer, and settle how long cookies and form tokens hold."""
    app.session_interface = CookieSessions()
    app.config.update(
        PERMANENT_SESSION_LIFETIME=COOKIES_LAST,
        WTF_CSRF_TIME_LIMIT=None,
        SEND_FILE_MAX_AGE_DEFAULT=0,
    )
    app.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """The same headers for pages, files, downloads and errors; what an address with a version names never changes."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")
    if request.endpoint == "static":
        if request.args.get("v") and response.status_code == 200:
            headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
    else:
        headers.setdefault("Cache-Control", "private, no-store")
    return response
