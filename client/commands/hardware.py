"""ibs-client hardware: what the portal is told of this computer's hardware, and nothing else is."""
from __future__ import annotations

import argparse

import msgspec

from client.computer.hardware import current_report, is_told
from client.console import amount, say, say_json, shown
from client.outcomes import DONE
from protocol.messages import Disk, HardwareReport

UNKNOWN = "not known"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `hardware`."""
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.add_argument("--anew", action="store_true", help="ask the hardware once more")


def run(arguments: argparse.Namespace) -> int:
    """Show the report, exactly as it is sent."""
    report = current_report(arguments.home, anew=arguments.anew)
    told = is_told(arguments.home, report)
    if arguments.json:
        say_json(msgspec.to_builtins(report) | {"told": told})
        return DONE
    for label, value in _lines(report):
        say(f"{label:<11}{shown(value)}")
    say("The portal knows this." if told else "The portal is told of this with the next backup or enrolment.")
    return DONE


def _lines(report: HardwareReport) -> list[tuple[str, str]]:
    """What there is to show, with a line for each card and disk."""
    cards = [("Network", address) for address in report.mac_addresses] or [("Network", UNKNOWN)]
    disks = [("Disk", _disk(disk)) for disk in report.disks] or [("Disk", UNKNOWN)]
    return [
        ("Name", report.host_name), ("System", report.system), ("Machine", report.machine_id or UNKNOWN),
        ("Board", report.board_id or UNKNOWN), ("Processor", report.processor or UNKNOWN),
        ("Memory", amount(report.memory) if report.memory else UNKNOWN), *cards, *disks,
    ]


def _disk(disk: Disk) -> str:
    size = f", {amount(disk.size)}" if disk.size else ""
    return f"{disk.serial}, {disk.model or 'model not known'}{size}"
