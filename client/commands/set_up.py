"""ibs-client set-up: a technician's whole visit in one command, from the set-up code to a tried restore."""
from __future__ import annotations

import argparse
import os
from dataclasses import asdict, replace
from pathlib import Path
from random import Random

from client.console import EVENTS, JSON, PEOPLE, Follower, add_shapes, ask_secret, complain, say, say_json, shown
from client.enrol import read_authority
from client.events import Event, Finished
from client.jobs.children import JobStopped
from client.outcomes import DONE, DONE_WITH_SKIPPED
from client.set_up import STEPS, Plan, Report, SignedIn, StepDone, find_identity, set_up

CODE = "IBS_CODE"
NAMES = dict(zip(STEPS, (
    "Sign-in", "Folders", "Schedule", "Test upload", "First backup", "Test restore"), strict=True))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `set-up`."""
    parser.add_argument("portal", metavar="PORTAL_URL", help="https://…; http:// for this computer itself only")
    parser.add_argument(
        "--code", metavar="CODE", default="",
        help=f"the set-up code; better in {CODE} or on standard input, where no list of processes shows it",
    )
    parser.add_argument(
        "--folder", action="append", default=[], metavar="DIR",
        help="protect this folder; may be repeated (else Desktop, Documents, Pictures and mail of everybody here)",
    )
    parser.add_argument("--ca", type=Path, metavar="FILE", help="the portal's own certificate authority (PEM)")
    parser.add_argument(
        "--recovery-sheet", type=Path, metavar="FILE", help="write the recovery code into this new file, too",
    )
    parser.add_argument(
        "--hide-recovery-code", action="store_true",
        help="show it nowhere: the owner makes one in the portal, under My details, Recovery sheets",
    )
    parser.add_argument("--no-scheduler", action="store_true", help="leave the system's scheduler alone")
    add_shapes(parser)


def run(arguments: argparse.Namespace) -> int:
    """Set up, tell of each step, and report."""
    teller = _Teller.of(arguments, lambda finished: "")
    plan = Plan(
        portal=arguments.portal, code=_read_code(arguments), folders=tuple(arguments.folder),
        ca=read_authority(arguments.ca) if arguments.ca else "", sheet=arguments.recovery_sheet,
        register=not arguments.no_scheduler,
    )
    teller.hides_code = arguments.hide_recovery_code
    try:
        report = set_up(arguments.home, plan, teller, Random())
        teller.conclude(report)
    except JobStopped as stopped:
        return teller.explain(stopped)
    finally:
        teller.clear()
        teller.tell_code()
    complete = report.registered or arguments.no_scheduler
    return DONE if complete and not report.skipped else DONE_WITH_SKIPPED


def _read_code(arguments: argparse.Namespace) -> str:
    """The code as given, else from the environment, else asked for; "" when this computer is signed in already."""
    inherited = os.environ.pop(CODE, "")  # no process that is started later needs it
    if arguments.code or inherited:
        return str(arguments.code or inherited).strip()
    if find_identity(arguments.home, lambda event: None) is not None:
        return ""
    return ask_secret("Set-up code: ").strip()


class _Teller(Follower):
    """Tells people of each step in a line; programs get the events, or one object at the end."""

    hides_code = False
    _recovery_code = ""

    def __call__(self, event: Event) -> None:
        """Tell of an event. The ends of backup and restore are told as steps."""
        if isinstance(event, SignedIn) and self.hides_code:
            event = replace(event, recovery_code="")
        if isinstance(event, SignedIn):
            self._recovery_code = event.recovery_code
        if self._mode != PEOPLE or not isinstance(event, SignedIn | StepDone | Finished):
            super().__call__(event)
            return
        self.clear()
        if isinstance(event, SignedIn):
            self._show_code(event)
        elif isinstance(event, StepDone):
            number = STEPS.index(event.step) + 1
            say(f"{number}/{len(STEPS)} {NAMES[event.step]}: {event.told}")

    def _show_code(self, event: SignedIn) -> None:
        self._recovery_code = ""
        if not event.recovery_code:
            return
        say(f"Recovery code: {event.recovery_code}")
        say(f"Vault:         {event.vault}")
        say("Both are shown only now. Print them and keep them away from this computer.")

    def tell_code(self) -> None:
        """At the end, however it came: a recovery code that was not shown yet is shown now, for it is told only once.
        """
        if self._recovery_code and self._mode == JSON:
            complain(f"Recovery code: {self._recovery_code} (shown only now)")

    def explain(self, stopped: JobStopped) -> int:
        """Word the end of a backup or restore that brought no result; the command's exit code."""
        self.clear()
        failed = stopped.failed
        if self._mode == JSON:
            say_json({"error": {"code": failed.code, "sentence": failed.sentence, "hint": failed.hint}})
        complain(f"{failed.sentence} {failed.hint} ({failed.code})")
        complain("What is done stays done: the same command goes on from here.")
        return stopped.code

    def conclude(self, report: Report) -> None:
        """The report: to programs all of it, to people what to hand over."""
        self.clear()
        self._recovery_code = ""
        if self.hides_code:
            report = replace(report, recovery_code="")
        if self._mode == JSON:
            say_json(asdict(report))
        elif self._mode == EVENTS:
            say_json({"event": "set_up", **asdict(report)})
        else:
            for line in _hand_over(report):
                say(line)


def _hand_over(report: Report) -> list[str]:
    lines = ["", f"This computer is backed up: {report.computer}"]
    lines += [f"  protected  {shown(folder)}" for folder in report.folders]
    lines += [f"  tried      {shown(path)}" for path in report.restored]
    lines += [
        f"  schedule   {report.schedule}", "",
        "To hand over: the recovery code on paper, kept away from this computer; the hand-over sheet, which the",
        f"portal prints under “Set up a computer” ({report.portal}); and how to restore a file.",
    ]
    if report.skipped:
        lines.append(f"{report.skipped:,} skipped; “ibs-client log” lists them.")
    return lines
