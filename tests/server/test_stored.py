"""What a subscription's computers have stored: the sum that is kept with it is what their vaults hold, always."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select

from protocol import messages
from protocol.errors import TooManyComputers
from server.extensions import db
from server.models import Computer, Subscription, Vault
from server.services.fleet import computer_changes
from server.services.selling import plans, stored, subscriptions
from tests.parts.api_computer import ApiComputer, chunk_ids
from tests.parts.portal_world import BackedUp, PortalWorld, let_hold

MOVES = 12


@pytest.fixture
def front(world: PortalWorld) -> BackedUp:
    """Alice's computer, with 700 bytes."""
    box = world.computer(world.owner, "FRONT")
    let_hold(box.vault, 700)
    return box


@pytest.fixture
def silver(world: PortalWorld) -> Subscription:
    """Alice's second subscription, with a place for two computers."""
    plan = plans.create_plan("Silver", 10**9, 2, 30, 30, world.now)
    return subscriptions.create_subscription(world.alice, plan, world.now)


def kept() -> dict[int, int]:
    """The sums as they are kept, by subscription; each must be what the vaults hold."""
    db.session.rollback()
    db.session.expire_all()
    found = {one.id: one.stored_bytes for one in db.session.scalars(select(Subscription))}
    held = dict(db.session.execute(
        select(Computer.subscription_id, func.sum(Vault.stored_bytes))
        .join(Vault, Vault.id == Computer.vault_id).group_by(Computer.subscription_id)).all())
    assert found == {number: int(held.get(number, 0)) for number in found}
    return found


def test_a_pack_counts_once_for_its_vault_and_its_subscription(desk: ApiComputer, front: BackedUp) -> None:
    desk.open_run()
    pack = desk.store_pack(chunk_ids("a", "b"))
    desk.ask("POST", desk.run_path("packs"), messages.PackAdded, pack)
    assert kept()[desk.computer.subscription_id] == 700 + pack.pack.size
    assert desk.vault.stored_bytes == pack.pack.size
    assert stored.used_bytes(desk.computer.subscription_id) == 700 + pack.pack.size


def test_a_computer_takes_its_bytes_to_its_new_subscription(
    world: PortalWorld, front: BackedUp, silver: Subscription
) -> None:
    gold = front.computer.subscription_id
    computer_changes.move(front.computer, silver.id, front.computer.version, "admin", world.now)
    assert (kept()[gold], kept()[silver.id]) == (0, 700)
    computer_changes.move(front.computer, gold, front.computer.version, "admin", world.now)
    assert (kept()[gold], kept()[silver.id]) == (700, 0)


def test_a_move_that_is_refused_moves_nothing_whatever_is_committed_next(
    world: PortalWorld, front: BackedUp, silver: Subscription
) -> None:
    gold = front.computer.subscription_id
    silver.plan.computers = 0
    db.session.commit()
    with pytest.raises(TooManyComputers):
        computer_changes.move(front.computer, silver.id, front.computer.version, "admin", world.now)
    db.session.commit()
    assert (kept()[gold], kept()[silver.id]) == (700, 0)


def test_packs_that_come_while_computers_move_to_and_fro_are_all_counted(
    app: Flask, world: PortalWorld, front: BackedUp, silver: Subscription
) -> None:
    back = world.computer(world.second, "BACK")
    gold = front.computer.subscription_id
    computer_changes.move(back.computer, silver.id, back.computer.version, "admin", world.now)
    names, vaults = (front.computer.id, back.computer.id), (front.computer.vault_id, back.computer.vault_id)
    silver_id, now = silver.id, world.now
    db.session.commit()
    def move(name: str, first: int, second: int) -> None:
        with app.app_context():
            for turn in range(MOVES):
                computer = db.session.get_one(Computer, name, populate_existing=True)
                computer_changes.move(computer, second if turn % 2 else first, computer.version, "admin", now)

    def store(vault: int) -> None:
        with app.app_context():
            for _ in range(3 * MOVES):
                stored.note_stored(vault, 10)
                db.session.commit()

    with ThreadPoolExecutor(4) as threads:
        works = [threads.submit(move, names[0], silver_id, gold), threads.submit(move, names[1], gold, silver_id),
                 *(threads.submit(store, vault) for vault in vaults)]
    for work in works:
        work.result()
    assert sum(kept().values()) == 700 + 2 * 3 * MOVES * 10
