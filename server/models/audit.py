"""The audit trail: who did what to which object, when and from where."""
from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import Model, Moment


class AuditEvent(Model):
    """One deed. Rows are added and never changed.

    `customer_id` is the customer whom it touched, and `account_id` the account, if it was one's own matter; `before`
    and `after` are the values that changed, as JSON.
    """

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    actor: Mapped[str] = mapped_column(String(255))
    action: Mapped[str] = mapped_column(String(100))
    object: Mapped[str] = mapped_column(String(255), default="")
    detail: Mapped[str] = mapped_column(String(2000), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"), index=True)
    before: Mapped[str] = mapped_column(Text, default="")
    after: Mapped[str] = mapped_column(Text, default="")
