"""ibs-client folder: which folders are protected."""
from __future__ import annotations

import argparse
from functools import reduce

from client.console import complain, say, say_json, shown
from client.instance import SETTINGS_LOCK, SETTINGS_PATIENCE, hold
from client.outcomes import DONE
from client.settings import add_folder, load_settings, normalise, remove_folder, save_settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `folder`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|remove|list")
    for action, purpose in (("add", "protect a folder with all it holds"), ("remove", "protect it no longer")):
        words = actions.add_parser(action, help=purpose)
        words.add_argument("folders", nargs="+", metavar="FOLDER")
    actions.add_parser("list", help="show the protected folders").add_argument("--json", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    """Change or show the list."""
    if arguments.action == "list":
        return _show(load_settings(arguments.home, complain).folders, arguments.json)
    change = add_folder if arguments.action == "add" else remove_folder
    with hold(arguments.home, SETTINGS_LOCK, SETTINGS_PATIENCE):
        before = load_settings(arguments.home, complain)
        after = reduce(change, arguments.folders, before)
        if after != before:
            save_settings(after)
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
