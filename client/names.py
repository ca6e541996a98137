"""How file names are spelt: in XML, which cannot carry every name that a disk can, and as steps from the root."""
from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Sequence
from xml.etree.ElementTree import Element

from client.system import decode_name, encode_name, normalise
from client.system.sources import split_path

UNCLEAN = re.compile("[^ -~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def is_clean(name: str) -> bool:
    """True when an attribute of XML 1.0 carries `name` unchanged: no control, white space or surrogate character."""
    return UNCLEAN.search(name) is None


def put_name(element: Element, attribute: str, name: str) -> None:
    """Set `name` as `attribute`, or base64 of its bytes as `attribute`b64 when XML cannot carry its characters."""
    if is_clean(name):
        element.set(attribute, name)
    else:
        element.set(f"{attribute}b64", base64.b64encode(encode_name(name)).decode("ascii"))


def get_name(element: Element, attribute: str) -> str:
    """What put_name was given; "" when the element holds no such name, or one that cannot be read."""
    encoded = element.get(f"{attribute}b64")
    if encoded is None:
        return element.get(attribute, "")
    try:
        return decode_name(base64.b64decode(encoded))
    except (binascii.Error, ValueError):
        return ""


def path_of(steps: Sequence[bytes], *, windows: bool = os.name == "nt") -> str:
    """The path that steps_of was given, undecodable bytes as surrogates; the root when there are none."""
    names = [decode_name(step) for step in steps]
    if not windows:
        return "/" + "/".join(names)
    if names and len(names[0]) == 1:
        return f"{names[0]}:\\" + "\\".join(names[1:])
    return "\\\\" + "\\".join(names) if names else "\\"


def steps_of(path: str) -> tuple[bytes, ...]:
    """A path on this computer as a snapshot holds it: its steps from the root; the root itself has none."""
    if path in {"", "/", os.sep}:
        return ()
    return tuple(encode_name(name) for name, _ in split_path(normalise(path)))
