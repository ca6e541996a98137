"""F23: servers that answer strangely when a download is stopped early still deliver every byte of a folder."""
from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.parts.ftp_servers import FtpServer
from tests.vault.small_vault import VAULT, VAULT_KEY
from vault.blobs import DATA, seal_blob
from vault.chunks import chunk_id
from vault.ftp import FtpStorage
from vault.keys import derive_keys
from vault.layout import VAULT_FILE, pack_name, vault_folder
from vault.packs import PackBuilder
from vault.reader import Location, Reader

KEYS = derive_keys(VAULT_KEY, VAULT)
FILES = 1_000


def stored(storage: FtpStorage, plains: list[bytes], per_pack: int) -> list[Location]:
    """The chunks in packs of `per_pack` on the storage."""
    storage.put_new(VAULT_FILE, b"{}")
    found = []
    for number, start in enumerate(range(0, len(plains), per_pack)):
        builder = PackBuilder(VAULT, KEYS)
        builder.begin(number, 1)
        blobs = []
        for plain in plains[start : start + per_pack]:
            identity = chunk_id(KEYS.chunk, plain)
            compression, salt, sealed = seal_blob(KEYS, VAULT, identity, plain)
            blobs.append(builder.add(identity, DATA, compression, salt, sealed, len(plain)))
        data, digest = builder.close()
        with data:
            storage.put_new(pack_name(number, digest), data)
        found += [Location(number, digest, *blob) for blob in blobs]
    return found


@pytest.mark.parametrize("kind", ["proftpd", "pureftpd"])
def test_f23_a_thousand_small_files_are_byte_exact(kind: str, start_ftp: Callable[..., FtpServer]) -> None:
    server = start_ftp(kind, tls=True)
    source = random.Random(23)
    plains = [source.randbytes(source.randrange(1, 20_000)) for _ in range(FILES)]
    with FtpStorage(server.address(), vault_folder(VAULT)) as storage:
        locations = stored(storage, plains, per_pack=400)
        reader = Reader(storage, KEYS, VAULT)
        assert list(reader.read(locations)) == plains
        for place in range(0, FILES, 50):  # each of these stops its download early
            assert list(reader.read([locations[place]])) == [plains[place]]
        backwards = list(range(FILES - 1, 0, -100))
        assert list(reader.read(locations[place] for place in backwards)) == [plains[place] for place in backwards]
