"""Storages in the browser: a wizard that tries a real FTP server out, its certificate, its health, its space."""
from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from server.config import Config
from server.extensions import db
from server.jobs import create_queue
from server.models import AuditEvent, Storage
from server.services.selling import allocation
from server.services.storage import storage_checks, storage_drafts, storage_states, storages
from server.services.storage.sealing import open_password
from tests.parts.ftp_servers import FtpServer
from tests.parts.gateway import running_gateway
from tests.parts.pages import PageClient, browse, form_values
from tests.parts.portal_world import PortalWorld, let_hold
from tests.parts.queries import MOST, count_queries
from vault.errors import CertificateRejected
from vault.layout import VAULT_FILE

GB = 10**9
NOW = datetime.now(UTC)
StartFtp = Callable[..., FtpServer]


@pytest.fixture
def admin(app: Flask, world: PortalWorld) -> PageClient:
    """The administrator's browser."""
    return browse(app, "admin@example.com")


def typed(server: FtpServer, **changes: str) -> dict[str, str]:
    """What somebody types for a server."""
    server.address("/base")
    return {"host": server.host, "port": str(server.port), "user": server.user, "password": server.password,
            "base": "/base", "protection": "tls" if server.tls else "plain", "accepts_plain": "y"} | changes


def check(config: Config) -> int:
    """What the worker does, without waiting a minute for a connection to fall asleep."""
    db.session.rollback()
    done = storage_checks.check_asked_and_due(config, idle_seconds=0.05)
    db.session.expire_all()
    return done


def the_draft() -> Storage:
    """As it stands in the database."""
    db.session.rollback()
    db.session.expire_all()
    return db.session.query(Storage).filter_by(kind="draft").one()


def added(admin: PageClient, config: Config, server: FtpServer, name: str = "rack", **more: str) -> Storage:
    """A storage that went through the whole wizard."""
    page = admin.fill("/storage/add", typed(server)).location
    check(config)
    if server.tls:
        assert admin.fill(page, action=f"{page}/trust").status_code == 303
        check(config)
    assert admin.fill(page, {"name": name} | more, f"{page}/save").status_code == 303
    db.session.expire_all()
    return db.session.query(Storage).filter_by(name=name).one()


# Adding


def test_the_wizard_leads_from_the_address_over_the_certificate_to_a_storage(
    app: Flask, admin: PageClient, config: Config, start_ftp: StartFtp
) -> None:
    server = start_ftp("pyftpdlib")
    answer = admin.fill("/storage/add", typed(server))
    assert answer.status_code == 303
    waiting = admin.get(answer.location).text
    assert "Checking" in waiting
    assert server.password not in waiting
    assert admin.get(f"{answer.location}/status").status_code == 200
    assert check(config) == 1

    shown = admin.get(answer.location).text
    assert "Do you know this certificate?" in shown
    assert server.certificate.pin.hex(":").upper() in shown
    assert "Valid until" in shown
    assert admin.get(f"{answer.location}/status").status_code == 286
    assert admin.fill(answer.location, action=f"{answer.location}/trust").status_code == 303
    assert check(config) == 1

    found = admin.get(answer.location).text
    assert "It can be used" in found
    assert "Files can be renamed." in found
    saved = admin.fill(answer.location, {"name": "rack 1", "gigabytes": "2000"}, f"{answer.location}/save")
    assert saved.status_code == 303
    page = admin.get(saved.location).text
    assert "rack 1" in page
    assert "2.0 TB" in page
    db.session.expire_all()
    rack = db.session.query(Storage).filter_by(name="rack 1").one()
    assert (rack.kind, rack.capacity, rack.pin, rack.is_default) == ("ftp", 2000 * GB, server.certificate.pin, False)
    assert open_password(config.secrets.kek, "rack 1", rack.password_sealed) == server.password
    assert storages.profile_of(rack).ranged
    assert db.session.query(AuditEvent).filter_by(action="added a storage", object="rack 1").count() == 1


def test_plain_ftp_needs_a_decision_and_is_marked_as_a_limit(app: Flask, admin: PageClient, config: Config,
                                                             start_ftp: StartFtp) -> None:
    server = start_ftp("pyftpdlib", tls=False)
    form = admin.form("/storage/add") | typed(server)
    del form["accepts_plain"]
    answer = admin.post("/storage/add", data=form)
    assert (answer.status_code, "accepts_plain-problem" in answer.text) == (400, True)
    assert server.password not in answer.text
    rack = added(admin, config, server)
    state = storage_states.state_of_storage(rack, NOW)
    assert state.word == "Limited"
    assert "not encrypted" in state.sentence


def test_a_wrong_password_is_told_in_words_and_can_be_corrected(app: Flask, admin: PageClient, config: Config,
                                                                start_ftp: StartFtp) -> None:
    server = start_ftp("pyftpdlib", tls=False)
    page = admin.fill("/storage/add", typed(server, password="wrong")).location
    check(config)
    text = admin.get(page).text
    assert "can&#39;t be used as it is" in text or "can't be used as it is" in text
    assert "refused the sign-in" in text
    assert admin.fill(f"{page}/address", {"password": server.password}).status_code == 303
    check(config)
    assert "It can be used" in admin.get(page).text
    page_of_address = admin.get(f"{page}/address").text
    assert server.password not in page_of_address
    assert admin.fill(f"{page}/address", {"base": "/base"}).status_code == 303, "an empty password keeps the known one"
    check(config)
    assert "It can be used" in admin.get(page).text


def test_a_server_that_lacks_what_is_needed_cannot_be_saved(app: Flask, admin: PageClient, config: Config,
                                                            start_ftp: StartFtp) -> None:
    server = start_ftp("pyftpdlib", tls=False)
    (server.root / "file").write_bytes(b"no folder")
    page = admin.fill("/storage/add", typed(server, base="/file")).location
    form = {"csrf_token": admin.token(page), "submission": "x" * 43, "name": "rack"}
    early = admin.post(f"{page}/save", data=form)
    assert (early.status_code, "IBS-1324" in early.text) == (502, True)
    check(config)
    assert "can't be entered or made" in admin.get(page).text.replace("&#39;", "'")
    late = admin.post(f"{page}/save", data=form)
    assert (late.status_code, "IBS-2130" in late.text) == (502, True)
    assert db.session.query(Storage).filter_by(kind="ftp").count() == 0


def test_another_certificate_than_the_one_shown_is_not_trusted(app: Flask, admin: PageClient, config: Config,
                                                               start_ftp: StartFtp) -> None:
    server = start_ftp("pyftpdlib")
    admin.fill("/storage/add", typed(server))
    check(config)
    with pytest.raises(CertificateRejected):
        storage_drafts.trust(the_draft(), "00" * 32, NOW)
    db.session.rollback()
    assert the_draft().pin is None


def test_what_is_wrong_with_an_address_is_said_beside_it(app: Flask, admin: PageClient) -> None:
    good = {"host": "ftp.example.com", "port": "21", "user": "u", "password": "secret-7", "base": ""}
    for changes, field in (({"host": ""}, "host"), ({"port": "0"}, "port"), ({"port": "x"}, "port"),
                           ({"user": ""}, "user"), ({"password": ""}, "password"), ({"base": "../up"}, "base"),
                           ({"base": "/a/../b"}, "base"), ({"host": "a\r\nb"}, "host"), ({"user": "a\x00b"}, "user")):
        answer = admin.fill("/storage/add", good | changes)
        assert (answer.status_code, f'id="{field}-problem"' in answer.text) == (400, True), changes
        assert "secret-7" not in answer.text
    assert db.session.query(Storage).count() == 1


def test_a_double_click_begins_one_draft_and_saves_one_storage(app: Flask, admin: PageClient, config: Config,
                                                               start_ftp: StartFtp) -> None:
    server = start_ftp("pyftpdlib", tls=False)
    form = admin.form("/storage/add") | typed(server)
    first, second = (admin.post("/storage/add", data=form).location for _ in range(2))
    assert first == second
    check(config)
    form = admin.form(first, f"{first}/save") | {"name": "rack"}
    codes = [admin.post(f"{first}/save", data=form).status_code for _ in range(2)]
    assert codes == [303, 303]
    assert db.session.query(Storage).filter_by(name="rack").count() == 1


def test_a_draft_is_nowhere_to_be_seen_and_is_forgotten_after_a_day(app: Flask, admin: PageClient, config: Config,
                                                                    start_ftp: StartFtp) -> None:
    server = start_ftp("pyftpdlib", tls=False)
    admin.fill("/storage/add", typed(server))
    draft = the_draft()
    assert [storage.name for storage in storages.list_storages()] == ["bundled"]
    assert admin.get(f"/storage/{draft.id}").status_code == 404
    assert draft.name not in admin.get("/storage").text
    storage_drafts.forget_old_drafts(NOW + timedelta(hours=12))
    assert the_draft().id == draft.id
    storage_drafts.forget_old_drafts(NOW + timedelta(hours=25))
    assert db.session.query(Storage).filter_by(kind="draft").count() == 0


# Changing the address


def test_a_new_address_is_tried_out_before_it_is_saved(app: Flask, admin: PageClient, config: Config,
                                                       start_ftp: StartFtp) -> None:
    old, new = start_ftp("pyftpdlib", tls=False), start_ftp("pyftpdlib", tls=False)
    rack = added(admin, config, old)
    page = admin.fill(f"/storage/{rack.id}/address", typed(new, password="wrong")).location
    check(config)
    assert "refused the sign-in" in admin.get(page).text
    db.session.refresh(rack)
    assert rack.port == old.port
    admin.fill(f"{page}/address", {"password": new.password})
    check(config)
    assert admin.fill(page, action=f"{page}/save").status_code == 303
    db.session.expire_all()
    assert (rack.port, rack.name) == (new.port, "rack")
    assert open_password(config.secrets.kek, "rack", rack.password_sealed) == new.password
    assert db.session.query(Storage).filter_by(kind="draft").count() == 0
    event = db.session.query(AuditEvent).filter_by(action="changed a storage's address").one()
    assert new.password not in event.before + event.after


def test_an_address_without_the_vaults_is_not_saved(app: Flask, admin: PageClient, config: Config, world: PortalWorld,
                                                    start_ftp: StartFtp) -> None:
    old, new = start_ftp("pyftpdlib", tls=False), start_ftp("pyftpdlib", tls=False)
    rack = added(admin, config, old, default="y")
    vault = world.computer(world.owner, "desk").vault
    assert vault.storage_id == rack.id
    vault.last_commit_run = 1
    db.session.commit()
    page = admin.fill(f"/storage/{rack.id}/address", typed(new)).location
    check(config)
    assert the_draft().problem_code == "IBS-1323"
    folder = new.root / "base" / storages.vault_folder_of(vault)
    folder.mkdir(parents=True)
    (folder / VAULT_FILE).write_bytes(b"{}")
    admin.fill(page, action=f"{page}/again")
    check(config)
    assert admin.fill(page, action=f"{page}/save").status_code == 303


# Health


def test_its_state_follows_from_the_checks_and_survives_a_restart(app: Flask, admin: PageClient, config: Config,
                                                                  start_ftp: StartFtp) -> None:
    server = start_ftp("pyftpdlib")
    rack = added(admin, config, server)
    assert storage_states.state_of_storage(rack, NOW).word in {"Ready", "Limited"}
    server.stop()
    assert admin.fill(f"/storage/{rack.id}", action=f"/storage/{rack.id}/check").status_code == 303
    assert "Checking" in admin.get(f"/storage/{rack.id}").text
    assert "hx-get" not in admin.get(f"/storage/{rack.id}?updates=off").text
    assert check(config) == 1, "asked for before, done by whoever works next"
    state = storage_states.state_of_storage(rack, NOW)
    assert state.word == "Unreachable"
    assert state.since is not None
    assert "since" in admin.get("/storage").text
    words = {one.storage.name: one.word for one in storage_states.states_of_storages(NOW)}
    assert words == {"bundled": "Ready", "rack": "Unreachable"}
    assert check(config) == 0, "an unreachable storage is not asked again at once"


def test_a_refused_password_and_a_full_storage_are_told_apart(app: Flask, admin: PageClient, config: Config,
                                                              world: PortalWorld, start_ftp: StartFtp) -> None:
    rack = added(admin, config, start_ftp("pyftpdlib", tls=False), gigabytes="100", default="y")
    vault = world.computer(world.owner, "desk").vault
    let_hold(vault, 95 * GB)
    assert storage_states.state_of_storage(rack, NOW).word == "Nearly full"
    rack.password_sealed = storages.seal_password(config.secrets.kek, "rack", "changed meanwhile")
    db.session.commit()
    admin.fill(f"/storage/{rack.id}", action=f"/storage/{rack.id}/check")
    check(config)
    assert storage_states.state_of_storage(rack, NOW).word == "Access refused"


def test_the_bundled_storage_is_checked_by_its_folder_and_its_certificate(app: Flask, admin: PageClient, config: Config,
                                                                          world: PortalWorld) -> None:
    bundled = db.session.query(Storage).one()
    admin.fill(f"/storage/{bundled.id}", action=f"/storage/{bundled.id}/check")
    with running_gateway(config) as gateway:
        assert check(gateway.config) == 1
    page = admin.get(f"/storage/{bundled.id}").text
    assert "It answers with its own certificate." in page
    assert "of its disk are free" in page


def test_asking_for_a_check_wakes_the_worker(app: Flask, admin: PageClient, config: Config, world: PortalWorld) -> None:
    bundled = db.session.query(Storage).one()
    admin.fill(f"/storage/{bundled.id}", action=f"/storage/{bundled.id}/check")
    waiting = create_queue(app)
    assert [task.name for task in waiting.pending()] == ["check_storages"]


# Settings and allocation


def test_a_new_name_takes_the_password_along(app: Flask, admin: PageClient, config: Config, start_ftp: StartFtp
                                             ) -> None:
    server = start_ftp("pyftpdlib", tls=False)
    rack = added(admin, config, server)
    assert admin.fill(f"/storage/{rack.id}/edit", {"name": "bundled"}).status_code == 400
    shown = admin.form(f"/storage/{rack.id}/edit")
    assert admin.fill(f"/storage/{rack.id}/edit", {"name": "cellar", "gigabytes": "50"}).status_code == 303
    db.session.expire_all()
    assert (rack.name, rack.capacity) == ("cellar", 50 * GB)
    assert storages.address_of(rack, config).password == server.password
    late = admin.post(f"/storage/{rack.id}/edit", data=shown | {"name": "attic"})
    assert (late.status_code, form_values(late.text)["name"]) == (409, "attic")


def test_the_default_can_be_chosen(app: Flask, admin: PageClient, config: Config, start_ftp: StartFtp) -> None:
    rack = added(admin, config, start_ftp("pyftpdlib", tls=False))
    assert admin.fill(f"/storage/{rack.id}", action=f"/storage/{rack.id}/default").status_code == 303
    db.session.expire_all()
    assert storages.default_storage().name == "rack"


def test_the_allocation_names_what_was_granted_used_and_is_free(app: Flask, admin: PageClient, world: PortalWorld
                                                                ) -> None:
    let_hold(world.computer(world.owner, "desk").vault, 30 * GB)
    db.session.query(Storage).update({"capacity": 80 * GB})
    db.session.commit()
    page = admin.get("/storage/allocation?sort=-used").text
    for words in ("Overcommitted by\">20 GB", "Granted\">100 GB", "Used\">30 GB", "Free\">50 GB", "Free\">20 GB"):
        assert words in page, words
    assert page.index("Alice Rivers") < page.index("Bob Stone")
    by_name = admin.get("/storage/allocation?sort=-name").text
    assert by_name.index("Alice Rivers") > by_name.index("Bob Stone")
    assert admin.get("/storage/allocation?sort=; drop table").status_code == 400
    assert admin.get("/storage/allocation?page=99999999999999999999").status_code == 200


def test_an_expired_subscription_grants_nothing_and_still_uses_space(world: PortalWorld) -> None:
    expired = world.subscriptions[world.alice.id]
    expired.stored_bytes, expired.valid_until = 30 * GB, NOW.date() - timedelta(days=400)
    db.session.commit()
    (plan,) = allocation.shares_of_plans(NOW)
    assert (plan.granted, plan.used, plan.subscriptions) == (50 * GB, 30 * GB, 1)
    alice, bob = allocation.shares_of_customers(NOW, "-used", 5, 0)
    assert (alice.owner, alice.granted, alice.used, alice.subscriptions) == (world.alice, 0, 30 * GB, 0)
    assert (bob.owner, bob.granted, bob.used, bob.subscriptions) == (world.bob, 50 * GB, 0, 1)


def test_the_pages_of_storages_ask_little(app: Flask, admin: PageClient, world: PortalWorld, config: Config) -> None:
    for number in range(20):
        db.session.add(Storage(name=f"rack {number}", kind="ftp", host="h", user="u", capacity=GB, checked_at=NOW))
    db.session.commit()
    number = db.session.query(Storage.id).filter_by(name="rack 1").scalar()
    for address in ("/storage", f"/storage/{number}", "/storage/allocation", f"/storage/{number}/address"):
        with count_queries() as queries:
            assert admin.get(address).status_code == 200
        assert len(queries) <= MOST, (address, queries)
