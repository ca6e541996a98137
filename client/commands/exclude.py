"""ibs-client exclude: what is left out of the protected folders."""
from __future__ import annotations

import argparse
from functools import reduce

from client.console import complain, say, say_json, shown
from client.instance import SETTINGS_LOCK, SETTINGS_PATIENCE, hold
from client.outcomes import DONE
from client.settings import add_exclude, load_settings, remove_exclude, save_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `exclude`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|remove|list")
    for action, purpose in (
        ("add", "leave out names (*.tmp) or whole paths (/home/*/Downloads)"), ("remove", "leave it out no longer"),
    ):
        words = actions.add_parser(action, help=purpose)
        words.add_argument("patterns", nargs="+", metavar="PATTERN")
    actions.add_parser("list", help="show the patterns").add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    """Change or show the list."""
    if arguments.action == "list":
        excludes = load_settings(arguments.home, complain).excludes
        if arguments.json:
            say_json({"count": len(excludes), "excludes": list(excludes)})
        else:
            for pattern in excludes:
                say(shown(pattern))
        return DONE
    change = add_exclude if arguments.action == "add" else remove_exclude
    with hold(arguments.home, SETTINGS_LOCK, SETTINGS_PATIENCE):
        before = load_settings(arguments.home, complain)
        after = reduce(change, arguments.patterns, before)
        if after != before:
            save_settings(after)
    say("Left out: " + (", ".join(shown(pattern) for pattern in after.excludes) or "nothing"))
    return DONE
