"""Those who sign in or are served: the reseller's staff, customers and their accounts."""
from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from flask_login import UserMixin
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from server.models.base import Model, Moment

if TYPE_CHECKING:
    from server.models.plans import Subscription


class SignIn(UserMixin):  # type: ignore[misc]  # flask_login has no types
    """What every sign-in has: a password and a memory of failed tries."""

    password_hash: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(Moment)
    failed_sign_ins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(Moment)

    def is_locked(self, now: datetime) -> bool:
        """True while too many wrong passwords keep this sign-in closed."""
        return self.locked_until is not None and now < self.locked_until


class Staff(SignIn, Model):
    """A person of the reseller: administrator or implementor. `email` is kept in lower case."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)
    name: Mapped[str] = mapped_column(String(255), default="")
    role: Mapped[str] = mapped_column(String(20))

    def get_id(self) -> str:
        """The session's name for this person."""
        return f"staff:{self.id}"


class Customer(Model):
    """The person or company that buys backup."""

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(Moment)
    phone: Mapped[str | None] = mapped_column(String(50))
    street: Mapped[str | None] = mapped_column(String(255))
    city: Mapped[str | None] = mapped_column(String(255))
    postcode: Mapped[str | None] = mapped_column(String(20))
    state: Mapped[str | None] = mapped_column(String(255))
    country: Mapped[str | None] = mapped_column(String(2))
    time_zone: Mapped[str | None] = mapped_column(String(64))
    accounts: Mapped[list[Account]] = relationship(back_populates="customer", order_by="Account.id")
    subscriptions: Mapped[list[Subscription]] = relationship(back_populates="customer", order_by="Subscription.id")

    @property
    def label(self) -> str:
        """The customer number as people see it."""
        return f"C-{self.number:06d}"


class Account(SignIn, Model):
    """A customer's sign-in for portal and client. `user_name` is kept in lower case."""

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
    customer: Mapped[Customer] = relationship(back_populates="accounts")
    subscription: Mapped[Subscription | None] = relationship(back_populates="accounts")

    def get_id(self) -> str:
        """The session's name for this sign-in."""
        return f"account:{self.id}"
