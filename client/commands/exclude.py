"""ibs-client exclude: what is left out of the protected folders."""
from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import reduce

from client.console import amount, complain, count, say, say_json, shown
from client.outcomes import DONE
from client.store.decisions import note_changes
from client.store.instance import SETTINGS_LOCK, SETTINGS_PATIENCE, hold
from client.store.settings import Settings, add_exclude, load_settings, remove_exclude, save_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `exclude`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|remove|list|count")
    for action, purpose in (
        ("add", "leave out names (*.tmp) or whole paths (/home/*/Downloads)"), ("remove", "leave it out no longer"),
    ):
        words = actions.add_parser(action, help=purpose)
        words.add_argument("patterns", nargs="+", metavar="PATTERN")
        words.add_argument("--json", action="store_true")
    actions.add_parser("list", help="show the patterns").add_argument("--json", action="store_true")
    words = actions.add_parser("count", help="count what patterns match in the protected folders, on the disk now")
    words.add_argument("patterns", nargs="*", metavar="PATTERN", help="else those of the list")
    words.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    """Change or show the list."""
    if arguments.action == "list":
        excludes = load_settings(arguments.home, complain).excludes
        return _show(excludes, arguments.json)
    if arguments.action == "count":
        return _count(load_settings(arguments.home, complain), arguments.patterns, arguments.json)
    change = add_exclude if arguments.action == "add" else remove_exclude
    with hold(arguments.home, SETTINGS_LOCK, SETTINGS_PATIENCE):
        before = load_settings(arguments.home, complain)
        after = reduce(change, arguments.patterns, before)
        if after != before:
            save_settings(after)
            note_changes(before, after)
    if arguments.json:
        return _show(after.excludes, as_json=True)
    say("Left out: " + (", ".join(shown(pattern) for pattern in after.excludes) or "nothing"))
    return DONE


def _show(excludes: Sequence[str], as_json: bool) -> int:
    if as_json:
        say_json({"count": len(excludes), "excludes": list(excludes)})
        return DONE
    for pattern in excludes:
        say(shown(pattern))
    return DONE


def _count(settings: Settings, patterns: Sequence[str], as_json: bool) -> int:
    from client.computer.measure import SECONDS, measure_folder

    wanted = tuple(patterns) or settings.excludes
    for pattern in wanted:
        add_exclude(Settings(settings.home), pattern)  # raises PatternUnusable
    seconds = SECONDS / max(len(settings.folders), 1)
    found = [measure_folder(folder, wanted, seconds=seconds) for folder in settings.folders]
    files, size = sum(one.left_out_files for one in found), sum(one.left_out_bytes for one in found)
    complete = all(one.complete for one in found)
    if as_json:
        say_json({"patterns": list(wanted), "files": files, "bytes": size, "complete": complete})
    else:
        say(f"{'' if complete else 'At least '}{count(files, 'file')}, {amount(size)} left out")
    return DONE
