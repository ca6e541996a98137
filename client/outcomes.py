"""What the end of a job means: the event that tells of it, and the exit code of the command."""
from __future__ import annotations

from client.errors import Unexpected
from client.events import Cancelled, Event, Failed
from client.jobs.control import RunCancelled
from protocol.errors import BadRequest, CommitRefused, LeaseLost, NotFound, QuotaReached, Refusal, StorageMissing
from protocol.messages import EndRun
from vault.errors import BackupError, StorageFull

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


def end_of_run(error: BaseException) -> EndRun:
    """What the portal is told of a run that ended by `error`, without a snapshot."""
    if isinstance(error, BackupError):
        state = "full" if isinstance(error, QuotaReached | StorageFull) else "failed"
        state = "refused" if isinstance(error, Refusal) and state != "full" else state
        return EndRun(state=state, code=error.code, sentence=error.sentence[:2000])
    if isinstance(error, RunCancelled | KeyboardInterrupt):
        return EndRun(state="cancelled")
    return EndRun(state="failed", code=BackupError.code)


def ending(error: BaseException) -> Event:
    """The event that tells of a job which ended by `error`."""
    if isinstance(error, KeyboardInterrupt | RunCancelled):
        return Cancelled()
    known = error if isinstance(error, BackupError) else Unexpected(reference="technical.log")
    return Failed(known.code, known.sentence, known.hint, is_refusal(known))
