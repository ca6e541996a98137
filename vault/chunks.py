"""Chunks: where files are cut, and how a chunk is named.

Boundaries come from FastCDC 2020 (pyfastcdc, pinned, held by golden vectors in the tests). A change of the chunker
would cost deduplication, never a restore, because manifests list chunks explicitly.
"""
from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import BinaryIO

from pyfastcdc import FastCDC

CHUNK_ID_LENGTH = 16
WHOLE = 512 << 10
"""Files up to this size are one chunk."""
MINIMUM, AVERAGE, MAXIMUM = 512 << 10, 1 << 20, 4 << 20
FIXED_SUFFIXES = (".vhdx", ".vmdk", ".mdf", ".hc")
"""Disk images and databases that change in place: cut every 4 MiB, since moving boundaries would gain nothing."""

if FastCDC.__module__ != "pyfastcdc.cy.fastcdc":  # the pure Python fallback is two hundred times slower
    raise ImportError("pyfastcdc was installed without its compiled extension; reinstall it from its wheel")


def chunk_id(key: bytes, plain: bytes | memoryview) -> bytes:
    """The first 128 bits of keyed BLAKE2b-256 over a chunk; `key` is VaultKeys.chunk."""
    return blake2b(plain, key=key, person=b"ibs-chunk-v1", digest_size=32).digest()[:CHUNK_ID_LENGTH]


class Chunker:
    """Cuts large files; `seed` is VaultKeys.gear, so that boundaries differ between vaults."""

    def __init__(self, seed: int) -> None:
        self._content_defined = FastCDC(min_size=MINIMUM, avg_size=AVERAGE, max_size=MAXIMUM, seed=seed)

    def cut(self, file: BinaryIO, name: str) -> Iterator[bytes]:
        """The chunks of an unbuffered file from its position to its end; `name` decides how it is cut."""
        if name.lower().endswith(FIXED_SUFFIXES):
            while block := read_full(file, MAXIMUM):
                yield block
        else:
            for chunk in self._content_defined.cut_stream(file):
                yield bytes(chunk.data)


    def cut_whole(self, content: bytes, name: str) -> Iterator[bytes]:
        """As `cut`, for a file of at most MAXIMUM bytes: without the buffers that a large one needs."""
        if name.lower().endswith(FIXED_SUFFIXES):
            yield from filter(None, [content])
        else:
            for chunk in self._content_defined.cut_buf(content):
                yield bytes(chunk.data)


def read_full(file: BinaryIO, size: int) -> bytes:
    """`size` bytes, fewer only at the end: a raw file may return less than asked."""
    blocks = []
    while size and (block := file.read(size)):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)
