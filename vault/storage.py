"""The Storage contract, and FolderStorage, which keeps a vault in a local folder."""
from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Protocol

from vault.errors import NameTaken, ObjectMissing, StorageFull, TransferFailed, UnsafeName
from vault.layout import PART_SUFFIX


class Storage(Protocol):
    """Where one vault's objects lie. One thread at a time; every thread opens its own.

    Names come from vault.layout. Every method raises a StorageError; one whose class says `retry` may succeed when
    the same call is made again on the same object, which connects anew by itself.
    """

    def size(self, name: str) -> int | None:
        """Bytes stored under `name`. None only when its absence is proven."""

    def sizes(self, names: list[str]) -> list[int | None]:
        """`size` of each name, with fewer round trips where the storage allows that."""

    def put_new(self, name: str, data: bytes | bytearray | memoryview) -> None:
        """Store a new object completely or not at all; missing folders are made.

        Returns after the storage has confirmed the size. An object of that name and size counts as this one (a
        reply was lost); one of another size raises NameTaken. Nothing is ever overwritten.
        """

    def put_small(self, name: str, data: bytes) -> None:
        """Store a small object that authenticates itself, in the fewest round trips; a torn one may be left."""

    def read(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """Exactly `length` bytes from `offset`, or all up to the end; ObjectMissing, or TransferFailed if short."""

    def delete(self, name: str) -> None:
        """Remove an object; success when it is gone already. DeleteRefused where that is not allowed."""

    def list(self, folder: str) -> list[str]:
        """Names (with their folder) of what a folder holds; a hint, never a proof: listings lie."""

    def close(self) -> None:
        """End the connection; the object can be used again and then connects anew."""


def check_name(name: str) -> str:
    """`name` itself when it is a plain relative path; raises UnsafeName."""
    steps = name.split("/")
    if any(step in {"", ".", ".."} for step in steps) or any(ord(sign) < 32 or ord(sign) == 127 for sign in name):
        raise UnsafeName(name=name)
    return name


class FolderStorage:
    """A vault in a local folder: the bundled gateway's own view, USB disks, and tests."""

    def __init__(self, folder: Path) -> None:
        """`folder` is the vault's own folder; it is made with the first object."""
        self.folder = folder

    def _path(self, name: str) -> Path:
        return self.folder / check_name(name)

    def size(self, name: str) -> int | None:
        """See Storage.size."""
        try:
            return self._path(name).stat().st_size
        except FileNotFoundError:
            return None

    def sizes(self, names: list[str]) -> list[int | None]:
        """See Storage.sizes."""
        return [self.size(name) for name in names]

    def put_new(self, name: str, data: bytes | bytearray | memoryview) -> None:
        """See Storage.put_new; the file is on the disk (fsync) before it has its name."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART_SUFFIX}")
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(part, path)
        except FileExistsError as error:
            if path.stat().st_size != len(data):
                raise NameTaken(name=name) from error
        except OSError as error:
            if error.errno in {28, 122}:  # ENOSPC, EDQUOT
                raise StorageFull(reason=os.strerror(error.errno)) from error
            raise TransferFailed(name=name, reason=str(error)) from error
        finally:
            part.unlink(missing_ok=True)

    def put_small(self, name: str, data: bytes) -> None:
        """See Storage.put_small."""
        self.put_new(name, data)

    def read(self, name: str, offset: int = 0, length: int | None = None) -> bytes:
        """See Storage.read."""
        try:
            with self._path(name).open("rb") as file:
                file.seek(offset)
                data = file.read() if length is None else file.read(length)
        except FileNotFoundError as error:
            raise ObjectMissing(name=name) from error
        except OSError as error:
            raise TransferFailed(name=name, reason=str(error)) from error
        if length is not None and len(data) != length:
            raise TransferFailed(name=name, reason=f"{len(data)} of {length} bytes from {offset}")
        return data

    def delete(self, name: str) -> None:
        """See Storage.delete."""
        self._path(name).unlink(missing_ok=True)

    def list(self, folder: str) -> list[str]:
        """See Storage.list."""
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return sorted(f"{folder}/{entry}" if folder else entry for entry in os.listdir(self.folder / folder))
        return []

    def close(self) -> None:
        """Nothing stays open."""
