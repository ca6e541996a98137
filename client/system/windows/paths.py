"""Paths on Windows: how names become bytes, how a long path is spelt for the system, how a person's path is understood.

A path is normalised once, when a person names it. From then on it is only ever joined and prefixed: Windows's own
normalisation would drop dots and spaces at the end of names and turn CON into a device.
"""
from __future__ import annotations

import ntpath
import os
from collections.abc import Callable, Iterable

LONG, LONG_UNC = "\\\\?\\", "\\\\?\\UNC\\"


def encode_name(name: str) -> bytes:
    """The bytes of a file name: UTF-8 with lone surrogates passed."""
    return name.encode("utf-8", "surrogatepass")


def decode_name(name: bytes) -> str:
    """A file name as Python's functions take it."""
    return name.decode("utf-8", "surrogatepass")


def extend(path: str) -> str:
    r"""A normalised absolute path as the system takes it unchanged and at any length: \\?\C:\…, \\?\UNC\server\…"""
    if path.startswith((LONG, "\\\\.\\")):
        return path
    if path.startswith("\\\\"):
        return LONG_UNC + path[2:]
    return LONG + path if path[1:2] == ":" else path


def shorten(path: str) -> str:
    """The path as people know it: the inverse of `extend`."""
    if path.upper().startswith(LONG_UNC):
        return "\\\\" + path[len(LONG_UNC):]
    if path.startswith(LONG) and path[5:6] == ":":
        return path[len(LONG):]
    return path


def normalise(path: str, absolute: Callable[[str], str] = os.path.abspath) -> str:
    """A path without "." and ".." as a person means it; one that is not absolute begins where the program stands.

    A path that is absolute already is normalised by its letters alone, so that every name in it stays as it is.
    """
    plain = shorten(path.replace("/", "\\"))
    drive, rest = ntpath.splitdrive(plain)
    if not drive or (drive.endswith(":") and not rest.startswith("\\")):
        return shorten(absolute(path))
    tidy = ntpath.normpath(plain)
    return tidy[:1].upper() + tidy[1:] if drive.endswith(":") else tidy


def spell_as_on_disk(path: str, list_names: Callable[[str], Iterable[str]] = os.listdir) -> str:
    r"""A normalised path in the spelling of the disk: c:\users\alice becomes C:\Users\Alice.

    Names are keys, and keys are never compared without case, so the same folder must always be spelt the same. A name
    that is there as it is stays; one that exists in several spellings, or can't be looked up, stays, too.
    """
    drive, rest = ntpath.splitdrive(path)
    reached = drive + "\\"
    for name in filter(None, rest.split("\\")):
        try:
            names = list(list_names(extend(reached)))
        except OSError:
            names = [name]
        alike = [found for found in names if found.upper() == name.upper()]
        chosen = alike[0] if name not in names and len(alike) == 1 else name
        reached = ntpath.join(reached, chosen)
    return reached
