"""File names as they stand in the portal's addresses, on its pages, and in a ZIP.

A name in the catalogue is bytes: not always UTF-8, sometimes with control characters. Addresses must give back the
exact bytes, pages must stay readable, and a ZIP must open on every system.
"""
from __future__ import annotations

import os
import re
import unicodedata
from urllib.parse import quote

from protocol.errors import NotFound

_PLAIN = re.compile(r"[^\x00-\x1f\x7f~/\\\ud800-\udfff]")
_ESCAPE = re.compile(rb"~([0-9A-F]{2})")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)")
_JOINERS = "\u200c\u200d"
_EMPTY = "~"


def step_of(name: bytes) -> str:
    """One name as one step of an address: text where it can be, `~` and two hexadecimal digits for other bytes.

    No step is ".", ".." or empty, since browsers and proxies take those out of an address.
    """
    if name in {b"", b".", b".."}:
        return name.replace(b".", b"~2E").decode() or _EMPTY
    text = name.decode("utf-8", "surrogateescape")
    return "".join(
        sign if _PLAIN.match(sign) else "".join(f"~{byte:02X}" for byte in sign.encode("utf-8", "surrogateescape"))
        for sign in text
    )


def address_of(path: tuple[bytes, ...]) -> str:
    """A path as the last part of an address; "" for the root."""
    return "/".join(step_of(name) for name in path)


def name_of(step: str) -> bytes:
    """The name that step_of() turned into `step`. Raises NotFound for a step that no name has."""
    raw = b"" if step == _EMPTY else step.encode("utf-8", "replace")
    name = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), raw)
    if step_of(name) != step:
        raise NotFound(what="such file")
    return name


def path_of(address: str) -> tuple[bytes, ...]:
    """The path that address_of() turned into `address`. Raises NotFound."""
    return tuple(name_of(step) for step in address.split("/")) if address else ()


def readable(name: bytes) -> str:
    """A name for people: what is not UTF-8 or cannot be seen becomes a sign that stands for it."""
    text = name.decode("utf-8", "replace")
    return text if text.isprintable() else "".join(_visible(sign) for sign in text)


def _visible(sign: str) -> str:
    if sign.isprintable() or sign in _JOINERS:
        return sign
    code = ord(sign)
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else " " if sign.isspace() else "\ufffd"


def portable(name: bytes) -> str:
    """A name that Windows, macOS and Linux can all write, as close to `name` as that allows."""
    text = re.sub(r'[<>:"/\\|?*]', "_", readable(name))
    text = text.rstrip(" .") or "_"
    if _RESERVED.match(text):
        text = "_" + text
    while len(text.encode("utf-8")) > 240:
        stem, suffix = os.path.splitext(text)
        text = stem[:-1] + suffix if len(suffix) < 20 and stem[1:] else text[:-1]
    return text


class PortableNames:
    """The names within one folder of a ZIP: no two are the same on a system that ignores case and composition."""

    def __init__(self) -> None:
        """A folder without names."""
        self._taken: set[str] = set()

    def choose(self, name: bytes) -> str:
        """A portable name for `name` that none before it has; a later one gets a number: "a (2).txt"."""
        wanted = portable(name)
        chosen, number = wanted, 1
        while (key := unicodedata.normalize("NFC", chosen).casefold()) in self._taken:
            number += 1
            stem, suffix = os.path.splitext(wanted)
            chosen = f"{stem} ({number}){suffix}"
        self._taken.add(key)
        return chosen


def disposition(name: str) -> str:
    """The header that makes browsers save the answer as `name`; old ones get a plain ASCII name."""
    plain = "".join(sign if (sign.isascii() and sign.isalnum()) or sign in " ._-()" else "_" for sign in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
