"""A portal that has been in use for a while: many customers, computers, runs and files, made fast and always alike.

Rows go in by thousands and follow what the services would have noted; nothing lies on a storage. The people of
PortalWorld stay as they are: what is made here belongs to others.
"""
from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from server.extensions import db
from server.models import (
    Account,
    AuditEvent,
    Computer,
    Customer,
    CustomerDay,
    FleetDay,
    HardwareIdentifier,
    Model,
    Plan,
    Run,
    Storage,
    Subscription,
    SubscriptionChange,
    Vault,
)
from server.services.fleet.health import expect_next
from server.services.signing_in.sign_in import hash_password
from tests.parts.portal_world import PASSWORD, PortalWorld, sum_up_stored

ROWS = 2_000
FIRST = ("Priya", "Tomás", "Ingrid", "Wei", "Fatima", "John", "Anaïs", "Kwame", "Sofia", "Haruto")
LAST = ("Rao", "Silva", "Lindqvist", "Zhang", "Haddad", "Miller", "Dubois", "Mensah", "Rossi", "Tanaka")
TRADES = ("Dental Practice", "Law Office", "Bakery", "Architects", "Garage", "Print Shop", "Travel", "Bookshop")
TOWNS = (("Pune", "IN", "Asia/Kolkata"), ("Porto", "PT", "Europe/Lisbon"), ("Lund", "SE", "Europe/Stockholm"),
         ("Leeds", "GB", "Europe/London"), ("Austin", "US", "America/Chicago"))
FATES = ("protected",) * 78 + ("late",) * 4 + ("overdue",) * 4 + ("warnings",) * 5 + ("failed",) * 3 + (
    "new",) * 3 + ("paused",) * 3
"""How computers do, in hundredths."""


@dataclass(frozen=True)
class Size:
    """How much there is to be."""

    customers: int = 60
    computers: int = 130
    days: int = 40


@dataclass
class Machine:
    """A computer while it is made: its row, its vault's row and what became of it."""

    computer: dict[str, Any]
    vault: dict[str, Any]
    fate: str


class FullHouse:
    """Fills an empty portal that has its first people."""

    def __init__(self, world: PortalWorld, size: Size, *, seed: int = 1) -> None:
        """Needs an application context."""
        self.world, self.size, self.now = world, size, world.now
        self.chance = random.Random(seed)
        self.machines: list[Machine] = []
        self.subscriptions: list[dict[str, Any]] = []
        self.accounts: list[dict[str, Any]] = []
        self.customers: list[dict[str, Any]] = []
        self.days: dict[Any, dict[str, Any]] = {}
        self.customer_days: dict[Any, dict[str, Any]] = {}

    def fill(self) -> None:
        """Everything, in the order in which rows refer to each other."""
        self._sell()
        add_rows(Customer, self._make_customers())
        add_rows(Subscription, self._make_subscriptions())
        add_rows(Account, self._make_accounts())
        self._make_machines()
        self._run()
        add_rows(Vault, (machine.vault for machine in self.machines))
        add_rows(Computer, (machine.computer for machine in self.machines))
        sum_up_stored()
        add_rows(HardwareIdentifier, self._make_identifiers())
        db.session.query(FleetDay).delete()  # the few runs before these don't matter
        add_rows(FleetDay, (self.days[day] for day in sorted(self.days)))
        add_rows(CustomerDay, (self.customer_days[key] for key in sorted(self.customer_days)))
        add_rows(SubscriptionChange, self._make_changes())
        add_rows(AuditEvent, self._make_events())
        db.session.commit()

    def _sell(self) -> None:
        for name, quota, computers, colour in (("Home", 10, 1, "#92400e"), ("Office", 25, 3, "#475467"),
                                              ("Works", 500, 20, "#175cd3")):
            db.session.add(Plan(name=name, quota=quota * 10**9, computers=computers, days=365, keep_days=90,
                                grace_days=14, colour=colour, price=quota * 2, active=name != "Works"))
        for number, host in enumerate(("nas.example.net", "ftp.example.org"), 1):
            db.session.add(Storage(name=f"Storage {number}", kind="ftp", host=host, user="ibs", tls=True,
                                   capacity=number * 4 * 10**12, checked_at=self.now - timedelta(hours=number)))
        db.session.commit()
        self.plans = db.session.scalars(select(Plan).order_by(Plan.id)).all()
        self.storages = db.session.scalars(select(Storage).order_by(Storage.id)).all()

    def _make_customers(self) -> Iterator[dict[str, Any]]:
        first, number = self._next(Customer), (db.session.scalar(select(func.max(Customer.number))) or 0) + 1
        for place in range(self.size.customers):
            person = f"{self.chance.choice(FIRST)} {self.chance.choice(LAST)}"
            town, country, zone = self.chance.choice(TOWNS)
            company = place % 3 > 0
            row = {
                "id": first + place, "number": number + place, "kind": "company" if company else "person",
                "name": f"{person.split()[1]} {self.chance.choice(TRADES)}" if company else person,
                "contact": person if company else None, "email": f"office{place}@example.com", "phone": "+1 555 0100",
                "street": f"{place % 180 + 1} Market Street", "city": town, "postcode": f"{10000 + place}",
                "country": country, "time_zone": zone, "created_at": self._ago(400 - place % 300),
                "implementor_id": self.world.implementor.id if place % 10 == 0 else None,
            }
            self.customers.append(row)
            yield row

    def _make_subscriptions(self) -> Iterator[dict[str, Any]]:
        first = self._next(Subscription)
        for place, customer in enumerate(self.customers):
            plan = self.plans[place % 3]
            until = (self.now + timedelta(days=place * 7 % 365 - 20)).date()
            row = {
                "id": first + place, "customer_id": customer["id"], "plan_id": plan.id,
                "storage_id": self.storages[place % len(self.storages)].id, "quota": plan.quota,
                "valid_from": until - timedelta(days=365), "valid_until": until,
                "grace_until": until + timedelta(days=plan.grace_days), "suspended": place % 40 == 7,
                "created_at": customer["created_at"],
            }
            self.subscriptions.append(row)
            yield row

    def _make_accounts(self) -> Iterator[dict[str, Any]]:
        first, password = self._next(Account), hash_password(PASSWORD)
        for place, (customer, licence) in enumerate(zip(self.customers, self.subscriptions, strict=True)):
            row = {
                "id": first + place, "customer_id": customer["id"], "user_name": f"user{customer['number']:06d}",
                "email": customer["email"], "is_owner": True, "subscription_id": licence["id"],
                "password_hash": password, "created_at": customer["created_at"], "accepts_backups": place % 50 != 9,
                "last_sign_in_at": self._ago(place % 60),
            }
            self.accounts.append(row)
            yield row

    def _make_machines(self) -> None:
        first = self._next(Vault)
        for place in range(self.size.computers):
            owner = place % len(self.accounts)
            account, licence = self.accounts[owner], self.subscriptions[owner]
            identity, enrolled = str(UUID(int=self.chance.getrandbits(128), version=4)), self._ago(self.size.days)
            self.machines.append(Machine({
                "id": identity, "account_id": account["id"], "customer_id": account["customer_id"],
                "subscription_id": licence["id"], "vault_id": first + place, "windows_names": True,
                "name": f"{self.chance.choice(('PC', 'LAPTOP', 'DESK', 'SERVER'))}-{place:04d}",
                "token_hash": hashlib.sha256(identity.encode()).digest(), "client_version": "0.1",
                "enrolled_at": enrolled, "last_seen_at": self._ago(place % 30 / 24), "state": "active",
                "schedule": "every day at 18:00", "longest_gap": 86_400,
            }, {
                "id": first + place, "uuid": str(UUID(int=self.chance.getrandbits(128), version=4)),
                "storage_id": licence["storage_id"], "computer_id": identity, "wrapped_portal": b"-",
                "wrapped_recovery": b"-", "recovery_key_sealed": b"-", "created_at": enrolled,
                "stored_bytes": int(licence["quota"] * self.chance.triangular(0.01, 0.5, 0.15)),
            }, self.chance.choice(FATES)))

    def _run(self) -> None:
        runs = (row for machine in self.machines for row in self._runs_of(machine))
        add_rows(Run, runs)

    def _runs_of(self, machine: Machine) -> Iterator[dict[str, Any]]:
        computer, vault, fate = machine.computer, machine.vault, machine.fate
        facts = Computer(longest_gap=computer["longest_gap"])
        last, states, points = None, ["", ""], 0
        if fate != "new":
            gone = {"overdue": 6, "late": 1.2}.get(fate, 0)
            files = self.chance.randrange(500, 40_000)
            for number, ago in enumerate(range(self.size.days, -1, -1), 1):
                began = self._ago(ago + gone) - timedelta(minutes=self.chance.randrange(60, 900))
                state = "failed" if fate == "failed" and ago < 2 else self._ending()
                if ago < 2 and fate != "failed":
                    state = "committed"
                open_files = self.chance.random() < (1 if fate == "warnings" and ago < 5 else 0.02)
                skipped = 3 if state == "committed" and open_files else 0
                seconds = self.chance.randrange(40, 1800)
                last = run_row(vault["id"], number, began, seconds, state, files + number, skipped)
                self._count(last, computer["customer_id"])
                states = [state, states[0]]
                if state == "committed":
                    points += 1
                    facts.last_commit_at, facts.last_skipped = last["finished_at"], skipped
                    vault |= {"last_commit_run": number, "last_commit_hash": bytes(32)}
                yield last
            vault["last_run_no"] = self.size.days + 1
        facts.last_skipped = facts.last_skipped or 0
        expect_next(facts, self.plans[0])
        computer |= {
            "last_commit_at": facts.last_commit_at, "last_skipped": facts.last_skipped, "late_at": facts.late_at,
            "overdue_at": facts.overdue_at, "restore_points": points, "last_run_state": states[0],
            "previous_run_state": states[1], "last_run_at": last["finished_at"] if last else None,
            "state": "paused" if fate == "paused" else "active", "awaits_approval": computer["name"].endswith("17"),
            "failed_since": last["finished_at"] if fate == "failed" and last else None,
            "warned_since": self._ago(4) if fate == "warnings" else None,
        }
        vault |= {"last_commit_run": vault.get("last_commit_run"), "last_run_no": vault.get("last_run_no", 0),
                  "last_commit_hash": vault.get("last_commit_hash")}

    def _ending(self) -> str:
        return self.chance.choices(("committed", "failed", "abandoned", "cancelled"), (95, 2, 2, 1))[0]

    def _count(self, run: dict[str, Any], customer: int) -> None:
        day = run["finished_at"].date()
        nothing = {"day": day, "completed": 0, "warnings": 0, "failed": 0, "other": 0, "stored": 0}
        words = {"committed": "warnings" if run["skipped"] else "completed", "failed": "failed"}
        word = words.get(run["state"], "other")
        for row in (self.days.setdefault(day, dict(nothing)),
                    self.customer_days.setdefault((customer, day), {"customer_id": customer, **nothing})):
            row[word] += 1
            row["stored"] += run["stored"]

    def _make_identifiers(self) -> Iterator[dict[str, Any]]:
        for place, machine in enumerate(self.machines):
            mac = "-".join(f"{place * 7919 >> shift & 255:02X}" for shift in (40, 32, 24, 16, 8, 0))
            yield {"computer_id": machine.computer["id"], "kind": "mac", "value": mac}
            yield {"computer_id": machine.computer["id"], "kind": "disk", "value": f"WD-{place:08d}"}

    def _make_changes(self) -> Iterator[dict[str, Any]]:
        for licence in self.subscriptions:
            yield {"subscription_id": licence["id"], "at": licence["created_at"], "actor": "admin@example.com",
                   "kind": "created", "before": {}, "after": {"quota": licence["quota"]}, "reason": ""}

    def _make_events(self) -> Iterator[dict[str, Any]]:
        for place in range(self.size.customers * 20):
            customer = self.customers[place % len(self.customers)]
            yield {"at": self._ago(place % 90), "actor": "admin@example.com", "action": "changed a customer",
                   "object": f"C-{customer['number']:06d}", "detail": "", "address": "192.0.2.7",
                   "customer_id": customer["id"], "before": "", "after": ""}

    def _ago(self, days: float) -> datetime:
        return self.now - timedelta(days=days)

    @staticmethod
    def _next(model: type[Any]) -> int:
        return (db.session.scalar(select(func.max(model.id))) or 0) + 1


def add_rows(model: type[Model], rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows of one table, thousands at a time; all of them name the same columns."""
    waiting = iter(rows)
    while some := list(islice(waiting, ROWS)):
        db.session.execute(model.__table__.insert(), some)  # type: ignore[attr-defined]
        db.session.commit()


def run_row(vault: int, number: int, began: datetime, seconds: int, state: str, files: int, skipped: int = 0
            ) -> dict[str, Any]:
    """A run that took `seconds` and ended in this state."""
    done, ended = state == "committed", began + timedelta(seconds=seconds)
    return {
        "vault_id": vault, "run_no": number, "uuid": str(UUID(int=vault << 64 | number, version=4)), "state": state,
        "automatic": number % 9 != 0, "opened_at": began, "seen_at": ended, "finished_at": ended,
        "lease_hash": bytes(32), "lease_until": ended, "hardware_hash": bytes(32), "root_node": 1, "first_chunk": 1,
        "files": files if done else 0, "bytes": files * 81_000 if done else 0, "read_bytes": files * 900,
        "stored": files * 400 if done else 0, "skipped": skipped, "code": "IBS-2101" if state == "failed" else "",
        "sentence": "Can't reach the storage nas.example.net: timed out. Your earlier backups are safe."
        if state == "failed" else "",
    }
