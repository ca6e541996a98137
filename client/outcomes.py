"""What the end of a job means: the event that tells of it, and the exit code of the command."""
from __future__ import annotations

from client.errors import Unexpected
from client.events import Cancelled, Event, Failed
from protocol.errors import BadRequest, CommitRefused, LeaseLost, NotFound, QuotaReached, Refusal, StorageMissing
from vault.errors import BackupError

DONE = 0
FAILED = 1
USAGE = 2
DONE_WITH_SKIPPED = 3
REFUSED = 4
CANCELLED = 130

NOT_DECIDED = (QuotaReached, LeaseLost, CommitRefused, StorageMissing, NotFound, BadRequest)
"""Refusals that no person decided: the job failed, it was not turned away."""


def is_refusal(error: BaseException) -> bool:
    """True when the portal said no because of the account, the subscription or the computer."""
    return isinstance(error, Refusal) and not isinstance(error, NOT_DECIDED)


def exit_code(error: BaseException) -> int:
    """The command's exit code after `error`."""
    if isinstance(error, KeyboardInterrupt):
        return CANCELLED
    return REFUSED if is_refusal(error) else FAILED


def ending(error: BaseException) -> Event:
    """The event that tells of a job which ended by `error`."""
    if isinstance(error, KeyboardInterrupt):
        return Cancelled()
    known = error if isinstance(error, BackupError) else Unexpected(reference="technical.log")
    return Failed(known.code, known.sentence, known.hint, is_refusal(known))
