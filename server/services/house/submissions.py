"""Forms that were sent: each token does its work once, however often a browser sends it."""
from __future__ import annotations

import time
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from protocol.errors import Refusal
from server.database import begin_reading
from server.extensions import db
from server.models import Submission
from server.services.house.refusals import FormExpired

TOKEN_LENGTH = 43
PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.05
KEPT_FOR = timedelta(days=2)
TARGET_LENGTH = 2000


class StillUnderWay(Refusal):
    """This form was sent already and is still being worked on. Nothing is done twice."""

    code = "IBS-1308"
    hint = "Wait a moment, then look at the list whether it is there."
    status = 409


def claim(token: str, person: str, now: datetime) -> str | None:
    """Take `token` for the work of one form, or learn where its first use led.

    None: the work is the caller's, who ends it with settle() or release(). Waits while another request works on it.
    Raises FormExpired for a token of another person or none at all, StillUnderWay when the wait was too long.
    """
    if len(token) != TOKEN_LENGTH:
        raise FormExpired
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _insert(token, person, now):
        begin_reading(db.session())
        found = db.session.execute(
            select(Submission.person, Submission.target).where(Submission.token == token)).one_or_none()
        db.session.rollback()
        if found is not None and found.person != person:
            raise FormExpired
        if found is not None and found.target:
            return str(found.target)
        if time.monotonic() > deadline:
            raise StillUnderWay
        time.sleep(PAUSE_SECONDS)  # the first is still at work, or gave the token back
    return None


def settle(token: str, target: str) -> None:
    """The work is done; `target` is the address of the page that follows it."""
    submission = db.session.get(Submission, token)
    if submission is not None:
        submission.target = target[:TARGET_LENGTH]
    db.session.commit()


def release(token: str) -> None:
    """The work was not done; the same form can be sent again."""
    db.session.rollback()
    db.session.execute(delete(Submission).where(Submission.token == token))
    db.session.commit()


def forget_old(now: datetime) -> int:
    """Remove the tokens of forms that were sent long ago; how many."""
    removed = db.session.execute(delete(Submission).where(Submission.at < now - KEPT_FOR))
    db.session.commit()
    return int(removed.rowcount)  # type: ignore[attr-defined]  # a deletion has it


def _insert(token: str, person: str, now: datetime) -> bool:
    """False when the token was taken before."""
    try:
        db.session.add(Submission(token=token, person=person, at=now))
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        return False
    return True
