"""ibs-client enrol: make this computer one of an account's."""
from __future__ import annotations

import argparse
from pathlib import Path

from client.api.portal import Portal
from client.console import amount, ask_secret, complain, moment, say, say_json
from client.enrol import enrol, read_authority
from client.outcomes import DONE
from client.store.instance import hold
from protocol.messages import EnrolledComputer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `enrol`."""
    parser.add_argument("portal", metavar="PORTAL_URL", help="https://…; http:// for this computer itself only")
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--user", metavar="NAME", help="the account's user name")
    who.add_argument("--code", metavar="CODE", help="a set-up code from the portal, instead of name and password")
    who.add_argument("--code-stdin", action="store_true", help="read the set-up code from standard input")
    parser.add_argument(
        "--password-stdin", action="store_true",
        help="read the password from standard input (done anyway where that is no terminal)",
    )
    parser.add_argument("--ca", type=Path, metavar="FILE", help="the portal's own certificate authority (PEM)")
    parser.add_argument("--again", action="store_true", help="enrol anew although this computer is enrolled")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Enrol and print the recovery code, once."""
    authority = read_authority(arguments.ca) if arguments.ca else ""
    portal = Portal(arguments.portal, ca=authority)
    code = ask_secret("Set-up code: ").strip() if arguments.code_stdin else arguments.code or ""
    with hold(arguments.home):
        answer = enrol(
            arguments.home, portal, user=arguments.user or "", code=code,
            password="" if code else ask_secret("Password: "), ca=authority, again=arguments.again,
            tell=complain,
        )
    portal.close()
    if arguments.json:
        say_json({
            "computer": answer.computer, "vault": answer.vault, "recovery_code": answer.recovery_code,
            "customer_number": answer.customer_number, "account": answer.account, "plan": answer.plan,
            "valid_until": answer.valid_until.isoformat(), "quota": answer.quota,
        })
    else:
        _explain(answer)
    return DONE


def _explain(answer: EnrolledComputer) -> None:
    say(f"Enrolled for customer {answer.customer_number}, account {answer.account}.")
    say(f"Plan {answer.plan}: {amount(answer.quota)}, valid until {moment(answer.valid_until)}.")
    say("")
    say(f"Recovery code: {answer.recovery_code}")
    say(f"Vault:         {answer.vault}")
    say("")
    say("The recovery code is shown only now. Print it and keep it away from this computer: with it the files")
    say("can be brought back even if the portal is lost.")
    say("Next: choose what to protect with “ibs-client folder add FOLDER”, then “ibs-client backup”.")
