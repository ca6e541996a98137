"""Sends text compressed to browsers that take it: pages as they are made, assets once.

A page may be compressed although it is sent over TLS because its only constant secrets, the form tokens, are masked
(server/masking.py), and because the session's cookie does not travel with requests that other sites cause.
"""
from __future__ import annotations

import gzip
from functools import lru_cache

from flask import Flask, Response, request

SMALLEST = 600
"""Bytes below which a packet is saved by nothing."""
TEXTS = frozenset({
    "text/html", "text/css", "text/javascript", "text/csv", "text/plain", "text/xml", "application/xml",
    "application/javascript", "application/json", "image/svg+xml",
})
BODILESS = frozenset({204, 206, 304})
PAGE_LEVEL, ASSET_LEVEL = 5, 9


def compress_answers(app: Flask) -> None:
    """Compress what `app` answers to browsers; the client API carries sealed data and its own packing."""
    app.after_request(compress)


def compress(response: Response) -> Response:
    """The same answer, smaller where that is possible and asked for."""
    if response.mimetype not in TEXTS or (request.blueprint or "") == "client_api":
        return response
    response.vary.add("Accept-Encoding")
    wanted = request.method != "HEAD" and request.accept_encodings["gzip"] > 0
    if not wanted or response.status_code in BODILESS or response.headers.get("Content-Encoding"):
        return response
    if request.endpoint == "static" and response.status_code == 200:
        data = _asset(response)
    elif response.is_streamed:
        return response
    else:
        data = response.get_data()
        if len(data) < SMALLEST:
            return response
        data = gzip.compress(data, PAGE_LEVEL, mtime=0)
    response.set_data(data)
    response.headers["Content-Encoding"] = "gzip"
    if response.headers.get("ETag"):
        response.set_etag(f"{response.get_etag()[0]}-gzip", weak=True)
    return response


def _asset(response: Response) -> bytes:
    known = _kept(request.path, str(response.get_etag()[0]))
    if close := getattr(response.response, "close", None):
        response.call_on_close(close)
    response.direct_passthrough = False  # else the file would be sent, and left open
    if not known:
        known.append(gzip.compress(response.get_data(), ASSET_LEVEL, mtime=0))
    return known[0]


@lru_cache(maxsize=64)
def _kept(path: str, etag: str) -> list[bytes]:
    """Where the compressed form of one state of a file is kept, once it was made."""
    return []
