"""The XML documents of the client's store: read with suspicion, written so that a power cut leaves old or new.

A document that cannot be read is set aside as *.damaged and the version before it (*.bak) is used. Descriptions
(schemas/*.xsd) are checked only when somebody else changed a file: checking costs a third of a second, and what this
module wrote itself is known by its hash.
"""
from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.parsers import expat

from client.errors import HomeUnusable, SettingsInvalid, StoreDamaged, StoreNewer
from client.system import protect_file, protect_token, sync_folder

if TYPE_CHECKING:
    from xmlschema import XMLSchema

Tell = Callable[[str], None]
Step = Callable[[Element], None]
"""Lifts a document from one version to the next one."""

SCHEMAS = Path(__file__).parents[1] / "schemas"
SIZE_LIMIT = 8 * 1024 * 1024
DEPTH_LIMIT = 64
KNOWN = "checked.xml"
SECRET = "identity.xml"
"""This document, its copy and its beginnings are for fewer eyes than the rest of the store."""


class Unreadable(ValueError):
    """The bytes are no document of ours; the text says why."""


def guard(parser: expat.XMLParserType) -> None:
    """Make an expat parser refuse document types, and with them every entity and every outside reference."""

    def refuse(*_: object) -> NoReturn:
        raise Unreadable("it declares a document type, which our documents never do")

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse


def parse(data: bytes) -> Element:
    """The root element of a small document; raises Unreadable for anything broken, hostile or larger than 8 MiB."""
    if len(data) > SIZE_LIMIT:
        raise Unreadable(f"it is larger than {SIZE_LIMIT} bytes")
    builder = ElementTree.TreeBuilder()
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH_LIMIT:
            raise Unreadable("its elements are nested too deeply")
        builder.start(name, attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name)

    parser = expat.ParserCreate()
    guard(parser)
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise Unreadable(str(error)) from error
    return builder.close()


def render(element: Element) -> bytes:
    """The document's bytes, indented for people."""
    ElementTree.indent(element)
    body: str = ElementTree.tostring(element, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'.encode()


def replace(path: Path, data: bytes, *, keep: bool = True) -> None:
    """Put `data` in the place of `path`, readable by its owner only; `keep` leaves the old version as *.bak.

    Raises HomeUnusable when the disk is full or the folder may not be written; the old version then stands.
    """
    new = path.with_name(path.name + ".new")
    try:
        _write(new, data)
        if keep and path.exists():
            spare = path.with_name(path.name + ".bak.new")
            _write(spare, path.read_bytes())
            os.replace(spare, path.with_name(path.name + ".bak"))
        os.replace(new, path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink()
        raise HomeUnusable(home=path.parent, reason=error.strerror or error) from error


def _write(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb") as file:
        (protect_token if path.name.startswith(SECRET) else protect_file)(path)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write(path: Path, element: Element, *, schema: str = "", keep: bool = True) -> None:
    """Write a document; one that is checked on reading (`schema`) is remembered as ours."""
    data = render(element)
    replace(path, data, keep=keep)
    if schema:
        _remember(path, data)


def read(path: Path, root: str, tell: Tell, *, schema: str = "", steps: Sequence[Step] = ()) -> Element | None:
    """The document at `path`, whose root element must be `root`, lifted to today's version; None when there is none.

    A damaged one is set aside, the version before it is used, and `tell` gets a sentence about it. Raises
    StoreDamaged when there is no such version, SettingsInvalid when the document is sound but does not fit its
    description, StoreNewer when a newer client wrote it, HomeUnusable when the system refuses to read. `steps` are as
    migrate takes them; the file itself stays as it is until it is written the next time.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return _read_spare(path, root, tell, "it is missing", schema=schema, steps=steps)
    except OSError as error:
        raise HomeUnusable(home=path.parent, reason=f"{path.name}: {error.strerror}") from error
    try:
        element = _parse_as(data, root)
    except Unreadable as problem:
        os.replace(path, path.with_name(path.name + ".damaged"))
        found = _read_spare(path, root, tell, str(problem), schema=schema, steps=steps)
        if found is None:
            raise StoreDamaged(name=path.name, reason=problem) from problem
        return found
    _lift_and_check(path, data, element, schema, steps)
    return element


def _parse_as(data: bytes, root: str) -> Element:
    element = parse(data)
    if element.tag != root:
        raise Unreadable(f"its root element is not {root}")
    return element


def _read_spare(
    path: Path, root: str, tell: Tell, reason: str, *, schema: str, steps: Sequence[Step],
) -> Element | None:
    """The version before, put back into its place; None when there is none or it is damaged, too."""
    spare = path.with_name(path.name + ".bak")
    try:
        data = spare.read_bytes()
        element = _parse_as(data, root)
    except (FileNotFoundError, Unreadable):
        return None
    _lift_and_check(spare, data, element, schema, steps)
    replace(path, data, keep=False)
    tell(f"The file {path.name} could not be used ({reason}); the version before its last change is used instead.")
    return element


def migrate(name: str, element: Element, steps: Sequence[Step]) -> None:
    """Lift a document in place, one version at a time: the first of `steps` makes version 2 of version 1.

    A document without a version is of version 1. Raises StoreNewer for a version that this client does not know, and
    SettingsInvalid for one that is no number.
    """
    told = element.get("version", "1")
    if not (told.isascii() and told.isdecimal() and int(told[:9]) > 0):
        raise SettingsInvalid(name=name, reason=f"“{told[:20]}” is no version")
    version = int(told[:9])
    if version > len(steps) + 1:
        raise StoreNewer(name=name)
    for number, step in enumerate(steps[version - 1:], version + 1):
        step(element)
        element.set("version", str(number))


def _lift_and_check(path: Path, data: bytes, element: Element, schema: str, steps: Sequence[Step]) -> None:
    """Today's version of a document that was read, checked unless its bytes are known to fit."""
    migrate(path.name, element, steps)
    if schema:
        _check(path, data, element, schema)


def _hash(path: Path, data: bytes) -> str:
    name = path.name.removesuffix(".bak")
    return hashlib.sha256(name.encode() + b"\0" + data).hexdigest()


def _known(home: Path) -> set[str]:
    try:
        return {child.get("sha256", "") for child in parse((home / KNOWN).read_bytes())}
    except (OSError, Unreadable):
        return set()


def _remember(path: Path, data: bytes) -> None:
    """Keep the hash, and those of files still there, so that the next run need not check them."""
    present = [file for file in path.parent.glob("*.xml*") if file.suffix in {".xml", ".bak"} and file.name != KNOWN]
    valid = _known(path.parent) & {_hash(file, file.read_bytes()) for file in present} | {_hash(path, data)}
    element = Element("checked")
    for value in sorted(valid):
        ElementTree.SubElement(element, "document", sha256=value)
    replace(path.parent / KNOWN, render(element), keep=False)


def _check(path: Path, data: bytes, element: Element, schema: str) -> None:
    if _hash(path, data) in _known(path.parent):
        return
    problem = next(load_schema(schema).iter_errors(element), None)
    if problem is not None:
        where = f"{problem.path}: " if problem.path else ""
        raise SettingsInvalid(name=path.name, reason=f"{where}{problem.reason}")
    with contextlib.suppress(OSError, HomeUnusable):  # a reader without rights, or beside another, checks again
        _remember(path, data)


def load_schema(name: str) -> XMLSchema:
    """A description from client/schemas, such as "settings"; costs a third of a second."""
    from xmlschema import XMLSchema

    return XMLSchema(str(SCHEMAS / f"{name}.xsd"))
