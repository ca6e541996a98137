"""Settling runs that lost their computer: a snapshot if it left a commit object on the storage, else abandoned."""
from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import select

from protocol.errors import CommitRefused
from server.config import Config
from server.extensions import db
from server.models import Run, Vault
from server.models.runs import ABANDONED, OPEN
from server.services.backup.commits import accept_left_commit
from server.services.backup.entries import undo_run
from server.services.fleet.endings import note_end
from server.services.storage.storages import open_vault_storage
from vault.errors import BackupError, ObjectMissing
from vault.layout import commit_name

LEFT = "The computer left this run without a snapshot. What was stored is used by the next backup."
log = logging.getLogger("ibs.runs")


def settle(vault_id: int, run_no: int, config: Config, now: datetime, *, forced: bool = False) -> None:
    """Close an open run whose lease has lapsed; `forced` when its own computer says that it is dead.

    Ends the running transaction, since the storage is asked in between. Does nothing to a run that is alive again or
    closed already. Raises StorageError when the storage can't tell: then the run stays open.
    """
    vault = db.session.get_one(Vault, vault_id)
    db.session.commit()
    left = read_left_commit(vault, run_no, config)
    run = db.session.get_one(Run, (vault_id, run_no), with_for_update=True, populate_existing=True)
    if run.state != OPEN or (run.is_live(now) and not forced):
        db.session.commit()
        return
    if left is not None:
        try:
            accept_left_commit(run, left, config, now)
        except CommitRefused as refusal:
            log.warning("vault %s, run %s: %s", vault.uuid, run_no, refusal.sentence)
            db.session.rollback()
            run = db.session.get_one(Run, (vault_id, run_no), with_for_update=True, populate_existing=True)
        else:
            db.session.commit()
            log.info("vault %s, run %s: committed by what its computer left", vault.uuid, run_no)
            return
    close_without_snapshot(run, ABANDONED, now, sentence=LEFT)


def settle_expired(now: datetime, config: Config) -> int:
    """Settle every open run whose lease has lapsed; returns how many are closed. One that fails stays for later."""
    lapsed = db.session.execute(
        select(Run.vault_id, Run.run_no).where(Run.state == OPEN, Run.lease_until <= now)
    ).all()
    db.session.commit()
    settled = 0
    for vault_id, run_no in lapsed:
        try:
            settle(vault_id, run_no, config, now)
            settled += 1
        except BackupError as error:
            db.session.rollback()
            log.warning("run %s of vault number %s can't be settled yet: %s", run_no, vault_id, error.sentence)
    return settled


def close_without_snapshot(run: Run, state: str, now: datetime, *, code: str = "", sentence: str = "") -> None:
    """End a run and take back its entries; its packs stay for the next run.

    The state goes first: it keeps out the run's own computer, should that wake up. A crash before the entries are gone
    does no harm, as the next run takes them back again before it begins.
    """
    run.state, run.finished_at, run.code, run.sentence = state, now, code, sentence
    note_end(run)
    db.session.commit()
    undo_run(run.vault_id, run.run_no)


def read_left_commit(vault: Vault, run_no: int, config: Config) -> bytes | None:
    """The commit object of a run on the storage, None when it is not there. Raises StorageError."""
    storage = open_vault_storage(vault, config)
    try:
        return storage.read(commit_name(run_no))
    except ObjectMissing:
        return None
    finally:
        storage.close()
