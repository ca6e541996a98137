"""Failures that only the client meets: its store, its settings and a portal that answers strangely."""
from __future__ import annotations

from vault.errors import BackupError


class NotEnrolled(BackupError):
    """This computer isn't enrolled with a portal yet. Nothing was done."""

    code = "IBS-1105"
    hint = "Enrol it with “ibs-client enrol PORTAL_URL --user NAME --password-stdin”."


class AlreadyEnrolled(BackupError):
    """This computer is already enrolled with {portal} as {computer}. Nothing was changed."""

    code = "IBS-1106"
    hint = "To enrol it anew with a vault of its own, add --again."


class AccessKept(BackupError):
    """On this computer only administrators and the backup itself may ask the portal. Backups go on as planned."""

    code = "IBS-1108"
    hint = "To look and restore, sign in with the account's password: under Restore, or by “ibs-client sign-in”."


class AnswerUnreadable(BackupError):
    """{portal} doesn't answer like a portal: {reason}. Earlier backups are safe."""

    code = "IBS-2204"
    hint = "Check the portal's address and whether this network asks for a sign-in of its own."


class NoFolders(BackupError):
    """No folder is protected on this computer yet, so there is nothing to back up."""

    code = "IBS-4103"
    hint = "Choose one with “ibs-client folder add FOLDER”."


class FolderUnknown(BackupError):
    """{folder} isn't a folder on this computer. Nothing was changed."""

    code = "IBS-4104"
    hint = "Check the spelling; a folder on a removable disk can be added while the disk is connected."


class NotListed(BackupError):
    """{entry} is not in the list. Nothing was changed."""

    code = "IBS-4105"
    hint = "“ibs-client folder list” and “ibs-client exclude list” show what is."


class PatternUnusable(BackupError):
    """{pattern!r} can't be used as a pattern: {reason}. Nothing was changed."""

    code = "IBS-4106"
    hint = "A pattern is a name such as *.tmp or a path such as /home/*/Downloads."


class ScheduleUnusable(BackupError):
    """This schedule can't be used: {reason}. Nothing was changed."""

    code = "IBS-4108"
    hint = "Times are written as 18:00, days as mon,wed,fri. “ibs-client schedule set --help” shows examples."


class SchedulerRefused(BackupError):
    """The system's scheduler didn't register the backups: {reason}. Backups by hand work as ever."""

    code = "IBS-9220"
    hint = "For the whole computer it takes an administrator's rights. “ibs-client schedule verify” looks again."


class StoreNewer(BackupError):
    """The file {name} of the client's store was written by a newer version of the client. Nothing was changed."""

    code = "IBS-9206"
    hint = "Install the newer version again; an older one would lose what it does not know."


class HomeBusy(BackupError):
    """Another ibs-client is at work with the same store ({home}). Nothing was started."""

    code = "IBS-9201"
    hint = "Wait for it to end, or stop it."


class StoreDamaged(BackupError):
    """The file {name} of the client's store can't be read: {reason}. The backups are safe."""

    code = "IBS-9202"
    hint = "The file was set aside as *.damaged. Enrol this computer again if it was identity.xml."


class SettingsInvalid(BackupError):
    """The file {name} of the client's store doesn't fit its description: {reason}. Nothing was changed."""

    code = "IBS-9203"
    hint = "Correct that line, or rename the file; the version before the last change is beside it (.bak)."


class HomeUnusable(BackupError):
    """The client's store {home} can't be used: {reason}. The backups are safe."""

    code = "IBS-9204"
    hint = "Check its owner, its permissions and the free space, or name another place with --home."


class Unexpected(BackupError):
    """Something went wrong on our side. Earlier backups are safe. Reference {reference}."""

    code = "IBS-9205"
    hint = "Try again. If it happens again, send the file technical.log of the client's store to your backup provider."


class ChoiceUnreadable(BackupError):
    """The list of files on standard input can't be read, so nothing was restored."""

    code = "IBS-4207"
    hint = "Give a list of paths in JSON on one line."


class CopyUnsaved(BackupError):
    """The copy {file} could not be written: {reason}. The log itself is as it was."""

    code = "IBS-4208"
    hint = "Choose another place for it."


class NoAnswer(BackupError):
    """The command “{command}” ended without an answer (exit code {exit_code}). Nothing is known to be changed."""

    code = "IBS-9207"
    hint = "Try again. If it happens again, send the file technical.log of the client's store to your backup provider."


class NoDisplay(BackupError):
    """The window can't be opened here: {reason}. The backups are safe."""

    code = "IBS-9209"
    hint = "Open it on a desktop, or use the commands: “ibs-client --help” lists them."


class WindowOpen(BackupError):
    """The window is open already. It was brought to the front."""

    code = "IBS-9210"
    hint = "Look for it among the open windows."
