"""ibs-client recover: bring files back from the storage alone, when the portal is lost."""
from __future__ import annotations

import argparse
from pathlib import Path

from client.commands.restore import open_log, summarise
from client.console import Follower, add_shapes, ask_secret
from client.events import Event
from client.jobs.cancellation import cancel_by_signal
from client.jobs.control import RunCancelled
from client.jobs.restores_at_work import at_work
from client.restores.recover import run_recover


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `recover`."""
    parser.description = "Reads the storage's password and then the recovery code from standard input, a line each."
    parser.add_argument("storage", metavar="STORAGE_URL", help="ftps://user@host:port/base, ftp://… or a folder")
    parser.add_argument("vault", metavar="VAULT", help="the vault's identifier on the recovery sheet")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="each file becomes DIR/its whole path")
    parser.add_argument("--snapshot", type=int, metavar="N", help="its number (else the newest)")
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there")
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--ca", type=read_authority, metavar="FILE", help="the storage's certificate authority (PEM)")
    trust.add_argument("--pin", type=read_pin, metavar="SHA256", help="the fingerprint of the storage's certificate")
    add_shapes(parser)


def read_authority(name: str) -> str:
    """The text of a PEM file; argparse's own error when there is none."""
    try:
        return Path(name).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise argparse.ArgumentTypeError(f"{name} can't be read as a certificate in PEM form") from None


def read_pin(text: str) -> bytes:
    """A SHA-256 fingerprint in hexadecimal, with or without colons; argparse's own error for anything else."""
    try:
        pin = bytes.fromhex(text.replace(":", ""))
    except ValueError:
        pin = b""
    if len(pin) != 32:
        raise argparse.ArgumentTypeError("a fingerprint has 64 hexadecimal digits")
    return pin


def run(arguments: argparse.Namespace) -> int:
    """Recover; no portal is asked."""
    follow = Follower.of(arguments, summarise)
    password, code = ask_secret("Password of the storage: "), ask_secret("Recovery code: ")
    cancelled = cancel_by_signal()
    with at_work(arguments.home, cancelled), open_log(arguments.home, "recover") as log:

        def emit(event: Event) -> None:
            log.record(event)
            follow(event)

        try:
            run_recover(
                arguments.storage, arguments.vault, password, code, arguments.to, emit, snapshot=arguments.snapshot,
                overwrite=arguments.overwrite, ca=arguments.ca, pin=arguments.pin,
                cancelled=cancelled,
            )
        except RunCancelled as error:
            raise KeyboardInterrupt from error
        finally:
            follow.clear()
    return follow.finish()
