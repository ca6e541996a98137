"""The state of a storage in a word and a sentence, and what of it everybody should know at once."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from server.extensions import db
from server.models import Storage
from server.services.selling import allocation
from server.services.selling.allocation import Figures
from server.services.storage.storage_checks import NEARLY_FULL, is_checking
from server.services.storage.storages import DRAFT
from server.words import percent, size

NOT_CHECKED, READY, LIMITED, NEARLY, UNREACHABLE, REFUSED, UNUSABLE = (
    "Not checked", "Ready", "Limited", "Nearly full", "Unreachable", "Access refused", "Not usable")
REFUSALS = {"IBS-2103", "IBS-2110"}
UNUSABLE_CODES = {"IBS-2130", "IBS-1323"}
MATTERS_LITTLE = {"append-only"}
"""Probes whose finding is advice and no limit."""


@dataclass(frozen=True)
class StorageState:
    """A storage with its state, what that means, its figures, and whether a check is under way.

    `grade` sums up the last check; `since` is when a fault began.
    """

    storage: Storage
    word: str
    sentence: str
    grade: str
    since: datetime | None
    figures: Figures
    checking: bool


def states_of_storages(now: datetime) -> list[StorageState]:
    """Every storage, the default one first."""
    figures = allocation.storage_figures(now)
    rows = db.session.scalars(
        select(Storage).where(Storage.kind != DRAFT).order_by(Storage.is_default.desc(), Storage.name)).all()
    return [describe_storage(storage, figures.get(storage.id, Figures())) for storage in rows]


def state_of_storage(storage: Storage, now: datetime) -> StorageState:
    """One of them."""
    return describe_storage(storage, allocation.figures_of(storage, now))


def describe_storage(storage: Storage, figures: Figures) -> StorageState:
    """The state that follows from the last check and from how full it is; the worst counts."""
    word, sentence = _word_and_sentence(storage, figures)
    return StorageState(storage, word, sentence, _grade(storage), storage.problem_since, figures, is_checking(storage))


def _word_and_sentence(storage: Storage, figures: Figures) -> tuple[str, str]:
    if storage.problem_code:
        word = REFUSED if storage.problem_code in REFUSALS else UNREACHABLE
        return UNUSABLE if storage.problem_code in UNUSABLE_CODES else word, storage.problem
    if storage.checked_at is None:
        return NOT_CHECKED, "Nobody has tried out yet what this server can do."
    if figures.capacity is not None and figures.used >= figures.capacity * NEARLY_FULL:
        return NEARLY, (f"{size(figures.used)} of {size(figures.capacity)} are used "
                        f"({percent(figures.used, figures.capacity)} %).")
    limits = _limits(storage)
    if limits:
        return LIMITED, f"It works, with limits: {limits[0]['sentence']}"
    return READY, "Everything that a storage needs works."


def _limits(storage: Storage) -> Sequence[dict[str, str]]:
    return [finding for finding in storage.findings if not finding["good"] and finding["probe"] not in MATTERS_LITTLE]


def _grade(storage: Storage) -> str:
    """The last check in a few words."""
    if storage.checked_at is None:
        return ""
    if storage.problem_code:
        return f"could not be used ({storage.problem_code})"
    limits = len(_limits(storage))
    if limits:
        return f"{limits} limit{'' if limits == 1 else 's'}"
    destructive = any(not finding["good"] for finding in storage.findings)
    return "good; a stolen password could destroy backups" if destructive else "good"
