"""Those who sign in or are served: the reseller's staff, customers and their accounts."""
from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flask_login import UserMixin
from sqlalchemy import BigInteger, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.models.base import Model, Moment, Versioned, fixed_bytes, short_bytes

if TYPE_CHECKING:
    from server.models.plans import Subscription


def label_of(number: int) -> str:
    """A customer number as people see it."""
    return f"C-{number:06d}"


class SignIn(UserMixin):  # type: ignore[misc]  # flask_login has no types
    """What every sign-in has: a password, perhaps a second step, and a memory of failed tries.

    `totp_sealed` is the second step's secret, sealed under the portal's key, empty without one; `totp_step` is the
    last 30-second step whose code was used, since none works twice. A closed sign-in is kept, and lets nobody in.
    """

    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(Moment)
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(Moment)
    closed: Mapped[bool] = mapped_column(default=False)
    totp_sealed: Mapped[bytes] = mapped_column(short_bytes(255), default=b"")
    totp_step: Mapped[int] = mapped_column(BigInteger, default=0)

    def is_locked(self, now: datetime) -> bool:
        """True while too many wrong passwords keep this sign-in closed."""
        return self.locked_until is not None and now < self.locked_until


class Staff(SignIn, Versioned, Model):
    """A person of the reseller: administrator or implementor. `email` is kept in lower case."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(255), default="")
    role: Mapped[str] = mapped_column(String(20))
    time_zone: Mapped[str | None] = mapped_column(String(64))

    def get_id(self) -> str:
        """The session's name for this person."""
        return f"staff:{self.id}"


class Customer(Versioned, Model):
    """The person or company that buys backup.

    `kind` is company or person; `registration` is the registration or tax number, `country` two letters of ISO 3166,
    `language` a tag as "en"; `notes` are the staff's own. `implementor_id` is the member of staff who may serve it
    beside the administrators.
    """

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(Moment)
    kind: Mapped[str] = mapped_column(String(10), default="company")
    contact: Mapped[str | None] = mapped_column(String(255))
    registration: Mapped[str | None] = mapped_column(String(100))
    phone: Mapped[str | None] = mapped_column(String(50))
    mobile: Mapped[str | None] = mapped_column(String(50))
    street: Mapped[str | None] = mapped_column(String(255))
    city: Mapped[str | None] = mapped_column(String(255))
    postcode: Mapped[str | None] = mapped_column(String(20))
    state: Mapped[str | None] = mapped_column(String(255))
    country: Mapped[str | None] = mapped_column(String(2))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(10), default="en")
    notes: Mapped[str | None] = mapped_column(Text)
    implementor_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    implementor: Mapped[Staff | None] = relationship()
    accounts: Mapped[list[Account]] = relationship(back_populates="customer", order_by="Account.id")
    subscriptions: Mapped[list[Subscription]] = relationship(back_populates="customer", order_by="Subscription.id")

    @property
    def label(self) -> str:
        """The customer number as people see it."""
        return label_of(self.number)


class Account(SignIn, Versioned, Model):
    """A customer's sign-in for portal and client. `user_name` is kept in lower case.

    `mail_on_completion` is every, problems, weekly or off.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    user_name: Mapped[str] = mapped_column(String(255), unique=True)
    email: Mapped[str] = mapped_column(String(255), default="")
    is_owner: Mapped[bool] = mapped_column(default=False)
    subscription_id: Mapped[int | None] = mapped_column(ForeignKey("subscription.id"), index=True)
    accepts_backups: Mapped[bool] = mapped_column(default=True)
    accept_changed_by: Mapped[str] = mapped_column(String(255), default="")
    accept_changed_at: Mapped[datetime | None] = mapped_column(Moment)
    accept_reason: Mapped[str] = mapped_column(String(255), default="")
    mail_on_completion: Mapped[str] = mapped_column(String(20), default="every")
    mail_changed_by: Mapped[str] = mapped_column(String(255), default="")
    mail_changed_at: Mapped[datetime | None] = mapped_column(Moment)
    customer: Mapped[Customer] = relationship(back_populates="accounts")
    subscription: Mapped[Subscription | None] = relationship(back_populates="accounts")

    def get_id(self) -> str:
        """The session's name for this sign-in."""
        return f"account:{self.id}"


class SpareCode(Model):
    """A sign-in code for the day when the second step's device is lost; `person` as get_id() names it."""

    __tablename__ = "spare_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(String(40), index=True)
    code_hash: Mapped[bytes] = mapped_column(fixed_bytes(32))
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class BrowserSession(Model):
    """One browser in which a person is signed in; `key_hash` is the SHA-256 of what its cookie holds."""

    __tablename__ = "browser_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    person: Mapped[str] = mapped_column(String(40), index=True)
    key_hash: Mapped[bytes] = mapped_column(fixed_bytes(32), unique=True)
    begun_at: Mapped[datetime] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    address: Mapped[str] = mapped_column(String(64), default="")
    browser: Mapped[str] = mapped_column(String(255), default="")


class PasswordLink(Model):
    """A one-time link with which a person sets a password; `token_hash` is the SHA-256 of what the link holds."""

    __tablename__ = "password_link"

    token_hash: Mapped[bytes] = mapped_column(fixed_bytes(32), primary_key=True)
    person: Mapped[str] = mapped_column(String(40), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class Submission(Model):
    """A form that was sent: its token, and the page that followed, so that sending it again does nothing twice."""

    __tablename__ = "submission"

    token: Mapped[str] = mapped_column(String(43), primary_key=True)
    person: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    target: Mapped[str] = mapped_column(String(2000), default="")
