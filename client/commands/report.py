"""ibs-client report: save a technical report for whoever helps."""
from __future__ import annotations

import argparse
from pathlib import Path

from client.console import complain, count, say, say_json, shown
from client.outcomes import DONE
from client.store.technical_report import save_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `report`."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the file to write, such as report.zip")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Save it."""
    target = arguments.file.absolute()
    names = save_report(arguments.home, target, complain)
    if arguments.json:
        say_json({"file": str(target), "holds": names})
    else:
        say(f"Saved {shown(str(target))} with {count(len(names), 'file')}.")
        say("It names folders and files that had problems; it holds no password, no key and no content of a file.")
    return DONE
