"""ibs-client sign-out: forget who this computer is for its portal; settings and backups stay."""
from __future__ import annotations

import argparse

from client.api.portal import Portal
from client.api.restore_access import PUBLIC
from client.console import complain, say, say_json
from client.errors import StoreDamaged
from client.outcomes import DONE
from client.store.instance import hold
from client.store.settings import Identity, forget_identity, load_identity
from protocol.errors import TokenRejected
from vault.errors import BackupError

UNTOLD = "The portal could not be told, so it still knows the sign-in that this computer had:"
ASK = "Ask your backup provider to retire this computer there."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `sign-out`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Forget the identity, here and at the portal; raises NotEnrolled when there is none, HomeBusy while a backup runs.
    """
    with hold(arguments.home):
        try:
            identity = load_identity(arguments.home, complain)
            computer, untold = identity.computer, _withdraw_token(identity)
        except StoreDamaged as error:
            computer, untold = "", error.sentence
        forget_identity(arguments.home)
        (arguments.home / PUBLIC).unlink(missing_ok=True)
    if arguments.json:
        say_json({"computer": computer, "untold": f"{UNTOLD} {untold}" if untold else "", "hint": ASK})
    else:
        if untold:
            complain(f"{UNTOLD} {untold} {ASK}")
        say("Signed out. The backups are safe in the vault; folders and schedule stay chosen on this computer.")
        say("No backup is made until this computer is enrolled again.")
    return DONE


def _withdraw_token(identity: Identity) -> str:
    """Have the portal forget the token, with one try; why that failed, or nothing."""
    try:
        portal = Portal(identity.portal, identity.token, ca=identity.ca, patience=0.0)
        try:
            portal.sign_out()
        finally:
            portal.close()
    except TokenRejected:
        pass  # it was withdrawn before
    except BackupError as error:
        return error.sentence
    return ""
