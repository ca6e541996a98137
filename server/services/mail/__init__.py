"""E-mail: what is written to whom and when, the outbox, and the way to the reseller's mail server."""
from __future__ import annotations

from datetime import datetime

from server.config import Config
from server.extensions import db
from server.services.house.branding import read_branding
from server.services.mail import alarms, outbox, run_letters
from server.services.mail.delivery import read_settings


def send_mail(config: Config, now: datetime) -> int:
    """Write about the runs that ended, and send what is due; how many letters were confirmed."""
    brand = read_branding(config.portal_name)
    run_letters.queue_for_runs(brand, now)
    settings = read_settings(config.secrets.kek, config.mail_authority)
    db.session.commit()
    return outbox.send_due(settings, brand.name, now)


def write_reminders(config: Config, now: datetime) -> None:
    """Write what nobody's run tells: overdue backups, subscriptions that end, weekly summaries."""
    brand = read_branding(config.portal_name)
    alarms.queue_overdue(brand, read_settings(config.secrets.kek), now)
    alarms.queue_reminders(brand, now)
    run_letters.queue_summaries(brand, now)
    outbox.forget_old(now)
