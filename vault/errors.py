"""The family of failures that are explained to a person.

An error class is a sentence (its docstring, a template for the arguments), a stable code and a hint: what
happened, whether the files are safe, what happens next and what the reader can do. docs/errors.md lists them all.
Codes: 1xxx account and subscription, 2xxx connection and storage, 3xxx space, 4xxx source files, 5xxx vault,
9xxx our side.
"""
from __future__ import annotations

import inspect
from typing import Any, ClassVar


class BackupError(Exception):
    """Something went wrong on our side. Nothing was changed."""

    code: ClassVar[str] = "IBS-9001"
    hint: ClassVar[str] = "Try again. If it happens again, send the activity log to your backup provider."
    retry: ClassVar[bool] = False
    """True when the same attempt can succeed a moment later."""

    def __init__(self, **details: Any) -> None:
        """`details` fill the template of the class; they are shown to people and never hold a secret."""
        self.details = details
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """The docstring's first paragraph with the details filled in."""
        template = inspect.cleandoc(type(self).__doc__ or "").split("\n\n")[0].replace("\n", " ")
        try:
            return template.format(**self.details)
        except (KeyError, IndexError):
            return template

    def explain(self) -> str:
        """The whole message for a person: sentence, hint, code."""
        return f"{self.sentence} {self.hint} ({self.code})"


class StorageError(BackupError):
    """The storage did not do what was asked: {reason}. Earlier backups are safe."""

    code = "IBS-2100"
    hint = "The next backup tries again. If this lasts, ask your backup provider to check the storage."


class StorageUnreachable(StorageError):
    """Can't reach the storage {host}: {reason}. Your earlier backups are safe."""

    code = "IBS-2101"
    hint = "The next backup tries again. If this lasts until tomorrow, contact your backup provider."
    retry = True


class StorageSilent(StorageError):
    """The storage stopped answering: {reason}. Your earlier backups are safe."""

    code = "IBS-2102"
    hint = "The next backup tries again and reuses what was already stored."
    retry = True


class StorageRefused(StorageError):
    """The storage refused the sign-in of {user}: {reason}. No backup was made; earlier ones are safe."""

    code = "IBS-2103"
    hint = "Ask your backup provider to check the storage's user name and password."


class TooManyConnections(StorageError):
    """The storage allows no further connection: {reason}. Earlier backups are safe."""

    code = "IBS-2104"
    hint = "Fewer connections are used from now on; nothing needs to be done."
    retry = True


class CertificateRejected(StorageError):
    """The connection to {host} isn't trusted, so nothing was sent: {reason}."""

    code = "IBS-2110"
    hint = "Check this computer's date and time. If they are right, ask your backup provider about the certificate."


class TransferFailed(StorageError):
    """{name} was not stored or not delivered completely: {reason}. Earlier backups are safe."""

    code = "IBS-2120"
    hint = "The transfer is repeated. If it keeps failing, the storage needs a check."
    retry = True


class NameTaken(StorageError):
    """{name} exists on the storage with other content. Nothing was overwritten."""

    code = "IBS-2121"
    hint = "Another writer may use this vault. Ask your backup provider to check the computer's runs."


class ObjectMissing(StorageError):
    """{name} is not on the storage."""

    code = "IBS-2122"
    hint = "Ask your backup provider to check the storage."


class DeleteRefused(StorageError):
    """The storage does not allow {name} to be deleted: {reason}."""

    code = "IBS-2123"
    hint = "Nothing needs to be done: computers may not delete what is stored."


class StorageUnsuitable(StorageError):
    """This server can't be used as a storage: {reason}. Nothing was registered."""

    code = "IBS-2130"
    hint = "The docs list what a storage must be able to do (docs/storages.md)."


class UnsafeName(StorageError):
    """The folder or name {name!r} holds characters that can't be sent to a storage. Nothing was sent."""

    code = "IBS-2131"
    hint = "Use a folder name without line breaks or control characters."


class StorageFull(StorageError):
    """The storage has no space left: {reason}. New changes aren't being backed up; earlier backups are safe."""

    code = "IBS-3002"
    hint = "Ask your backup provider for more space. What was already stored is used by the next backup."


class VaultError(BackupError):
    """The backup's store can't be used: {reason}."""

    code = "IBS-5200"
    hint = "Nothing was changed. Ask your backup provider to check the vault."


class VaultDamaged(VaultError):
    """{name} in the storage doesn't match its checksum: {reason}. Other files are not affected."""

    code = "IBS-5201"
    hint = "The next backup uploads the data again if the computer still has it."


class CommitInvalid(VaultError):
    """The snapshot {name} is not complete: {reason}. Earlier snapshots are safe."""

    code = "IBS-5202"
    hint = "Use an earlier snapshot; the next backup makes a new one."


class VaultMissing(VaultError):
    """There is no vault {name} at this address."""

    code = "IBS-5203"
    hint = "Check the address, the base folder and the vault's identifier on the recovery sheet."


class FormatUnknown(VaultError):
    """{name} was written by a newer version of this program: {reason}."""

    code = "IBS-5204"
    hint = "Install the current version of the program and try again."


class KeyRejected(VaultError):
    """The recovery code isn't right for this vault. Nothing was changed."""

    code = "IBS-5301"
    hint = "Check the code on the recovery sheet; it has 28 letters and digits, and its last two are a check sum."


class SnapshotMissing(VaultError):
    """There is no snapshot {number}."""

    code = "IBS-5302"
    hint = "The command “snapshots” lists those that can be restored."
