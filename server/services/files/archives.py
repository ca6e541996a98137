"""ZIP archives that are written as they are sent: stored, of any size, and of a length known beforehand.

The members are walked twice, once to count and once to write; the directory at the end lies in a temporary file in
between. So neither the number of members nor their size is limited by memory.
"""
from __future__ import annotations

import struct
import tempfile
from collections.abc import Generator, Iterable, Iterator
from datetime import datetime, tzinfo
from typing import NamedTuple
from zlib import crc32

LIMIT_32 = 0xFFFFFFFF
LIMIT_16 = 0xFFFF
MEMORY_LIMIT = 4 * 1024 * 1024
_VERSION = 20
_VERSION_64 = 45
_UTF8 = 0x0800
_SIZES_FOLLOW = 0x0008
_FROM_UNIX = 3
_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sBBHHHHHLLLHHHHHLL")
_LOCAL_SIZES = struct.Struct("<HHQQ")
_WIDE = struct.Struct("<HH")
_TIME = struct.Struct("<HHBl")
_FOLLOWING = struct.Struct("<4sLLL")
_FOLLOWING_64 = struct.Struct("<4sLQQ")
_END_64 = struct.Struct("<4sQHHLLQQQQ")
_LOCATOR_64 = struct.Struct("<4sLQL")
_END = struct.Struct("<4sHHHHLLH")


class Member(NamedTuple):
    """A file, or a folder of size 0 when `name`, its path in the archive with "/" between steps, ends with "/"."""

    name: str
    size: int
    modified: datetime


class LengthDiffers(Exception):
    """A member's content was not as long as its size said, so that the archive can't be completed."""


def length_of(members: Iterable[Member]) -> int:
    """The bytes that write_archive() sends for `members`."""
    position = directory = count = 0
    for member in members:
        described = len(member.name.encode("utf-8")) + _TIME.size
        wide = _wide_values(member, position)
        directory += _CENTRAL.size + described + (_WIDE.size + 8 * len(wide) if wide else 0)
        position += _LOCAL.size + described + _content_length(member)
        position += _LOCAL_SIZES.size if _is_large(member) else 0
        count += 1
    return position + directory + len(_end(directory, position, count))


def write_archive(members: Iterable[tuple[Member, Iterable[bytes]]], zone: tzinfo) -> Iterator[bytes]:
    """The archive, block by block; times that have no zone in a ZIP are those of `zone`.

    Raises LengthDiffers when a member's content was shorter or longer than its size.
    """
    position = count = 0
    with tempfile.SpooledTemporaryFile(max_size=MEMORY_LIMIT) as directory:
        for member, content in members:
            head = _local_header(member, zone)
            yield head
            checksum = yield from _write_content(member, content)
            directory.write(_central_header(member, zone, checksum, position))
            position += len(head) + _content_length(member)
            count += 1
        length = directory.tell()
        directory.seek(0)
        while block := directory.read(64 * 1024):
            yield block
    yield _end(length, position, count)


def _write_content(member: Member, content: Iterable[bytes]) -> Generator[bytes, None, int]:
    if member.name.endswith("/"):
        return 0
    checksum = length = 0
    for block in content:
        checksum = crc32(block, checksum)
        length += len(block)
        yield block
    if length != member.size:
        raise LengthDiffers(f"{length} instead of {member.size} bytes")
    yield (_FOLLOWING_64 if _is_large(member) else _FOLLOWING).pack(b"PK\x07\x08", checksum, length, length)
    return checksum


def _is_large(member: Member) -> bool:
    return member.size >= LIMIT_32


def _wide_values(member: Member, start: int) -> list[int]:
    """What the directory tells of a member in 64 bits, because 32 don't hold it."""
    return [value for value in (member.size, member.size, start) if value >= LIMIT_32]


def _content_length(member: Member) -> int:
    if member.name.endswith("/"):
        return 0
    return member.size + (_FOLLOWING_64 if _is_large(member) else _FOLLOWING).size


def _dos_time(moment: datetime, zone: tzinfo) -> tuple[int, int]:
    local = moment.astimezone(zone)
    year = min(max(local.year, 1980), 2107)
    return (local.hour << 11) | (local.minute << 5) | (local.second // 2), (
        ((year - 1980) << 9) | (local.month << 5) | local.day)


def _exact_time(moment: datetime) -> bytes:
    seconds = min(max(int(moment.timestamp()), -(2**31)), 2**31 - 1)
    return _TIME.pack(0x5455, 5, 1, seconds)


def _flags(member: Member) -> int:
    return _UTF8 if member.name.endswith("/") else _UTF8 | _SIZES_FOLLOW


def _local_header(member: Member, zone: tzinfo) -> bytes:
    name = member.name.encode("utf-8")
    time, date = _dos_time(member.modified, zone)
    large = _is_large(member)
    extra = _exact_time(member.modified) + (_LOCAL_SIZES.pack(1, 16, 0, 0) if large else b"")
    size = LIMIT_32 if large else 0
    return _LOCAL.pack(b"PK\x03\x04", _VERSION_64 if large else _VERSION, _flags(member), 0, time, date, 0, size, size,
                       len(name), len(extra)) + name + extra


def _central_header(member: Member, zone: tzinfo, checksum: int, start: int) -> bytes:
    name = member.name.encode("utf-8")
    folder = member.name.endswith("/")
    mode = 0o40755 << 16 | 0x10 if folder else 0o100644 << 16
    time, date = _dos_time(member.modified, zone)
    wide = _wide_values(member, start)
    extra = _exact_time(member.modified)
    if wide:
        extra += _WIDE.pack(1, 8 * len(wide)) + struct.pack(f"<{len(wide)}Q", *wide)
    version = _VERSION_64 if wide else _VERSION
    size = min(member.size, LIMIT_32)
    return _CENTRAL.pack(b"PK\x01\x02", version, _FROM_UNIX, version, _flags(member), 0, time, date, checksum, size,
                         size, len(name), len(extra), 0, 0, 0, mode, min(start, LIMIT_32)) + name + extra


def _end(length: int, position: int, count: int) -> bytes:
    """What closes a directory of `length` bytes and `count` members that begins at `position`."""
    records = b""
    if count >= LIMIT_16 or max(length, position) >= LIMIT_32:
        maker = _FROM_UNIX << 8 | _VERSION_64
        records = _END_64.pack(b"PK\x06\x06", 44, maker, _VERSION_64, 0, 0, count, count, length, position)
        records += _LOCATOR_64.pack(b"PK\x06\x07", 0, position + length, 1)
    count = min(count, LIMIT_16)
    return records + _END.pack(b"PK\x05\x06", 0, 0, count, count, min(length, LIMIT_32), min(position, LIMIT_32), 0)
