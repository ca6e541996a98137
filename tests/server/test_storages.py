"""Storages: examined before they are registered, opened by the portal, described to computers."""
from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from protocol.errors import StorageMissing
from protocol.messages import StorageAccess, StorageAddress, StorageProfile
from server.config import Config
from server.extensions import db
from server.models import AuditEvent, Storage
from server.services.house.refusals import NameInUse, ValueRefused
from server.services.storage import storage_checks, storages
from server.services.storage.credentials import READ
from server.services.storage.sealing import SealBroken, open_password, seal_password
from tests.parts.ftp_servers import FtpServer
from tests.parts.gateway import running_gateway
from tests.parts.portal_world import PortalWorld, let_hold
from vault.address import FtpAddress, Profile
from vault.errors import StorageError, StorageFull, StorageRefused, StorageUnreachable, StorageUnsuitable
from vault.ftp import FtpStorage
from vault.layout import VAULT_FILE, pack_name

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
StartFtp = Callable[..., FtpServer]


def add(name: str, server: FtpServer, config: Config, **options: object) -> Storage:
    """Register a server without waiting a minute for it to fall asleep."""
    return storages.add_storage(name, server.address("/base"), config, NOW, idle_seconds=0.05, **options)


def as_seen_by_a_computer(access: StorageAccess, folder: str) -> FtpStorage:
    """The transport that a client makes of what it was told."""
    address = FtpAddress(**{name: getattr(access.address, name) for name in StorageAddress.__struct_fields__})
    profile = Profile(**{name: getattr(access.profile, name) for name in StorageProfile.__struct_fields__})
    return FtpStorage(address, folder, profile)


# Registering


def test_it_examines_a_server_and_keeps_what_was_found(app: Flask, config: Config, start_ftp: StartFtp) -> None:
    told: list[str] = []
    server = start_ftp("pyftpdlib")
    add("rack 1", server, config, tell=told.append)
    stored = db.session.scalars(select(Storage)).one()
    assert (stored.name, stored.kind, stored.port, stored.base) == ("rack 1", storages.FTP, server.port, "/base")
    assert storages.profile_of(stored).ranged
    assert not storages.profile_of(stored).append_only
    assert stored.checked_at == NOW
    assert [finding["sentence"] for finding in stored.findings] == told
    assert len(told) > 8
    assert server.password.encode() not in stored.password_sealed
    assert db.session.scalars(select(AuditEvent.action)).all() == ["added a storage"]


def test_the_first_storage_is_the_default_until_another_is_chosen(app: Flask, config: Config,
                                                                  start_ftp: StartFtp) -> None:
    with pytest.raises(StorageMissing):
        storages.default_storage()
    storages.register_gateway(config, NOW)
    storages.register_gateway(config, NOW)
    assert storages.default_storage().kind == storages.GATEWAY
    server = start_ftp("pyftpdlib")
    add("spare", server, config)
    assert storages.default_storage().kind == storages.GATEWAY
    add("main", server, config, default=True)
    assert storages.default_storage().name == "main"
    assert db.session.scalars(select(Storage.name).where(Storage.is_default)).all() == ["main"]
    assert len(db.session.scalars(select(Storage)).all()) == 3


def test_it_refuses_a_server_that_lacks_what_a_storage_needs(app: Flask, config: Config, start_ftp: StartFtp) -> None:
    told: list[str] = []
    server = start_ftp("pyftpdlib")
    (server.root / "base").write_bytes(b"a file where the folder should be")
    address = dataclasses.replace(server.address(), base="/base")
    with pytest.raises(StorageUnsuitable):
        storages.add_storage("rack", address, config, NOW, idle_seconds=0.05, tell=told.append)
    assert told
    assert db.session.scalars(select(Storage)).all() == []


def test_it_refuses_a_server_that_cannot_be_reached_or_lets_nobody_in(app: Flask, config: Config,
                                                                      start_ftp: StartFtp) -> None:
    server = start_ftp("pyftpdlib")
    with pytest.raises(StorageRefused):
        storages.add_storage("rack", dataclasses.replace(server.address(), password="wrong"), config, NOW)
    server.stop()
    with pytest.raises(StorageUnreachable):
        add("rack", server, config)
    assert db.session.scalars(select(Storage)).all() == []


def test_a_name_is_used_once_and_readable(app: Flask, config: Config, start_ftp: StartFtp) -> None:
    server = start_ftp("pyftpdlib")
    add("rack", server, config)
    with pytest.raises(NameInUse):
        add("rack", server, config)
    for name in ("", "x" * 101, "two\nlines"):
        with pytest.raises(ValueRefused):
            add(name, server, config)


def test_a_sealed_password_opens_with_its_key_and_name_only() -> None:
    sealed = seal_password(bytes(32), "rack", "pässword")
    assert open_password(bytes(32), "rack", sealed) == "pässword"
    assert seal_password(bytes(32), "rack", "pässword") != sealed
    for key, name, data in ((b"1" * 32, "rack", sealed), (bytes(32), "other", sealed), (bytes(32), "rack", sealed[:-1]),
                            (bytes(32), "rack", b"")):
        with pytest.raises(SealBroken):
            open_password(key, name, data)


# Opening and describing


def test_portal_and_computer_meet_in_the_same_vault_on_the_bundled_storage(world: PortalWorld, config: Config) -> None:
    vault = world.computer(world.owner, "desk").vault
    with running_gateway(config) as gateway:
        access = storages.access_for(vault, gateway.config, datetime.now(UTC))
        with as_seen_by_a_computer(access, storages.vault_folder_of(vault)) as storage:
            storage.put_new(VAULT_FILE, b"from the computer")
        own = storages.open_vault_storage(vault, config)
        assert own.read(VAULT_FILE) == b"from the computer"
        own.delete(VAULT_FILE)
        own.put_new(VAULT_FILE, b"from the portal")
        access = storages.access_for(vault, gateway.config, datetime.now(UTC), READ)
        with as_seen_by_a_computer(access, storages.vault_folder_of(vault)) as storage:
            assert storage.read(VAULT_FILE) == b"from the portal"
            with pytest.raises(StorageError, match="may only read"):
                storage.put_new("s/00/000/00000001.commit", b"from a reader")


def test_portal_and_computer_meet_in_the_same_vault_on_a_registered_server(world: PortalWorld, config: Config,
                                                                           start_ftp: StartFtp) -> None:
    add("rack", start_ftp("pyftpdlib"), config, default=True)
    vault = world.computer(world.owner, "desk").vault
    assert vault.storage.name == "rack"
    access = storages.access_for(vault, config, NOW)
    with as_seen_by_a_computer(access, storages.vault_folder_of(vault)) as storage:
        storage.put_new(VAULT_FILE, b"{}")
    own = storages.open_vault_storage(vault, config)
    assert own.size(VAULT_FILE) == 2
    own.close()


def test_what_a_computer_is_told_has_every_field_of_address_and_profile() -> None:
    assert set(StorageAddress.__struct_fields__) == {field.name for field in dataclasses.fields(FtpAddress)}
    assert set(StorageProfile.__struct_fields__) == {field.name for field in dataclasses.fields(Profile)}
    assert StorageProfile(**dataclasses.asdict(Profile())) == StorageProfile()


def test_a_profile_of_an_older_version_takes_the_defaults_for_what_it_lacks(app: Flask, config: Config) -> None:
    old = Storage(name="old", kind=storages.FTP, profile={"rename": False, "no_longer_known": 1})
    assert storages.profile_of(old) == Profile(rename=False)


# Space


def test_a_vault_may_hold_what_the_other_computers_of_the_subscription_leave(world: PortalWorld) -> None:
    desk, laptop = world.computer(world.owner, "desk"), world.computer(world.second, "laptop")
    strange = world.computer(world.stranger, "strange")
    world.subscriptions[world.alice.id].quota = 1_000
    for box, size in ((desk, 300), (laptop, 200), (strange, 10**12)):
        let_hold(box.vault, size)
    assert storages.allowance(desk.vault.uuid) == 800
    assert storages.allowance(laptop.vault.uuid) == 700
    let_hold(laptop.vault, 2_000)
    assert storages.allowance(desk.vault.uuid) == 0
    assert storages.allowance("00000000-0000-0000-0000-000000000000") == 0


def test_f16_the_bundled_storage_keeps_to_the_subscription_s_quota(world: PortalWorld, app: Flask,
                                                                   config: Config) -> None:
    computer = world.computer(world.owner, "desk")
    world.subscriptions[world.alice.id].quota = 1_000_000
    let_hold(computer.vault, 0)
    vault = computer.vault.uuid

    def allowance(name: str) -> int:
        with app.app_context():
            return storages.allowance(name)

    with running_gateway(config, allowance) as gateway, gateway.storage(vault) as storage:
        storage.put_new(VAULT_FILE, b"{}")
        storage.put_new(pack_name(1, bytes(32)), bytes(900_000))
        with pytest.raises(StorageFull):
            storage.put_new(pack_name(2, bytes(32)), bytes(200_000))
        assert gateway.files(vault) == {VAULT_FILE: 2, pack_name(1, bytes(32)): 900_000}


# Checking again


def test_it_examines_a_server_again_after_a_week(app: Flask, config: Config, start_ftp: StartFtp) -> None:
    storages.register_gateway(config, NOW - timedelta(days=100))
    server = start_ftp("pyftpdlib")
    rack = add("rack", server, config)

    def checked_at(moment: datetime) -> int:
        return storage_checks.check_asked_and_due(config, clock=lambda: moment, idle_seconds=0.05)

    assert checked_at(NOW + timedelta(days=6)) == 0
    assert checked_at(NOW + timedelta(days=7)) == 1
    assert rack.checked_at is not None
    assert rack.checked_at != NOW
    assert all(finding["good"] for finding in rack.findings if finding["probe"] != "append-only")


def test_a_server_that_fails_its_check_keeps_its_profile_and_shows_why(app: Flask, config: Config,
                                                                       start_ftp: StartFtp) -> None:
    server = start_ftp("pyftpdlib")
    rack = add("rack", server, config)
    profile = rack.profile
    server.stop()
    storage_checks.check_storage(rack, config, idle_seconds=0.05)
    assert rack.profile == profile
    assert [finding["good"] for finding in rack.findings] == [False]
    assert "Can't reach the storage" in rack.findings[0]["sentence"]
