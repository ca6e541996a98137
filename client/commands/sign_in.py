"""ibs-client sign-in: look and restore on a computer whose client is installed for everybody."""
from __future__ import annotations

import argparse
from datetime import UTC, datetime

from client.api.restore_access import sign_in
from client.console import ask_secret, moment, say, say_json
from client.outcomes import DONE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `sign-in`."""
    parser.add_argument("--user", default="", metavar="NAME", help="the account's user name (else the computer's)")
    parser.add_argument("--password-stdin", action="store_true",
                        help="read the password from standard input (done anyway where that is no terminal)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Sign in; the password is kept nowhere."""
    until = sign_in(arguments.home, arguments.user, ask_secret("Password: "), datetime.now(UTC))
    if arguments.json:
        say_json({"until": until.isoformat()})
    else:
        say(f"Signed in until {moment(until)}. You may now look and restore.")
    return DONE
