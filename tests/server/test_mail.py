"""E-mail, sent through a real mail server on loopback: confirmed once, tried again, or given up for good."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from flask import Flask

from server.extensions import db
from server.models import Mail
from server.services.house.branding import Branding
from server.services.mail import outbox
from server.services.mail.delivery import (
    PLAIN,
    STARTTLS,
    MailDelayed,
    MailNotSetUp,
    MailSettings,
    change_settings,
    deliver,
    read_settings,
)
from server.services.mail.letters import Fact, Letter, write
from tests.parts.certificates import make_certificate
from tests.parts.mail_server import PASSWORD, USER, MailServer, running_mail_server

NOW = datetime(2026, 11, 22, 9, 14, tzinfo=UTC)
BRAND = Branding("Müller & Söhne IT", colour="#175cd3", support_phone="+49 30 1234")


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server that takes everything."""
    with running_mail_server() as running:
        yield running


def letter(subject: str = "Completed – PC-FRONT, 22 Nov 09:14") -> Letter:
    """A letter with all its parts."""
    return write(subject, BRAND, ["The backup is complete."], facts=[Fact("Files", "2,148")],
                 link=("Open the portal", "https://backup.example.com"), look="ok", footer="You get this because.")


def put(key: str = "run:1:1", recipient: str = "alice@example.com", now: datetime = NOW) -> Mail:
    """A letter in the outbox."""
    assert outbox.queue(key, recipient, letter, now)
    db.session.commit()
    return db.session.query(Mail).filter_by(key=key).one()


def send(server: MailServer | MailSettings, now: datetime = NOW) -> int:
    """One turn of the worker."""
    settings = server if isinstance(server, MailSettings) else server.settings()
    return outbox.send_due(settings, BRAND.name, now)


def test_a_letter_arrives_as_text_and_html_under_the_resellers_name(app: Flask, server: MailServer) -> None:
    mail = put()
    assert send(server) == 1
    (arrived,) = server.letters
    assert arrived["Subject"] == "Completed – PC-FRONT, 22 Nov 09:14"
    assert arrived["From"].addresses[0].display_name == "Müller & Söhne IT"
    assert (arrived["To"], arrived["Message-ID"]) == ("alice@example.com", mail.message_id)
    assert arrived["Auto-Submitted"] == "auto-generated"
    parts = {part.get_content_type(): part.get_content() for part in arrived.walk() if not part.is_multipart()}
    assert list(parts) == ["text/plain", "text/html"]
    for content in parts.values():
        for words in ("The backup is complete.", "2,148", "https://backup.example.com", "+49 30 1234"):
            assert words in content
    assert "Müller &amp; Söhne IT" in parts["text/html"]
    assert db.session.get_one(Mail, mail.id).sent_at == NOW
    assert send(server) == 0
    assert len(server.letters) == 1


def test_an_occasion_is_told_once(app: Flask, server: MailServer) -> None:
    put()
    assert not outbox.queue("run:1:1", "alice@example.com", letter, NOW)
    assert not outbox.queue("run:1:2", "", letter, NOW)
    db.session.commit()
    assert send(server) == 1


def test_it_waits_longer_after_each_failure_and_gives_up_after_days(app: Flask, server: MailServer) -> None:
    mail, now, waits = put(), NOW, []
    server.data_replies = ["451 4.3.0 try later"] * 100
    while mail.given_up_at is None:
        assert send(server, now) == 0
        db.session.refresh(mail)
        waits.append(mail.due_at - now)
        now = mail.due_at
    assert waits[:5] == [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 60)]
    assert timedelta(days=3) < now - NOW < timedelta(days=3, hours=3)
    assert "451 4.3.0 try later" in mail.problem
    assert send(server, now + timedelta(days=1)) == 0


def test_it_arrives_once_the_server_is_back(app: Flask, server: MailServer) -> None:
    mail = put()
    assert send(MailSettings(host="127.0.0.1", port=1, security="plain", sender="a@example.com")) == 0
    db.session.refresh(mail)
    assert (mail.tries, mail.due_at) == (1, NOW + timedelta(minutes=1))
    assert send(server, NOW + timedelta(seconds=59)) == 0
    assert send(server, NOW + timedelta(minutes=1)) == 1


def test_a_refused_address_is_given_up_at_once_and_stops_no_other(app: Flask, server: MailServer) -> None:
    refused, other = put("a", "gone@example.com"), put("b")
    server.recipient_replies = ["550 5.1.1 no such user"]
    assert send(server) == 1
    db.session.refresh(refused)
    assert refused.given_up_at == NOW
    assert "550 5.1.1 no such user" in refused.problem
    assert db.session.get_one(Mail, other.id).sent_at == NOW


def test_a_letter_that_was_taken_but_not_confirmed_comes_again_under_the_same_name(
    app: Flask, server: MailServer
) -> None:
    put()
    server.drop_after_data = 1
    assert send(server) == 0
    assert send(server, NOW + timedelta(minutes=1)) == 1
    first, second = server.letters
    assert first["Message-ID"] == second["Message-ID"]


def test_a_worker_that_died_while_sending_keeps_the_letter_from_nobody(app: Flask, server: MailServer) -> None:
    mail = put()
    assert outbox._claim(mail.id, NOW)
    assert send(server) == 0, "another worker may still be sending it"
    assert send(server, NOW + outbox.CLAIMED_FOR) == 1


def test_two_workers_never_send_the_same_letter(app: Flask, server: MailServer) -> None:
    numbers = [put(f"run:1:{number}").id for number in range(5)]
    assert [outbox._claim(number, NOW) for number in numbers[:3]] == [True] * 3
    assert send(server) == 2


def test_without_a_mail_server_letters_wait(app: Flask, server: MailServer) -> None:
    mail = put()
    assert send(MailSettings()) == 0
    db.session.refresh(mail)
    assert (mail.tries, mail.given_up_at) == (0, None)
    assert send(server, NOW + timedelta(days=2)) == 1


def test_whoever_sets_a_mail_server_up_later_sends_no_old_news(app: Flask, server: MailServer) -> None:
    mail = put()
    later = NOW + timedelta(days=3, minutes=1)
    assert send(MailSettings(), later) == 0
    db.session.refresh(mail)
    assert mail.given_up_at == later
    assert "mail server" in mail.problem
    assert send(server, later) == 0


def test_what_ended_letters_said_is_forgotten_and_that_they_were_told_is_not(app: Flask, server: MailServer) -> None:
    refused, sent = put("a", "gone@example.com"), put("b")
    server.recipient_replies = ["550 5.1.1 no such user"]
    send(server)
    for mail in (refused, sent):
        db.session.refresh(mail)
        assert (mail.text, mail.html) == (b"", b"")
        assert not outbox.queue(mail.key, "alice@example.com", letter, NOW)


def test_hostile_subjects_and_addresses_add_no_headers(app: Flask, server: MailServer) -> None:
    for key, recipient, subject in (("a", "a@example.com", "Hello\r\nBcc: eve@example.com"),
                                    ("b", "a@example.com\r\nBcc: eve@example.com", "Hello")):
        outbox.queue(key, recipient, partial(letter, subject), NOW)
    db.session.commit()
    assert send(server) == 1
    (arrived,) = server.letters
    assert arrived["Bcc"] is None
    assert arrived["Subject"] == "Hello Bcc: eve@example.com"
    assert db.session.query(Mail).filter_by(key="b").one().given_up_at == NOW


def test_markup_in_names_stays_text() -> None:
    html = write("<script>x</script>", Branding("<b>"), ["<i>"], facts=[Fact("<u>", "<s>")]).html
    for tag in ("<script>", "<b>", "<i>", "<u>", "<s>"):
        assert tag not in html


def test_it_signs_in_over_tls_and_trusts_only_the_right_server(app: Flask, tmp_path: Path) -> None:
    certificate = make_certificate()
    authority = tmp_path / "ca.pem"
    authority.write_text(certificate.trusted)
    put()
    with running_mail_server(certificate, tmp_path) as server:
        right = server.settings(security=STARTTLS, user=USER, password=PASSWORD, authority=authority)
        message = outbox.as_message(db.session.query(Mail).one(), right, "IBS")
        for change, reason in (
            ({"password": "wrong"}, "535"), ({"authority": None}, "CERTIFICATE_VERIFY_FAILED"), ({"user": ""}, "530"),
            ({"security": PLAIN}, "AUTH"),
        ):  # fmt: skip
            with pytest.raises(MailDelayed, match=reason):
                deliver(message, replace(right, **change))
        assert send(right) == 1
    with pytest.raises(MailNotSetUp):
        deliver(message, MailSettings(host="mail.example.com"))


def test_settings_are_kept_with_a_sealed_password(app: Flask) -> None:
    settings = MailSettings(host="mail.example.com", port=465, security="tls", user="u", password=PASSWORD,
                            sender="backup@example.com", reseller="us@example.com", alarms=True)
    change_settings(settings, bytes(32), 0, NOW, actor="admin")
    assert read_settings(bytes(32)) == settings
    kept = db.session.connection().exec_driver_sql("SELECT * FROM preference").all()
    deeds = db.session.connection().exec_driver_sql("SELECT * FROM audit_event").all()
    assert "s3cret" not in str(kept) + str(deeds)
    assert "(secret)" in str(deeds)


def test_old_letters_are_forgotten_and_waiting_ones_kept(app: Flask, server: MailServer) -> None:
    put("old")
    send(server)
    put("waiting")
    outbox.forget_old(NOW + timedelta(days=3 * 365 + 1))
    assert [mail.key for mail in db.session.query(Mail)] == ["waiting"]
