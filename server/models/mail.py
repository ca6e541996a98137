"""The outbox: e-mails that wait to be sent, and those that were."""
from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from server.models.base import TABLE_OPTIONS, Model, Moment, long_bytes


class Mail(Model):
    """One e-mail to one address, rendered when it was queued.

    `key` names the occasion, so that none is told twice: "run:12:7". It waits until `due_at`; `sent_at` and
    `given_up_at` end its way. `message_id` never changes, so that a repetition can be recognised. `text` and `html`
    are UTF-8, and empty once it ended.
    """

    __tablename__ = "mail"
    __table_args__ = (Index(None, "sent_at", "given_up_at", "due_at"), TABLE_OPTIONS)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(190), unique=True)
    message_id: Mapped[str] = mapped_column(String(190), unique=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    recipient: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    text: Mapped[bytes] = mapped_column(long_bytes())
    html: Mapped[bytes] = mapped_column(long_bytes())
    created_at: Mapped[datetime] = mapped_column(Moment)
    due_at: Mapped[datetime] = mapped_column(Moment)
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None] = mapped_column(Moment)
    given_up_at: Mapped[datetime | None] = mapped_column(Moment)
    problem: Mapped[str] = mapped_column(String(2000), default="")
