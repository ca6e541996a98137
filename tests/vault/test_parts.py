"""A manifest begins its vault and stores its parts in spite of a connection that fails for a moment."""
from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from vault.errors import StorageUnreachable
from vault.keys import derive_keys
from vault.layout import VAULT_FILE
from vault.parts import ManifestWriter
from vault.storage import FolderStorage

VAULT = UUID(int=7)
FILES = [(VAULT_FILE, b"{}"), ("k/0123456789abcdef.key", b"wrapped")]


class Shaky(FolderStorage):
    """A folder that can't be reached the first few times."""

    def __init__(self, folder: Path, failures: int) -> None:
        super().__init__(folder)
        self.failures = failures

    def put_new(self, name: str, data: bytes | bytearray | memoryview) -> None:
        self._fail()
        super().put_new(name, data)

    def size(self, name: str) -> int | None:
        self._fail()
        return super().size(name)

    def _fail(self) -> None:
        if self.failures:
            self.failures -= 1
            raise StorageUnreachable(host="there", reason="a moment")


def begun(storage: FolderStorage, files: list[tuple[str, bytes]], *, beside: bool = True) -> ManifestWriter:
    manifest = ManifestWriter(lambda: storage, VAULT, derive_keys(bytes(64), VAULT), 1, "f")
    manifest.begin(files, beside=beside)
    return manifest


@pytest.mark.parametrize("beside", [True, False])
def test_a_new_vault_has_its_files_when_the_manifest_is_finished(tmp_path: Path, beside: bool) -> None:
    begun(FolderStorage(tmp_path), FILES, beside=beside).finish()
    assert {name: (tmp_path / name).read_bytes() for name, _ in FILES} == dict(FILES)


def test_a_moment_without_the_storage_at_the_beginning_costs_nothing(tmp_path: Path) -> None:
    begun(Shaky(tmp_path, failures=1), FILES).finish()
    assert {name: (tmp_path / name).read_bytes() for name, _ in FILES} == dict(FILES)


def test_a_connection_that_failed_early_is_no_reason_to_end_a_run(tmp_path: Path) -> None:
    assert begun(Shaky(tmp_path, failures=1), []).finish() == {}


def test_a_vault_that_can_not_be_begun_ends_the_run_before_its_commit(tmp_path: Path) -> None:
    manifest = begun(Shaky(tmp_path, failures=99), FILES)
    with pytest.raises(StorageUnreachable):
        manifest.finish()
