"""ibs-client status: what the portal knows of this computer, and what is protected."""
from __future__ import annotations

import argparse

from client.api.connection import connect
from client.console import amount, complain, count, moment, say, say_json, shown
from client.outcomes import DONE
from client.store.settings import Settings, load_settings
from protocol.messages import ComputerStatus


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `status`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Ask and show."""
    settings = load_settings(arguments.home, complain)
    with connect(arguments.home, complain) as (_, portal):
        status = portal.status()
        address = portal.address
    if arguments.json:
        say_json(_as_fields(status, settings, address))
    else:
        _explain(status, settings, address)
    return DONE


def _as_fields(status: ComputerStatus, settings: Settings, address: str) -> dict[str, object]:
    last = status.last_finished_at
    return {
        "portal": address, "computer": status.computer, "name": status.name,
        "customer_number": status.customer_number, "account": status.account, "reseller": status.reseller,
        "plan": status.plan, "valid_from": status.valid_from.isoformat(),
        "valid_until": status.valid_until.isoformat(), "quota": status.quota, "used": status.used,
        "accepts_backups": status.accepts_backups, "accept_changed_by": status.accept_changed_by,
        "accept_changed_at": None if status.accept_changed_at is None else status.accept_changed_at.isoformat(),
        "accept_reason": status.accept_reason, "snapshots": status.snapshots,
        "last_snapshot": status.last_snapshot, "last_finished_at": None if last is None else last.isoformat(),
        "folders": list(settings.folders), "excludes": list(settings.excludes),
    }


def _explain(status: ComputerStatus, settings: Settings, address: str) -> None:
    say(f"Portal      {address}" + (f" of {status.reseller}" if status.reseller else ""))
    say(f"Computer    {status.name} ({status.computer})")
    say(f"Customer    {status.customer_number}, account {status.account}")
    say(f"Plan        {status.plan}, valid until {moment(status.valid_until)}")
    say(f"Space       {amount(status.used)} of {amount(status.quota)} used")
    say(f"Backups     {'on' if status.accepts_backups else _switched_off(status)}")
    say(f"Snapshots   {_snapshots(status)}")
    say(f"Protected   {', '.join(map(shown, settings.folders)) or 'no folder yet'}")
    if settings.excludes:
        say(f"Left out    {', '.join(map(shown, settings.excludes))}")


def _switched_off(status: ComputerStatus) -> str:
    since = "" if status.accept_changed_at is None else f" on {moment(status.accept_changed_at)}"
    reason = f" ({status.accept_reason})" if status.accept_reason else ""
    return f"switched off by {status.accept_changed_by or 'your backup provider'}{since}{reason}"


def _snapshots(status: ComputerStatus) -> str:
    if status.last_snapshot is None or status.last_finished_at is None:
        return "none yet"
    return f"{count(status.snapshots, 'snapshot')}, last {status.last_snapshot} of {moment(status.last_finished_at)}"
