"""ibs-server: the portal's command line."""
from __future__ import annotations

import argparse
import functools
import logging
import os
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from protocol.errors import Refusal
from server.commands import selling, serving, setup
from server.commands.portal import add_data_argument
from vault.errors import BackupError

DONE, FAILED, USAGE, REFUSED, INTERRUPTED = 0, 1, 2, 4, 130
ENDING = "Exit codes: 0 done, 1 failed, 2 wrong usage, 4 refused. Passwords are read from standard input only."

log = logging.getLogger("ibs")


def build_parser() -> argparse.ArgumentParser:
    """All words of ibs-server."""
    parser = argparse.ArgumentParser(prog="ibs-server", description="The portal of IBS.", epilog=ENDING)
    add_data_argument(parser)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for group in (setup, serving, selling):
        group.add_arguments(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; returns its exit code."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if not hasattr(options, "data"):
        if not os.environ.get("IBS_DATA"):
            parser.error("name the portal's data directory with --data or IBS_DATA")
        options.data = Path(os.environ["IBS_DATA"])
    os.umask(0o077)  # what the portal writes is nobody else's business
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        return options.run(options, functools.partial(print, flush=True)) or DONE
    except BackupError as error:
        print(error.explain(), file=sys.stderr)
        return REFUSED if isinstance(error, Refusal) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception:
        reference = secrets.token_hex(4)
        log.exception("Reference %s", reference)
        print(f"Something went wrong on our side; the lines above say more. Reference {reference}. (IBS-9001)",
              file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
