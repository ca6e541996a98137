"""The staff's first page: every computer with its state, its last backup and its last run, worst first."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, true

from server.extensions import db
from server.models import Customer
from server.services.cards import Card, attention_count, cards_where


@dataclass(frozen=True)
class Row:
    """A line of the staff's overview; `card` is None for a customer without computers."""

    customer: Customer
    card: Card | None


def rows_of_all(now: datetime) -> list[Row]:
    """Every computer of every customer, worst first, then the customers without computers."""
    found = cards_where(true(), now)
    served = {card.computer.customer_id for card in found}
    customers = db.session.scalars(select(Customer).order_by(Customer.number)).all()
    return [Row(card.computer.customer, card) for card in found] + [
        Row(customer, None) for customer in customers if customer.id not in served
    ]


def sentence_for_staff(cards: Sequence[Card]) -> str:
    """The first sentence of the staff's overview."""
    attention = attention_count(cards)
    if not attention:
        return "Nothing needs attention."
    return f"{attention} computer{' needs' if attention == 1 else 's need'} attention."
