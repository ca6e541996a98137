"""A house: a portal with its database and a storage, all of it running, and the computers that are backed up to it."""
from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select
from waitress import wasyncore
from waitress.server import create_server

from client.cli import main
from client.store.settings import load_identity
from server.app import create_app
from server.config import Config, create_data
from server.extensions import db
from server.models import Account, Run, Subscription, Vault
from server.models.runs import OPEN
from server.services.people import accounts, customers, staff
from server.services.selling import plans, subscriptions
from server.services.storage import storages
from tests.parts.browser import Browser
from tests.parts.databases import do_not_wait_for_the_disk, empty_tables
from tests.parts.gateway import RunningGateway, running_gateway
from tests.parts.passwords import cheap_passwords
from tests.parts.ports import free_port
from vault.address import FtpAddress

PASSWORD = "correct horse battery"
MB = 1_000_000


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code, what it said and what it complained of."""

    code: int
    said: str
    complained: str

    def must_say(self, code: int, error: str) -> None:
        """It ended with this exit code, and with a sentence that people can look up by the code of the error."""
        assert self.code == code, self
        assert f"({error})" in self.complained, self

    @property
    def json(self) -> Any:
        """What it said, as the one JSON value it is."""
        return json.loads(self.said)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it said, as one event a line."""
        return [json.loads(line) for line in self.said.splitlines()]


@dataclass
class _Trap:
    ending: str
    action: Callable[[], object]
    remaining: int


class House:
    """A portal on a free port of loopback; `open` ends it with its block. The storage is the bundled one until
    `use_storage` names another."""

    def __init__(self, folder: Path, database: str, hardware: Path) -> None:
        """`database` is the address of one with every table and no row; `hardware` keeps the first computer's report,
        as asking the hardware takes seconds and is done once per boot."""
        self.folder, self.hardware = folder, hardware
        self.config = create_data(folder / "portal", database)
        self.computers = 0
        self.port = free_port()
        self._traps: list[_Trap] = []

    @contextlib.contextmanager
    def open(self) -> Iterator[House]:
        """Everything runs while the block does."""
        with contextlib.ExitStack() as until_the_end:
            until_the_end.enter_context(cheap_passwords())
            self.gateway: RunningGateway = until_the_end.enter_context(running_gateway(self.config, self._allowance))
            self.config: Config = self.gateway.config
            self.app: Flask = create_app(self.config)
            with self.portal():
                do_not_wait_for_the_disk(db.engine)
            until_the_end.callback(self._let_database_go)
            with self.portal():
                if db.engine.dialect.name != "sqlite":
                    empty_tables()
                storages.register_gateway(self.config, datetime.now(UTC))
                plans.create_plan("Gold", 1_000 * MB, 50, 365, 90, datetime.now(UTC))
            self.start_portal()
            until_the_end.callback(self.stop_portal)
            yield self

    def _let_database_go(self) -> None:
        with self.app.app_context():
            db.engine.dispose()

    def _allowance(self, vault: str) -> int:
        with self.app.app_context():
            return storages.allowance(vault)

    @contextlib.contextmanager
    def portal(self) -> Iterator[None]:
        """Inside, services and models of the portal may be used, as staff would on its pages."""
        with self.app.app_context():
            yield
            db.session.commit()

    # --- web pages and client API --------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """The portal's address."""
        return f"http://127.0.0.1:{self.port}"

    def start_portal(self) -> None:
        """Serve; again on the same port after stop_portal."""
        self._web = create_server(self._watched, host="127.0.0.1", port=self.port, threads=4)
        self.port = self._web.effective_port
        self._thread = threading.Thread(target=self._web.run, name="portal", daemon=True)
        self._thread.start()

    def stop_portal(self) -> None:
        """Serve no more; whoever is connected is cut off."""
        if not self._thread.is_alive():
            return
        web, cut = self._web, threading.Event()

        def cut_off() -> None:
            wasyncore.dispatcher.close(web)  # its trigger wakes the workers' loop until they have ended
            for channel in list(web.active_channels.values()):
                channel.handle_close()
            cut.set()

        web.trigger.pull_trigger(cut_off)
        assert cut.wait(10)
        web.task_dispatcher.shutdown()
        web.trigger.pull_trigger(lambda: wasyncore.close_all(web._map, ignore_all=True))
        self._thread.join(10)
        assert not self._thread.is_alive(), "the portal does not stop"

    def at_request(self, ending: str, action: Callable[[], object], *, number: int = 1) -> None:
        """Do `action` once: before the portal takes the request number `number`, from now on, whose path ends so."""
        self._traps.append(_Trap(ending, action, number))

    def _watched(self, environment: dict[str, Any], start: Any) -> Any:
        """The application, behind the traps that at_request has set."""
        for trap in list(self._traps):
            if environment["PATH_INFO"].endswith(trap.ending):
                trap.remaining -= 1
                if not trap.remaining:
                    self._traps.remove(trap)
                    trap.action()
        return self.app(environment, start)

    def browser(self, user: str) -> Browser:
        """A browser in which a customer has signed in."""
        browser = Browser(self.address)
        assert "Sign out" in browser.sign_in(user, PASSWORD).text
        return browser

    # --- storages ------------------------------------------------------------------------------------------------

    def use_storage(self, address: FtpAddress) -> list[str]:
        """Register an FTP server, as “storage add --default” does but for the wait; what the doctor found."""
        found: list[str] = []
        with self.portal():
            storages.add_storage(f"storage {address.port}", address, self.config, datetime.now(UTC), default=True,
                                 idle_seconds=0.05, tell=found.append)
        return found

    # --- people --------------------------------------------------------------------------------------------------

    def sell(self, user: str = "alice", *, quota: int = 500 * MB) -> str:
        """A customer with a subscription and one account; the user name."""
        now = datetime.now(UTC)
        with self.portal():
            customer = customers.create_customer(user.title(), f"{user}@example.com", now)
            plan = plans.find_plan("Gold")
            subscriptions.create_subscription(customer, plan, now, quota=quota)
            accounts.create_account(customer, user, PASSWORD, now)
        return user

    def hire(self, email: str, role: str = "administrator") -> Browser:
        """A member of the staff, and a browser in which that person has signed in."""
        with self.portal():
            staff.create_staff(email, PASSWORD, role, datetime.now(UTC))
        return self.browser(email)

    def switch(self, user: str, accepts: bool, reason: str = "") -> None:
        """The account's “Accept backups” switch."""
        with self.portal():
            accounts.switch_backups(_account(user), accepts, datetime.now(UTC), actor="priya.front", reason=reason)

    def change_subscription(self, user: str, **changes: date | int | bool) -> None:
        """Set fields of the account's subscription."""
        with self.portal():
            subscription = db.session.get_one(Subscription, _account(user).subscription_id)
            for name, value in changes.items():
                setattr(subscription, name, value)

    # --- computers -----------------------------------------------------------------------------------------------

    def computer(self, user: str = "", *, enrolled: bool = True) -> Computer:
        """A computer with an empty folder to protect; of a new customer unless `user` names an account."""
        self.computers += 1
        made = Computer(self, self.folder / f"computer {self.computers}", user or self.sell(f"user{self.computers}"))
        made.source.mkdir(parents=True)
        if enrolled:
            assert made.enrol().code == 0
            assert made("folder", "add", str(made.source)).code == 0
        return made


@dataclass
class Computer:
    """A computer with `ibs-client` on it; calling it runs a command. `source` is the folder that it protects."""

    house: House
    folder: Path
    user: str
    recovery_code: str = ""
    restores: int = 0
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The client's store."""
        return self.folder / "home"

    @property
    def source(self) -> Path:
        """The protected folder."""
        return self.folder / "source"

    def __call__(self, *words: str | Path, stdin: str = "") -> Ended:
        """Run a command within this process, which spares its start."""
        ended = run_here(["--home", str(self.home), *map(str, words)], stdin)
        assert "IBS-9205" not in ended.complained, (self.home / "technical.log").read_text()
        return ended

    def command(self, *words: str | Path) -> list[str]:
        """The words that start it as a process of its own."""
        return [sys.executable, "-m", "client.cli", "--home", str(self.home), *map(str, words)]

    def run_apart(self, *words: str | Path, **variables: str) -> Ended:
        """Run a command as a process of its own, with more variables in its environment."""
        done = subprocess.run(self.command(*words), capture_output=True, text=True, check=False,
                              env=os.environ | self.variables | variables)
        assert "IBS-9205" not in done.stderr, (self.home / "technical.log").read_text()
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """Start it as a process of its own."""
        return subprocess.Popen(self.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=os.environ | self.variables)

    def enrol(self, password: str = PASSWORD, *more: str) -> Ended:
        """Enrol with the account's password."""
        self.home.mkdir(parents=True, exist_ok=True)
        if self.house.hardware.exists():
            shutil.copy(self.house.hardware, self.home / "hardware.xml")
        ended = self("enrol", self.house.address, "--user", self.user, "--password-stdin", "--json", *more,
                     stdin=password + "\n")
        if ended.code == 0:
            self.recovery_code = ended.json["recovery_code"]
            shutil.copy(self.home / "hardware.xml", self.house.hardware)
        return ended

    def back_up(self, *more: str) -> Ended:
        """Back up; what it said is one JSON object."""
        return self("backup", "--json", *more)

    def must_back_up(self) -> int:
        """Back up without any complaint; the snapshot's number."""
        ended = self.back_up()
        assert ended.code == 0, (ended, self("log").said)
        assert ended.json["skipped"] == 0
        return int(ended.json["snapshot"])

    def snapshots(self) -> list[int]:
        """The numbers of what can be restored."""
        return [snapshot["number"] for snapshot in self("snapshots", "--json").json]

    def restore(self, snapshot: int, *more: str) -> tuple[Ended, Path]:
        """Restore into an empty folder: how it ended, and what became of the protected folder there."""
        self.restores += 1
        target = self.folder / f"restored {self.restores}"
        ended = self("restore", "--snapshot", str(snapshot), "--to", target, "--json", *more)
        return ended, target / self.source.relative_to("/")

    def must_restore(self, snapshot: int) -> Path:
        """Restore without any complaint; where the protected folder is now."""
        ended, folder = self.restore(snapshot)
        assert ended.code == 0, self("log").said
        return folder

    def use_small_packs(self) -> None:
        """Before the first backup: packs of 2 MiB, so that a few megabytes make several."""
        with self.house.portal():
            self._vault().pack_size = 2 << 20

    # --- what lies behind it -------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The portal's name of this computer."""
        return load_identity(self.home, print).computer

    @property
    def vault(self) -> str:
        """Its vault's identifier."""
        return load_identity(self.home, print).vault

    @property
    def vault_folder(self) -> Path:
        """Its vault on the bundled storage."""
        return self.house.config.storage_folder / self.vault

    def _vault(self) -> Vault:
        return db.session.scalars(select(Vault).where(Vault.uuid == self.vault)).one()

    def let_lease_lapse(self) -> None:
        """What eleven minutes of silence do to the open run."""
        with self.house.portal():
            run = db.session.scalars(select(Run).where(Run.vault_id == self._vault().id, Run.state == OPEN)).one()
            run.lease_until -= timedelta(minutes=11)
            run.seen_at -= timedelta(minutes=11)

    def packs(self) -> list[Path]:
        """The pack files on the bundled storage, in the order of their numbers."""
        return sorted(self.vault_folder.rglob("*.ibp"))

    def runs(self) -> list[tuple[int, str, str]]:
        """Number, state and code of each run, as the portal has them."""
        with self.house.portal():
            rows = db.session.execute(
                select(Run.run_no, Run.state, Run.code).join(Vault, Vault.id == Run.vault_id)
                .where(Vault.uuid == self.vault).order_by(Run.run_no)
            ).all()
        return [(row.run_no, row.state, row.code) for row in rows]


def run_here(words: list[str], stdin: str = "") -> Ended:
    """Run `ibs-client` in this process: its exit code and its words. Signals are handled as before afterwards."""
    said, complained = io.StringIO(), io.StringIO()
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(stdin.encode()))
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
            code = main(words)
    finally:
        sys.stdin = before
        for number, handler in kept.items():
            signal.signal(number, handler)
    return Ended(code, said.getvalue(), complained.getvalue())


def _account(user: str) -> Account:
    return db.session.scalars(select(Account).where(Account.user_name == user)).one()

