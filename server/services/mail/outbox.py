"""The outbox: letters are put in with the event that they tell of, and sent one by one until they are confirmed.

A letter is claimed before it is sent and struck off once the mail server has confirmed it. Two workers never send the
same one. A crash between the server's confirmation and our record repeats a letter under the same Message-ID; nothing
else does. What an ended letter said is forgotten at once, since links in it are secrets; that it was told is kept.
"""
from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import NamedTuple

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import defer

from server.extensions import db
from server.models import Mail
from server.services.house.branding import Branding
from server.services.mail.delivery import MailNotSetUp, MailRefused, MailSettings, deliver
from server.services.mail.letters import Letter, write
from vault.errors import BackupError

PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
"""How long to wait after the first, second, third failure; after more of them the last one."""
GIVEN_UP_AFTER = timedelta(days=3)
CLAIMED_FOR = timedelta(minutes=10)
"""Longer than handing over one letter can take."""
KEPT_FOR = timedelta(days=3 * 365)
"""Longer than any occasion comes back, so that nothing is told twice."""
BLOCK = 200
CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
PROBLEM_LENGTH = 2000

log = logging.getLogger("ibs.mail")


class Counts(NamedTuple):
    """How many letters there are of each kind."""

    waiting: int
    sent: int
    given_up: int


def queue(
    key: str, recipient: str, compose: Callable[[], Letter], now: datetime, *, customer: int | None = None
) -> bool:
    """Put a letter into the outbox, in the running transaction; False when `key` was told of before.

    `key` names the occasion and the reader: "run:12:7:account:3"; only for a new one is the letter composed. The caller
    commits it with the event itself.
    """
    if not recipient or db.session.scalar(select(Mail.id).where(Mail.key == key)) is not None:
        return False
    letter = compose()
    db.session.add(Mail(
        key=key, message_id=_new_id(), customer_id=customer, recipient=recipient[:255],
        subject=CONTROL.sub(" ", letter.subject)[:255], text=letter.text.encode(), html=letter.html.encode(),
        created_at=now, due_at=now,
    ))
    return True


def send_due(settings: MailSettings, sender_name: str, now: datetime) -> int:
    """Send what is due, oldest first; returns how many were confirmed.

    While no mail server is set, letters wait for three days at most: whoever sets one up later sends no old news.
    """
    if not settings.is_complete:
        _give_up_late(now)
        return 0
    due = db.session.scalars(
        select(Mail.id).where(Mail.sent_at.is_(None), Mail.given_up_at.is_(None), Mail.due_at <= now)
        .order_by(Mail.due_at, Mail.id).limit(BLOCK)).all()
    db.session.commit()
    sent = 0
    for number in due:
        if _claim(number, now):
            sent += _send(db.session.get_one(Mail, number, populate_existing=True), settings, sender_name, now)
    return sent


def send_test(recipient: str, brand: Branding, settings: MailSettings, now: datetime) -> None:
    """Send a letter at once, past the outbox, to see whether the settings work.

    Raises MailNotSetUp, MailDelayed, MailRefused with what the server said.
    """
    if not settings.is_complete:
        raise MailNotSetUp
    told = "E-mail of this portal arrives. Nothing else is to be done."
    letter = write(f"Test e-mail of {brand.name}", brand, [told], look="ok")
    trial = Mail(key="", message_id=_new_id(), recipient=recipient, subject=letter.subject, created_at=now,
                 text=letter.text.encode(), html=letter.html.encode())
    deliver(as_message(trial, settings, brand.name), settings)


def counts() -> Counts:
    """How many letters wait, were sent, and were given up."""
    total, sent, given_up = db.session.execute(
        select(func.count(), func.count(Mail.sent_at), func.count(Mail.given_up_at)).select_from(Mail)).one()
    return Counts(total - sent - given_up, sent, given_up)  # a letter comes to one end only


def last_given_up(limit: int = 10) -> Sequence[Mail]:
    """The newest letters that were given up, without what they say."""
    return db.session.scalars(
        select(Mail).where(Mail.given_up_at.is_not(None)).order_by(Mail.given_up_at.desc()).limit(limit)
        .options(defer(Mail.text), defer(Mail.html))).all()


def forget_old(now: datetime) -> None:
    """Remove letters that ended their way long ago."""
    db.session.execute(delete(Mail).where(Mail.created_at < now - KEPT_FOR,
                                          Mail.sent_at.is_not(None) | Mail.given_up_at.is_not(None)))
    db.session.commit()


def as_message(mail: Mail, settings: MailSettings, sender_name: str) -> EmailMessage:
    """The letter as it travels: plain text first, HTML as the richer form of the same."""
    message = EmailMessage()
    message["Message-ID"] = mail.message_id
    message["Date"] = format_datetime(mail.created_at)
    message["From"] = Address(CONTROL.sub(" ", sender_name), addr_spec=settings.sender)
    message["To"] = Address(addr_spec=mail.recipient)
    message["Subject"] = mail.subject
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note is to answer it
    message.set_content(mail.text.decode())
    message.add_alternative(mail.html.decode(), subtype="html")
    return message


def _new_id() -> str:
    return f"<{secrets.token_hex(16)}@ibs.invalid>"


def _give_up_late(now: datetime) -> None:
    db.session.execute(
        update(Mail)
        .where(Mail.sent_at.is_(None), Mail.given_up_at.is_(None), Mail.created_at < now - GIVEN_UP_AFTER)
        .values(given_up_at=now, text=b"", html=b"", problem=MailNotSetUp().sentence))
    db.session.commit()


def _claim(number: int, now: datetime) -> bool:
    """Take one letter for this worker; False when another one has it or it has ended its way."""
    taken = db.session.execute(
        update(Mail).where(Mail.id == number, Mail.sent_at.is_(None), Mail.given_up_at.is_(None), Mail.due_at <= now)
        .values(due_at=now + CLAIMED_FOR, tries=Mail.tries + 1))
    db.session.commit()
    return bool(taken.rowcount)  # type: ignore[attr-defined]  # an update has it


def _send(mail: Mail, settings: MailSettings, sender_name: str, now: datetime) -> bool:
    try:
        deliver(as_message(mail, settings, sender_name), settings)
    except BackupError as error:
        _put_off(mail, error, now)
        return False
    except (ValueError, IndexError) as error:  # an address that no header can hold
        _put_off(mail, MailRefused(server=settings.host, reason=str(error)), now)
        return False
    mail.sent_at, mail.problem, mail.text, mail.html = now, "", b"", b""
    db.session.commit()
    return True


def _put_off(mail: Mail, error: BackupError, now: datetime) -> None:
    mail.problem = error.sentence[:PROBLEM_LENGTH]
    mail.due_at = now + PAUSES[min(mail.tries, len(PAUSES)) - 1]
    if isinstance(error, MailRefused) or now - mail.created_at > GIVEN_UP_AFTER:
        mail.given_up_at, mail.text, mail.html = now, b"", b""
    log.warning("letter %s to %s: %s", mail.id, mail.recipient, error.sentence)
    db.session.commit()
