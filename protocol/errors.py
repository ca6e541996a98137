"""The portal's refusals, with the same classes on both sides of the client API.

The portal raises them; server/errors.py turns class into status and Problem; the client turns the Problem back into
the class of its code. `status` is the HTTP status of the client API and of the portal's pages.
"""
from __future__ import annotations

from typing import ClassVar

from protocol.messages import Problem
from vault.errors import BackupError


class Refusal(BackupError):
    """The portal refused: {reason}."""

    code = "IBS-1000"
    hint = "Ask your backup provider."
    status: ClassVar[int] = 403


class SignInFailed(Refusal):
    """The user name or password isn't right. Nothing was changed."""

    code = "IBS-1101"
    hint = "Try again, or ask your backup provider for a new password."
    status = 401


class TooManyAttempts(Refusal):
    """Too many tries. Sign-in opens again at {until}. Earlier backups are safe."""

    code = "IBS-1102"
    hint = "Wait until then, or ask your backup provider for a new password."
    status = 429


class SecondStepNeeded(Refusal):
    """The account {account} signs in with a second step, which this window can't ask for. Nothing was changed."""

    code = "IBS-1109"
    hint = "Download the files in the portal, or ask an administrator of this computer to restore them."
    status = 401


class SetUpCodeUsedUp(Refusal):
    """This set-up code isn't right, was used already, or has expired. Nothing was changed."""

    code = "IBS-1103"
    hint = "Ask your backup provider for a new one, or sign in with user name and password."
    status = 401


class TokenRejected(Refusal):
    """The portal doesn't know this computer any more. No backup was made; earlier ones are safe."""

    code = "IBS-1104"
    hint = "Enrol this computer again with the account's user name and password."
    status = 401


class BackupsSwitchedOff(Refusal):
    """Backups of this account were switched off by {by} on {since}{reason}. Its snapshots are safe."""

    code = "IBS-1201"
    hint = "Switch “Accept backups” on in the portal to back up again."


class SubscriptionExpired(Refusal):
    """The plan {plan} expired on {until}. New backups are off; everything backed up until then can be restored."""

    code = "IBS-1202"
    hint = "Ask your backup provider to renew the subscription."


class TooManyComputers(Refusal):
    """The plan {plan} covers {allowed} computers and all are in use. Nothing was backed up here."""

    code = "IBS-1203"
    hint = "Ask your backup provider to replace a computer or to change the plan."


class HardwareChanged(Refusal):
    """{computer} looks like a different computer. No backup was made; earlier ones are safe."""

    code = "IBS-1204"
    hint = "Your backup provider has been asked to confirm it; the next backup tries again."


class SubscriptionMissing(Refusal):
    """The account {account} has no subscription, so nothing can be backed up. Nothing was changed."""

    code = "IBS-1205"
    hint = "Ask your backup provider for a subscription."


class SubscriptionNotBegun(Refusal):
    """The plan {plan} begins on {since}. No backup was made."""

    code = "IBS-1206"
    hint = "Back up from that day on, or ask your backup provider for an earlier start."


class IdentityShared(Refusal):
    """Two computers use the identity of {computer}: one runs while another one asks. Nothing was sent."""

    code = "IBS-1207"
    hint = "If this disk was copied from another computer, enrol this computer again: it then gets a vault of its own."
    status = 409


class ComputerPaused(Refusal):
    """The computer {computer} is paused or retired. No backup was made; earlier ones are safe."""

    code = "IBS-1208"
    hint = "Ask your backup provider to resume it."


class SubscriptionSuspended(Refusal):
    """The plan {plan} is suspended. New backups are off; everything backed up can be restored."""

    code = "IBS-1209"
    hint = "Ask your backup provider."


class NotFound(Refusal):
    """There is no {what}."""

    code = "IBS-1301"
    hint = "Check the name or number."
    status = 404


class BadRequest(Refusal):
    """The portal could not read the request: {reason}. Nothing was changed."""

    code = "IBS-1302"
    hint = "Install the current version of the client."
    status = 400


class QuotaReached(Refusal):
    """The quota is used up ({used} of {quota}). New changes aren't being backed up; earlier backups are safe."""

    code = "IBS-3001"
    hint = "Choose fewer folders or ask your backup provider for more space. The next backup uses what was stored."
    status = 507


class VaultBusy(Refusal):
    """Another backup of {computer} has been running since {since}. Nothing was sent."""

    code = "IBS-5101"
    hint = "Wait for it to end. If its computer is gone, it ends by itself within ten minutes."
    status = 409


class LeaseLost(Refusal):
    """The portal has closed this run, because it had not heard of it. What was stored is used by the next backup."""

    code = "IBS-5102"
    hint = "Start the backup again."
    status = 409


class CatalogueBehind(Refusal):
    """The portal knows snapshots up to {known}, this computer made {made}. Nothing was sent; all backups are safe."""

    code = "IBS-5103"
    hint = "The portal was set back to an older state. Ask your backup provider to bring its catalogue up to date."
    status = 409


class CommitRefused(Refusal):
    """The portal could not accept the snapshot: {reason}. Earlier snapshots are safe."""

    code = "IBS-5104"
    hint = "Start the backup again; what was stored is reused."
    status = 409


class StorageMissing(Refusal):
    """The portal has no storage to back up to. Nothing was changed."""

    code = "IBS-2150"
    hint = "The administrator adds one with “ibs-server storage add”."
    status = 503


class PortalUnreachable(BackupError):
    """Can't reach the portal {portal}: {reason}. Your earlier backups are safe."""

    code = "IBS-2201"
    hint = "Check the network. The next backup tries again."
    retry = True


class PortalUntrusted(BackupError):
    """The portal's certificate isn't trusted, so nothing was sent: {reason}."""

    code = "IBS-2202"
    hint = "Check this computer's date and time, or name the portal's certificate with --ca."


class PortalAddressWrong(BackupError):
    """{address} can't be used as the portal's address: {reason}. Nothing was sent."""

    code = "IBS-2203"
    hint = "Use https://…; plain http:// is accepted for this computer itself (loopback) only."


class PortalFailed(BackupError):
    """Something went wrong on the portal's side. Nothing was changed. Reference {reference}."""

    code = "IBS-9002"
    hint = "Try again. If it happens again, tell your backup provider the reference."
    retry = True


def describe(error: BackupError) -> Problem:
    """The message that tells a client of `error`."""
    details = {key: str(value) for key, value in error.details.items()}
    return Problem(code=error.code, sentence=error.sentence, hint=error.hint, details=details)


def _family(base: type[BackupError]) -> dict[str, type[BackupError]]:
    found = {base.code: base}
    for child in base.__subclasses__():
        found |= _family(child)
    return found


def recognise(problem: Problem) -> BackupError:
    """The error that a Problem tells of; a code of a newer portal becomes a plain Refusal with its words."""
    kind = _family(BackupError).get(problem.code)
    if kind is None:
        return Refusal(reason=f"{problem.sentence} {problem.hint}".strip())
    return kind(**problem.details)
