"""Form tokens that look different on each page, so that pages can be compressed.

The length of a compressed page tells whether something in it repeats something else (the attack is known as BREACH):
who can make a victim's browser ask again and again, and sees how long the answers are, could guess a secret that
stands in the page unchanged. The secrets in our pages are the form tokens. Each is sealed with a fresh pad every time
it is written, which leaves nothing to compare.
"""
from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from hashlib import shake_256
from typing import Any

from flask_wtf import CSRFProtect
from flask_wtf.csrf import _FlaskFormCSRF, generate_csrf

PAD = 16


class MaskingProtect(CSRFProtect):  # type: ignore[misc]  # flask_wtf has no types
    """Flask-WTF's protection, which takes masked tokens and nothing else."""

    def init_app(self, app: Any) -> None:
        """Protect `app`; its templates write masked tokens."""
        super().init_app(app)
        app.jinja_env.globals["csrf_token"] = masked_token
        app.context_processor(lambda: {"csrf_token": masked_token})

    def _get_csrf_token(self) -> str | None:
        return unmask(super()._get_csrf_token())


class MaskedTokens(_FlaskFormCSRF):  # type: ignore[misc]
    """How a form writes its token."""

    def generate_csrf_token(self, csrf_token_field: Any) -> str:
        """The token of this session, masked."""
        return masked_token()


def masked_token() -> str:
    """The form token of this session, as one page shows it."""
    return mask(generate_csrf())


def mask(token: str) -> str:
    """`token` sealed with a new pad; unmask() gives it back."""
    pad, plain = secrets.token_bytes(PAD), token.encode()
    return urlsafe_b64encode(pad + _mixed(plain, pad)).decode()


def unmask(masked: str | None) -> str | None:
    """What mask() sealed; None for what it has not made."""
    try:
        data = urlsafe_b64decode(masked or "")
        return _mixed(data[PAD:], data[:PAD]).decode() or None
    except (Error, ValueError):
        return None


def _mixed(data: bytes, pad: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(data, shake_256(pad).digest(len(data)), strict=True))
