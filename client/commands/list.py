"""ibs-client list: what a snapshot holds in one folder."""
from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from datetime import UTC, datetime

from client.api.connection import connect
from client.api.portal import Portal
from client.console import amount, complain, count, moment, say, say_json, shown
from client.names import steps_of
from client.outcomes import DONE
from client.store.index import FILE, FOLDER, LINK
from client.system import decode_name
from protocol.messages import ListEntries, SnapshotEntry

KINDS = {FILE: "file", FOLDER: "folder", LINK: "link"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `list`."""
    parser.add_argument("snapshot", type=int, metavar="SNAPSHOT", help="its number, as “snapshots” shows it")
    parser.add_argument("path", nargs="?", default=os.sep, metavar="PATH", help="the folder's path on this computer")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """List the folder, folders first."""
    with connect(arguments.home, complain) as (_, portal):
        entries = list(read_folder(portal, arguments.snapshot, steps_of(arguments.path)))
    if arguments.json:
        say_json(_as_fields(arguments.snapshot, arguments.path, entries))
        return DONE
    for entry in sorted(entries, key=lambda entry: entry.kind != FOLDER):
        size = "" if entry.kind != FILE else amount(entry.size)
        mark = "/" if entry.kind == FOLDER else ""
        say(f"{size:>10}  {moment(modified(entry))}  {shown(name_of(entry))}{mark}")
    files = [entry for entry in entries if entry.kind == FILE]
    say(f"{count(len(files), 'file')}, {amount(sum(entry.size for entry in files))}")
    return DONE


def read_folder(portal: Portal, snapshot: int, path: tuple[bytes, ...]) -> Iterator[SnapshotEntry]:
    """The entries of one folder of a snapshot, page by page."""
    cursor = ""
    while True:
        page = portal.list_entries(snapshot, ListEntries(path=path, cursor=cursor))
        yield from page.entries
        if not page.cursor:
            return
        cursor = page.cursor


def name_of(entry: SnapshotEntry) -> str:
    """The entry's name, undecodable bytes as surrogates."""
    return decode_name(entry.path[-1])


def modified(entry: SnapshotEntry) -> datetime:
    """When the entry was last changed; a time that no calendar holds becomes 1970."""
    try:
        return datetime.fromtimestamp(entry.mtime_ns / 10**9, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _as_fields(snapshot: int, path: str, entries: list[SnapshotEntry]) -> dict[str, object]:
    files = [entry for entry in entries if entry.kind == FILE]
    return {
        "snapshot": snapshot, "path": path, "files": len(files), "bytes": sum(entry.size for entry in files),
        "entries": [{
            "name": name_of(entry), "kind": KINDS.get(entry.kind, "other"), "size": entry.size,
            "modified_ns": entry.mtime_ns, "attributes": entry.attributes,
        } for entry in entries],
    }
