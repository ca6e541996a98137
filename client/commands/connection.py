"""ibs-client connection: does the portal answer, and which certificate does it show?"""
from __future__ import annotations

import argparse
import time

from client.api.certificates import look_at_certificate
from client.api.connection import connect
from client.console import complain, moment, say, say_json
from client.outcomes import DONE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `connection`."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Ask and show; fails when the portal can't be reached or trusted."""
    with connect(arguments.home, complain) as (identity, portal):
        portal.patience = 0.0
        certificate = look_at_certificate(portal.address, identity.ca)
        begun = time.monotonic()
        portal.status()
        took = time.monotonic() - begun
    if arguments.json:
        say_json({
            "portal": portal.address, "milliseconds": round(took * 1000), "own_authority": bool(identity.ca),
            "certificate": None if certificate is None else {
                "subject": certificate.subject, "issuer": certificate.issuer,
                "valid_until": certificate.valid_until.isoformat(), "fingerprint": certificate.fingerprint,
            },
        })
        return DONE
    say(f"Portal       {portal.address} answers within {took * 1000:.0f} ms")
    if certificate is not None:
        say(f"Certificate  {certificate.subject}, by {certificate.issuer}, until {moment(certificate.valid_until)}")
        say(f"Fingerprint  {certificate.fingerprint}")
    return DONE
