"""ibs-client sign-out: forget who this computer is for its portal; settings and backups stay."""
from __future__ import annotations

import argparse

from client.api.restore_access import PUBLIC
from client.console import complain, say, say_json
from client.errors import StoreDamaged
from client.outcomes import DONE
from client.store.instance import hold
from client.store.settings import forget_identity, load_identity


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `sign-out`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Forget the identity; raises NotEnrolled when there is none, HomeBusy while a backup runs."""
    with hold(arguments.home):
        try:
            computer = load_identity(arguments.home, complain).computer
        except StoreDamaged:
            computer = ""
        forget_identity(arguments.home)
        (arguments.home / PUBLIC).unlink(missing_ok=True)
    if arguments.json:
        say_json({"computer": computer})
    else:
        say("Signed out. The backups are safe in the vault; folders and schedule stay chosen on this computer.")
        say("No backup is made until this computer is enrolled again.")
    return DONE
