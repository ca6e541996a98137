"""ibs-client, the command: its words, and the one place where errors become sentences and exit codes."""
from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from client import VERSION
from client.console import complain, drop_output, say, say_json
from client.errors import Unexpected
from client.events import Failed, to_json
from client.outcomes import FAILED, ending, exit_code
from client.store.settings import choose_home
from vault.errors import BackupError

COMMANDS = {
    "enrol": "make this computer one of an account's",
    "set-up": "sign in, choose folders, back up and try a restore, in one go",
    "folder": "add, remove or list protected folders",
    "exclude": "add, remove or list what is left out",
    "backup": "back the protected folders up",
    "snapshots": "list what can be restored",
    "list": "show what a snapshot holds",
    "find": "look for files by name in all snapshots",
    "versions": "list the versions of one file",
    "restore": "bring files back",
    "schedule": "choose when backups run by themselves",
    "tick": "for the system's scheduler: start the backup if one is due",
    "overview": "show what this computer knows of its backups, without asking the portal",
    "status": "show the account, its space and the last backup",
    "about": "show this computer, and what is sent of its hardware",
    "hardware": "show what the portal is told of this computer's hardware",
    "connection": "try whether the portal answers, and show its certificate",
    "report": "save a technical report for whoever helps",
    "sign-in": "look and restore on a computer whose client is installed for everybody",
    "sign-out": "forget who this computer is; settings and backups stay",
    "log": "show what the last jobs did",
    "stop": "end the running backup and the window, before the program is replaced",
    "recover": "bring files back from the storage alone, without the portal",
}


class CommandParser(argparse.ArgumentParser):
    """The words of one command, learnt from its module when the command is used."""

    def __init__(self, *, command: str = "", **how: Any) -> None:
        """`command` names a module of client.commands; the parsers inside a command have none."""
        super().__init__(**how | {"allow_abbrev": False})
        self._command = command

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As ever, after the module has told its words."""
        if self._command:
            module = import_module(f"client.commands.{self._command.replace('-', '_')}")
            self._command = ""
            module.add_arguments(self)
            self.set_defaults(run=module.run)
        return super().parse_known_args(args, namespace)


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="ibs-client", allow_abbrev=False,
        description="Backs this computer up and brings files back. Without a command it opens the window.",
    )
    parser.add_argument("--home", metavar="DIR", help="the client's store (else IBS_HOME, else the system's place)")
    parser.add_argument("--version", action="version", version=f"ibs-client {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=CommandParser)
    for name, purpose in COMMANDS.items():
        commands.add_parser(name, help=purpose, description=purpose, command=name)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code (see client.outcomes). Never lets an exception out."""
    arguments = argparse.Namespace(home=None)
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        arguments = make_parser().parse_args(words)
        arguments.home = choose_home(arguments.home)
        if arguments.command is None:
            return _open_window(arguments.home)
        return int(arguments.run(arguments))
    except BrokenPipeError:
        drop_output()
        return FAILED
    except (BackupError, KeyboardInterrupt) as error:
        return _report(error, arguments)
    except Exception as error:  # noqa: BLE001 (the edge: whatever it is, a person gets one sentence)
        return _report(_explain_unexpected(error, arguments), arguments)


def _open_window(home: Path) -> int:
    from client.gui.opening import open_window, show_failure

    try:
        return open_window(home)
    except BackupError as error:
        if sys.stderr is not None:
            raise
        show_failure(error)
        return exit_code(error)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _explain_unexpected(error: Exception, arguments: argparse.Namespace) -> BackupError:
    from client.store.technical_log import note_unexpected

    try:
        home = arguments.home if isinstance(arguments.home, Path) else choose_home(arguments.home)
    except BackupError as without_home:
        return without_home
    return Unexpected(reference=note_unexpected(home, error))


def _report(error: BackupError | KeyboardInterrupt, arguments: argparse.Namespace) -> int:
    event = ending(error)
    try:
        if getattr(arguments, "events", False):
            say(to_json(event))
        elif getattr(arguments, "json", False) and isinstance(event, Failed):
            say_json({"error": {"code": event.code, "sentence": event.sentence, "hint": event.hint}})
        complain(error.explain() if isinstance(error, BackupError) else "Cancelled. What was stored is used next time.")
    except BrokenPipeError:
        drop_output()
    return exit_code(error)


if __name__ == "__main__":
    sys.exit(main())
