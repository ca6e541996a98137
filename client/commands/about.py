"""ibs-client about: this computer, its store, and what is sent of its hardware."""
from __future__ import annotations

import argparse

from client.computer.about import describe
from client.console import amount, complain, say, say_json
from client.outcomes import DONE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `about`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Show it."""
    found = describe(arguments.home, complain)
    if arguments.json:
        say_json(found)
        return DONE
    for label, name in (
        ("Version", "version"), ("Store", "home"), ("Logs", "logs"), ("Portal", "portal"), ("Computer", "computer"),
        ("Customer", "customer_number"), ("Account", "account"),
    ):
        say(f"{label:<12}{found[name] or 'not enrolled'}")
    report = found["hardware"]
    say("What is sent of the hardware:")
    for label, text in (
        ("Name", report["host_name"]), ("System", report["system"]), ("Machine", report["machine_id"]),
        ("Board", report["board_id"]), ("Processor", report["processor"]), ("Memory", amount(report["memory"])),
        ("Network", ", ".join(report["mac_addresses"])),
        ("Disks", ", ".join(f"{disk['serial']} ({disk['model']})" for disk in report["disks"])),
    ):
        say(f"  {label:<10}{text or 'not known'}")
    return DONE
