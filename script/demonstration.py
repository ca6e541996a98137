"""Shows the whole product on one machine; script/demo installs it and then runs this.

Everything happens in a temporary folder and by the two commands, as a reseller and a customer would type them.
"""
from __future__ import annotations

import argparse
import contextlib
import json
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from demonstration_folder import Picture, change, copy_source, describe, differences

COMMANDS = Path(sys.executable).parent
ADMINISTRATOR, USER = "admin@example.com", "anna"
USUAL_PORT = 8080
START_SECONDS, STOP_SECONDS = 60, 20


class DemonstrationFailed(Exception):
    """A step did not do what it should; the text says which and how."""


def main() -> int:
    """Run the demonstration; returns 0 only if both snapshots came back identical."""
    options = read_options()
    for number in (signal.SIGTERM, signal.SIGINT):  # shells start background jobs with SIGINT ignored
        signal.signal(number, _interrupt)
    folder = Path(tempfile.mkdtemp(prefix="ibs-demo-"))
    try:
        return demonstrate(folder, options)
    except DemonstrationFailed as error:
        print(f"\nThe demonstration failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_options() -> argparse.Namespace:
    """The words after script/demo."""
    parser = argparse.ArgumentParser(prog="script/demo", description="Shows the whole product on this machine.")
    parser.add_argument("--once", action="store_true", help="stop everything at the end")
    parser.add_argument("--source", type=Path, metavar="DIR", help="the folder to copy and back up")
    parser.add_argument("--port", type=int, metavar="N", help=f"the portal's port ({USUAL_PORT} or a free one)")
    options = parser.parse_args()
    if options.source and not options.source.is_dir():
        parser.error(f"{options.source} is no folder")
    return options


def demonstrate(folder: Path, options: argparse.Namespace) -> int:
    """All steps in order, below `folder`."""
    documents, data, home = folder / "documents", folder / "portal", folder / "client"
    passwords = {name: f"demo-{secrets.token_hex(4)}" for name in (ADMINISTRATOR, USER)}
    step("Make a portal and a customer", "ibs-server init · plan · customer · subscription · account")
    make_reseller(data, passwords)
    step("Start portal, storage and worker", "ibs-server run")
    with running_portal(data, folder / "portal.log", _port(options)) as address:
        step(f"Copy {options.source or 'the files of this checkout'}", f"to {documents}")
        copy_source(options.source, documents)
        step("Enrol this machine, protect a copy", "ibs-client enrol · folder add")
        client(home, "enrol", address, "--user", USER, "--password-stdin", password=passwords[USER])
        client(home, "folder", "add", str(documents))
        step("Back up", "ibs-client backup")
        first = back_up(home, documents)
        step("Change files", change(documents))
        step("Back up again", "ibs-client backup")
        snapshots = [first, back_up(home, documents)]
        for snapshot in snapshots:
            target = folder / f"restored-{snapshot.number}"
            step(f"Restore snapshot {snapshot.number}, compare",
                 f"ibs-client restore --snapshot {snapshot.number} --to DIR")
            restore(home, snapshot, documents, target)
        identical = not any(snapshot.differences for snapshot in snapshots)
        report(snapshots, identical)
        print(f"\n  Portal   {address}\n  Sign-in  {USER} / {passwords[USER]} (customer)"
              f"\n           {ADMINISTRATOR} / {passwords[ADMINISTRATOR]} (administrator)", flush=True)
        if not options.once:
            print("\n  Have a look with the browser. Ctrl-C stops everything and removes it.", flush=True)
            while True:
                time.sleep(3600)
    return 0 if identical else 1


@dataclass
class Snapshot:
    """One backup and its restore: what it held, what it cost, and what came back otherwise."""

    number: int
    picture: Picture
    figures: dict[str, int]
    backup_seconds: float
    restore_seconds: float = 0.0
    differences: list[str] = field(default_factory=list)


def back_up(home: Path, documents: Path) -> Snapshot:
    """Back the folder up and remember how it looks now."""
    began = time.monotonic()
    figures = json.loads(client(home, "backup", "--json"))
    return Snapshot(figures["snapshot"], describe(documents), figures, time.monotonic() - began)


def restore(home: Path, snapshot: Snapshot, documents: Path, target: Path) -> None:
    """Bring a snapshot back below `target` and compare it with what it held."""
    began = time.monotonic()
    client(home, "restore", "--snapshot", str(snapshot.number), "--to", str(target))
    snapshot.restore_seconds = time.monotonic() - began
    snapshot.differences = differences(snapshot.picture, describe(target / documents.relative_to("/")))
    for line in snapshot.differences[:10]:
        print(f"      {line}")


def make_reseller(data: Path, passwords: dict[str, str]) -> None:
    """A portal on SQLite with an administrator, the plan Gold, a customer and her account."""
    server(data, "init", "--admin", ADMINISTRATOR, "--password-stdin", password=passwords[ADMINISTRATOR])
    server(data, "plan", "create", "Gold", "--quota", "50GB", "--computers", "5", "--days", "365", "--keep-days", "90")
    customer = server(data, "customer", "create", "Anna Fischer", "--email", "anna@example.com").strip()
    server(data, "subscription", "create", customer, "Gold")
    server(data, "account", "create", customer, USER, "--password-stdin", password=passwords[USER])


def server(data: Path, *words: str, password: str | None = None) -> str:
    """What an ibs-server command prints."""
    return run([str(COMMANDS / "ibs-server"), "--data", str(data), *words], password)


def client(home: Path, *words: str, password: str | None = None) -> str:
    """What an ibs-client command prints."""
    return run([str(COMMANDS / "ibs-client"), "--home", str(home), *words], password)


def run(command: Sequence[str], password: str | None) -> str:
    """Run one command to its end; raises DemonstrationFailed unless it ends with 0."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    try:
        output, complaints = process.communicate(f"{password}\n" if password else "")
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if process.returncode:
        words = " ".join([Path(command[0]).name, *command[3:]])
        raise DemonstrationFailed(f"“{words}” ended with {process.returncode}.\n{output}{complaints}".rstrip())
    return output


@contextlib.contextmanager
def running_portal(data: Path, log: Path, port: int) -> Iterator[str]:
    """The portal's processes under `ibs-server run`; gives the portal's address and stops them all afterwards."""
    command = [str(COMMANDS / "ibs-server"), "--data", str(data), "run", "--port", str(port), "--storage-port", "0"]
    if shutil.which("setpriv"):  # so that even a killed demonstration leaves no portal running
        command = ["setpriv", "--pdeathsig", "TERM", *command]
    with log.open("w") as complaints:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints,
                                   text=True, start_new_session=True)  # Ctrl-C is for this program, which stops it
    address: list[str] = []
    ready = threading.Event()
    threading.Thread(target=_listen, args=(process, address, ready), daemon=True).start()
    try:
        if not ready.wait(START_SECONDS) or not address:
            raise DemonstrationFailed(f"the portal did not start.\n{log.read_text()}".rstrip())
        yield address[0]
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listen(process: subprocess.Popen[str], address: list[str], ready: threading.Event) -> None:
    assert process.stdout is not None
    for line in process.stdout:  # read to the end, or the portal would wait for a full pipe one day
        if line.startswith("Portal: "):
            address.append(line.removeprefix("Portal: ").strip())
            ready.set()
    ready.set()


def _port(options: argparse.Namespace) -> int:
    """The wished port, else the usual one, else (taken, or for one pass only) any free one."""
    if options.port is not None:
        return int(options.port)
    if options.once:
        return 0
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", USUAL_PORT))
        except OSError:
            return 0
    return USUAL_PORT


def step(title: str, how: str) -> None:
    """Tell what comes now."""
    print(f"  · {title:<35}  {how}", flush=True)


def report(snapshots: Sequence[Snapshot], identical: bool) -> None:
    """The figures of both snapshots, and the verdict."""
    print(f"\n  {'Snapshot':<10}{'files':>8}{'bytes':>12}{'read':>12}{'stored':>12}{'backup':>10}{'restore':>10}")
    for snapshot in snapshots:
        sizes = "".join(f"{amount(snapshot.figures[name]):>12}" for name in ("bytes", "read", "stored"))
        print(f"  {snapshot.number:<10}{snapshot.figures['files']:>8,}{sizes}"
              f"{snapshot.backup_seconds:>8.1f} s{snapshot.restore_seconds:>8.1f} s")
    print(f"\n  Both snapshots identical (every byte, name, mode and time): {'yes' if identical else 'NO'}")


def amount(size: int) -> str:
    """Bytes for people."""
    return f"{size / 1e6:,.2f} MB" if size < 1e9 else f"{size / 1e9:,.2f} GB"


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
