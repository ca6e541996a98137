"""ibs-client folder: which folders are protected."""
from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import reduce

from client.console import amount, complain, count, say, say_json, shown
from client.outcomes import DONE
from client.store.decisions import note_changes
from client.store.instance import SETTINGS_LOCK, SETTINGS_PATIENCE, hold
from client.store.settings import add_folder, load_settings, normalise, remove_folder, save_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `folder`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|remove|set|list|suggest|measure|below")
    for action, purpose in (("add", "protect a folder with all it holds"), ("remove", "protect it no longer"),
                            ("set", "protect these and no others")):
        words = actions.add_parser(action, help=purpose)
        words.add_argument("folders", nargs="+", metavar="FOLDER")
        words.add_argument("--json", action="store_true")
    for action, purpose in (("list", "show the protected folders"), ("suggest", "show what most people protect")):
        actions.add_parser(action, help=purpose).add_argument("--json", action="store_true")
    words = actions.add_parser("measure", help="count what folders hold and what the patterns leave out of them")
    words.add_argument("folders", nargs="+", metavar="FOLDER")
    words.add_argument("--json", action="store_true")
    words = actions.add_parser("below", help="show the folders in a folder, or where to begin")
    words.add_argument("folder", nargs="?", default="", metavar="FOLDER")
    words.add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    """Change or show the list."""
    if arguments.action == "list":
        return _show(load_settings(arguments.home, complain).folders, arguments.json)
    if arguments.action == "suggest":
        return _suggest(arguments.json)
    if arguments.action == "below":
        return _below(arguments.folder, arguments.json)
    if arguments.action == "measure":
        return _measure(arguments.folders, load_settings(arguments.home, complain).excludes, arguments.json)
    change = remove_folder if arguments.action == "remove" else add_folder
    with hold(arguments.home, SETTINGS_LOCK, SETTINGS_PATIENCE):
        before = load_settings(arguments.home, complain)
        if arguments.action == "set":
            kept = {normalise(folder) for folder in arguments.folders}.intersection(before.folders)
            begin = replace(before, folders=tuple(folder for folder in before.folders if folder in kept))
            added = [folder for folder in arguments.folders if normalise(folder) not in kept]
        else:
            begin, added = before, arguments.folders
        after = reduce(change, added, begin)
        if after != before:
            save_settings(after)
            note_changes(before, after)
    if arguments.json:
        return _show(after.folders, as_json=True)
    for folder in arguments.folders:
        path = normalise(folder)
        if arguments.action == "remove":
            say(f"No longer protected: {shown(path)}. Its earlier copies are kept.")
        elif path in after.folders:
            say(f"Protected: {shown(path)}")
        else:
            say(f"{shown(path)} is part of a protected folder already.")
    return DONE


def _show(folders: tuple[str, ...], as_json: bool) -> int:
    if as_json:
        say_json({"count": len(folders), "folders": list(folders)})
        return DONE
    for folder in folders:
        say(shown(folder))
    if not folders:
        complain("No folder is protected yet. Choose one with “ibs-client folder add FOLDER”.")
    return DONE


def _suggest(as_json: bool) -> int:
    from client.computer.suggestions import suggest_folders

    found = suggest_folders()
    if as_json:
        say_json({"count": len(found), "suggestions": [asdict(suggestion) for suggestion in found]})
        return DONE
    for suggestion in found:
        say(f"{shown(suggestion.path)}  ({suggestion.title} of {shown(suggestion.person)})")
    return DONE


def _measure(folders: Sequence[str], excludes: Sequence[str], as_json: bool) -> int:
    """One after the other; a window asks for each in a call of its own, so that it can show them as they come."""
    from client.computer.measure import measure_folder

    found = [(folder, measure_folder(normalise(folder), excludes)) for folder in folders]
    if as_json:
        say_json({"folders": [{"path": normalise(folder), **asdict(measure)} for folder, measure in found]})
        return DONE
    for folder, measure in found:
        if not measure.found:
            say(f"{shown(folder)}: not found")
            continue
        least = "" if measure.complete else "at least "
        left_out = f"; {count(measure.left_out_files, 'file')} left out" if measure.left_out_files else ""
        say(f"{shown(folder)}: {least}{count(measure.files, 'file')}, {amount(measure.bytes)}{left_out}")
    return DONE


def _below(folder: str, as_json: bool) -> int:
    from client.computer.places import first_places, places_below

    found = places_below(normalise(folder)) if folder else first_places()
    if as_json:
        say_json({"folder": folder, "count": len(found), "places": [asdict(place) for place in found]})
        return DONE
    for place in found:
        say(shown(place.path))
    return DONE
