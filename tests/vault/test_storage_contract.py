"""What every storage promises, told once and checked on a folder and on each real FTP server."""
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.parts.ftp_servers import KINDS, FtpServer
from vault.errors import NameTaken, ObjectMissing, TransferFailed, UnsafeName
from vault.ftp import FtpStorage
from vault.layout import VAULT_FILE
from vault.storage import FolderStorage, Storage

PACK = "p/00/000/00000001-0123456789abcdef.ibp"
CHOICES = ["folder", *(f"{kind}-{safety}" for kind in KINDS for safety in ("plain", "tls"))]


@pytest.fixture(params=CHOICES)
def storage(request: pytest.FixtureRequest, tmp_path: Path, start_ftp: Callable[..., FtpServer]) -> Iterator[Storage]:
    """A storage with an empty vault."""
    kind, _, safety = request.param.partition("-")
    vault: Storage
    if kind == "folder":
        vault = FolderStorage(tmp_path / "vault")
    else:
        server = start_ftp(kind, tls=safety == "tls")
        vault = FtpStorage(server.address("/with space and ümlaut"), "0d6f2e5c-5d3d-4a55-9ab6-7b1e1e3f0a11")
    vault.put_new(VAULT_FILE, b"{}")
    yield vault
    vault.close()


def content(size: int) -> bytes:
    return os.urandom(size)


def test_it_returns_what_was_stored(storage: Storage) -> None:
    data = content((1 << 20) + 17)
    storage.put_new(PACK, data)
    assert storage.size(PACK) == len(data)
    assert storage.read(PACK) == data


def test_it_stores_empty_objects(storage: Storage) -> None:
    storage.put_new(PACK, b"")
    assert storage.size(PACK) == 0
    assert storage.read(PACK) == b""


@pytest.mark.parametrize("form", [bytes, bytearray, memoryview])
def test_it_takes_every_kind_of_buffer(storage: Storage, form: Callable[[bytes], Any]) -> None:
    data = content(70_000)
    storage.put_new(PACK, form(data))
    assert storage.read(PACK) == data


def test_it_reads_ranges(storage: Storage) -> None:
    data = content(3 << 20)
    storage.put_new(PACK, data)
    for offset, length in ((0, 1), (0, 300_000), (1_500_000, 1024), (len(data) - 100, 100), (1 << 20, 1 << 20),
                           (0, len(data)), (700_000, 0), (2_000_000, 1024), (5, 7)):
        assert storage.read(PACK, offset, length) == data[offset:offset + length]
    assert storage.read(PACK, 3_000_000) == data[3_000_000:]


def test_it_refuses_to_read_beyond_the_end(storage: Storage) -> None:
    storage.put_new(PACK, content(1000))
    with pytest.raises(TransferFailed):
        storage.read(PACK, 900, 101)
    assert len(storage.read(PACK, 900, 100)) == 100


def test_it_proves_absence(storage: Storage) -> None:
    assert storage.size(PACK) is None
    with pytest.raises(ObjectMissing):
        storage.read(PACK)
    with pytest.raises(ObjectMissing):
        storage.read(PACK, 10, 10)


def test_it_tells_many_sizes_at_once(storage: Storage) -> None:
    names = [f"p/00/000/{number:08d}.ibp" for number in range(70)]
    for number in (0, 33, 69):
        storage.put_new(names[number], content(number))
    assert storage.sizes(names) == [number if number in {0, 33, 69} else None for number in range(70)]
    assert storage.sizes([]) == []
    assert storage.size(names[33]) == 33


def test_it_counts_a_repetition_as_success(storage: Storage) -> None:
    data = content(5000)
    storage.put_new(PACK, data)
    storage.put_new(PACK, data)
    assert storage.read(PACK) == data
    assert storage.list("p/00/000") == [PACK]


def test_it_never_overwrites(storage: Storage) -> None:
    storage.put_new(PACK, b"first")
    with pytest.raises(NameTaken):
        storage.put_new(PACK, b"second one")
    assert storage.read(PACK) == b"first"
    assert storage.list("p/00/000") == [PACK]


def test_it_deletes_and_takes_a_repetition_for_success(storage: Storage) -> None:
    storage.put_new(PACK, b"data")
    storage.delete(PACK)
    storage.delete(PACK)
    assert storage.size(PACK) is None
    storage.put_new(PACK, b"other data")
    assert storage.read(PACK) == b"other data"


def test_it_lists_names_with_their_folder(storage: Storage) -> None:
    names = [f"s/00/002/{number:08d}.commit" for number in range(100, 105)]
    for name in names:
        storage.put_new(name, b"x")
    assert storage.list("s/00/002") == names
    assert storage.list("s/00/003") == []
    assert set(storage.list("")) == {VAULT_FILE, "s"}


def test_f20_it_refuses_names_that_could_be_commands(storage: Storage) -> None:
    for name in ("", "/etc/passwd", "../up", "p//x", "p/./x", "p/x\r\nDELE y", "p/\0"):
        for attempt in (lambda name: storage.put_new(name, b"x"), storage.size, storage.read, storage.delete):
            with pytest.raises(UnsafeName):
                attempt(name)


def test_it_goes_on_after_close(storage: Storage) -> None:
    storage.put_new(PACK, b"data")
    storage.close()
    assert storage.read(PACK) == b"data"
