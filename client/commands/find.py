"""ibs-client find: files and folders by name, in all snapshots at once."""
from __future__ import annotations

import argparse

from client.api.connection import connect
from client.commands.list import KINDS
from client.console import amount, complain, count, moment, say, say_json, shown
from client.names import path_of
from client.outcomes import DONE
from protocol.messages import FindFiles, FoundFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `find`."""
    parser.add_argument("words", metavar="WORDS", help="a part of the name, at least two letters")
    parser.add_argument("--more", default="", metavar="CURSOR", help="go on where a former answer ended")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Ask for one page and show it."""
    with connect(arguments.home, complain) as (_, portal):
        page = portal.find_files(FindFiles(words=arguments.words, cursor=arguments.more))
    if arguments.json:
        say_json({"words": arguments.words, "more": page.cursor, "found": [_as_fields(one) for one in page.found]})
        return DONE
    for one in page.found:
        size = "" if KINDS.get(one.kind) != "file" else amount(one.size)
        say(f"{size:>10}  {moment(one.last_at)}  {count(one.versions, 'version'):>12}  {shown(path_of(one.path))}")
    if page.cursor:
        complain(f"There may be more: add --more {page.cursor}")
    elif not page.found and not arguments.more:
        complain("Nothing of that name was found.")
    return DONE


def _as_fields(one: FoundFile) -> dict[str, object]:
    return {
        "path": path_of(one.path), "kind": KINDS.get(one.kind, "other"), "size": one.size,
        "modified": one.modified.isoformat(), "versions": one.versions, "first_at": one.first_at.isoformat(),
        "snapshot": one.last, "last_at": one.last_at.isoformat(), "still": one.still,
    }
