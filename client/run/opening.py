"""Opening a run: what the portal is asked, and the journal that makes it the same run when the answer gets lost."""
from __future__ import annotations

import threading
import uuid
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from client.api.portal import Portal, PortalRun
from client.computer.hardware import hardware_hash, tell_if_changed
from client.store.documents import Tell
from client.store.settings import Journal, load_journal, save_journal
from protocol import __version__
from protocol.errors import BadRequest
from protocol.messages import OpenedRun, OpenRun


class KeptJournal:
    """The journal and its file, which always say the same, also when a heartbeat's new lease meets the end of the run.
    """

    def __init__(self, home: Path, tell: Tell) -> None:
        """Reads it; `tell` hears of a file that had to be repaired."""
        self._home = home
        self._turn = threading.RLock()
        self.now = load_journal(home, tell)

    def change(self, **fields: Any) -> None:
        """Write other values of these fields down."""
        with self._turn:
            self.begin_anew(replace(self.now, **fields))

    def begin_anew(self, journal: Journal) -> None:
        """Write another journal down."""
        with self._turn:
            self.now = journal
            save_journal(self._home, journal)


def open_run(
    home: Path, journal: KeptJournal, portal: Portal, *, automatic: bool, at: datetime
) -> tuple[uuid.UUID, OpenedRun, PortalRun]:
    """The run's name, its terms and the calls that belong to it. Raises what the portal raises."""
    report = tell_if_changed(home, portal)
    known = journal.now
    name = uuid.UUID(known.asked) if known.asked else uuid.uuid4()
    journal.change(asked=str(name))  # should the answer be lost
    request = OpenRun(
        uuid=str(name),
        automatic=automatic,
        client_version=__version__,
        client_time=at,
        hardware_hash=hardware_hash(report),
        last_commit=known.last_commit,
        last_commit_hash=known.last_commit_hash,
        unfinished_uuid=known.uuid,
        unfinished_lease=known.lease,
    )
    try:
        opened, run = portal.open_run(request, lambda lease: journal.change(lease=lease))
    except BadRequest:  # the run that was asked for has lapsed in the meantime
        if not known.asked:
            raise
        journal.now = replace(known, asked="")
        return open_run(home, journal, portal, automatic=automatic, at=at)
    journal.change(run=opened.number, uuid=str(name), lease=opened.lease, asked="")
    return name, opened, run
