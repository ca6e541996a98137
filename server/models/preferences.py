"""What the reseller sets in the portal's pages: branding, mail, rules for signing in."""
from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Model, Versioned, long_bytes


class Preference(Versioned, Model):
    """One topic (branding, mail, signing in) with its values; `data` is a picture that belongs to it, else empty."""

    __tablename__ = "preference"

    topic: Mapped[str] = mapped_column(String(50), primary_key=True)
    values: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    data: Mapped[bytes] = mapped_column(long_bytes(), default=b"")
    data_type: Mapped[str] = mapped_column(String(50), default="")
