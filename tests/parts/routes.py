"""Every route of the portal, and what each person is answered there; the table that tests/server/test_routes.py holds.

A new view adds its line to ROUTES: method and rule (without the converters' words) → the answers for PEOPLE in their
order, or one answer for all. The objects in an address are Alice's; a rule with a new word needs it in objects_of().
A POST that needs more than its tokens to do its work has its fields in SENT; each answer starts from the same data.
"""
from __future__ import annotations

import re

from server.services.fleet import set_up_codes
from server.services.selling import plans
from server.services.storage import storage_drafts
from tests.parts.portal_world import PASSWORD, PortalWorld, days_ago

PEOPLE = {
    "anonymous": "",
    "owner": "alice.front",
    "second": "alice.back",
    "stranger": "bob",
    "implementor": "tech@example.com",
    "outsider": "other@example.com",
    "administrator": "admin@example.com",
}
"""Who asks, and how they sign in: Alice's owner and second account, Bob, Alice's implementor and another one."""

ROUTES = {
    # anonymous, owner, second, stranger, implementor, outsider, administrator
    "GET /": "302 200 200 200 302 302 302",
    "GET /static/<filename>": "200",

    "GET /sign-in": "200 302 302 302 302 302 302",
    "POST /sign-in": "302",
    "POST /sign-out": "302",
    "GET /sign-in/code": "302",
    "POST /sign-in/code": "303",
    "GET /forgotten": "200",
    "POST /forgotten": "400",
    "GET /help": "302 200 200 200 200 200 200",
    "GET /your-sign-in": "302 200 200 200 200 200 200",
    "POST /your-sign-in/<session_id>/end": "302 303 404 404 404 404 404",
    "POST /your-sign-in/end-others": "302 303 303 303 303 303 303",
    "POST /your-sign-in/stay": "302 204 204 204 204 204 204",
    "GET /your-sign-in/password": "302 200 200 200 200 200 200",
    "POST /your-sign-in/password": "302 303 303 303 303 303 303",
    "GET /your-sign-in/two-step": "302 200 200 200 200 200 200",
    "POST /your-sign-in/two-step": "302 303 303 303 303 303 303",
    "POST /your-sign-in/two-step/off": "302 303 303 303 303 303 303",
    "GET /your-sign-in/two-step/codes": "302",
    "POST /your-sign-in/two-step/codes": "302 303 303 303 303 303 303",
    "GET /set-password/<token>": "410",
    "POST /set-password/<token>": "410",

    "GET /overview": "302 404 404 404 200 200 200",
    "GET /overview/attention": "302 404 404 404 200 200 200",
    "GET /overview/running": "302 404 404 404 200 200 200",

    "POST /home/<computer_id>/back-up": "302 303 404 404 403 403 403",
    "GET /activity": "302 200 200 200 403 403 403",
    "GET /plan": "302 200 200 200 403 403 403",
    "GET /plan/<subscription_id>/wish": "302 200 200 404 403 403 403",
    "POST /plan/<subscription_id>/wish": "302 303 303 404 403 403 403",
    "GET /details": "302 200 200 200 403 403 403",
    "GET /details/contact": "302 200 403 200 403 403 403",
    "POST /details/contact": "302 303 403 303 403 403 403",
    "POST /details/accounts/<account_id>/backups": "302 303 404 404 403 403 403",
    "POST /details/accounts/<account_id>/mail": "302 303 404 404 403 403 403",
    "GET /details/recovery": "302 200 200 200 403 403 403",
    "GET /details/recovery/<computer_id>": "302 200 404 404 403 403 403",
    "POST /details/recovery/<computer_id>": "302 303 403 404 403 403 403",
    "GET /files/": "302 200 200 200 403 403 403",
    "GET /files/by-plan": "302 200 200 200 403 403 403",
    "GET /files/customers/<label>/": "302 404 404 404 403 404 200",
    "GET /files/customers/<label>/by-plan": "302 404 404 404 403 404 200",
    "GET /files/<computer_id>/points": "302 200 404 404 403 404 200",
    "GET /files/<computer_id>/search": "302 200 404 404 403 404 200",
    "GET /files/<computer_id>/": "302 200 404 404 403 404 200",
    "GET /files/<computer_id>/<number>/": "302 200 404 404 403 404 200",
    "GET /files/<computer_id>/<number>/folder/<address>": "302 200 404 404 403 404 200",
    "GET /files/<computer_id>/<number>/versions/<file>": "302 200 404 404 403 404 200",
    "GET /files/<computer_id>/<number>/version/<first>/<file>": "302 200 404 404 403 404 200",
    "POST /files/<computer_id>/<number>/selection/": "302 200 404 404 403 404 200",
    "POST /files/<computer_id>/<number>/selection/<address>": "302 200 404 404 403 404 200",
    "GET /files/<computer_id>/<number>/download/": "302 200 404 404 403 404 200",
    "GET /files/<computer_id>/<number>/download/<address>": "302 200 404 404 403 404 200",

    "GET /plans": "302 404 404 404 403 403 200",
    "POST /plans/standard": "302 404 404 404 403 403 303",
    "GET /plans/add": "302 404 404 404 403 403 200",
    "POST /plans/add": "302 404 404 404 403 403 303",
    "GET /plans/<plan_id>": "302 404 404 404 403 403 200",
    "GET /plans/<plan_id>/edit": "302 404 404 404 403 403 200",
    "POST /plans/<plan_id>/edit": "302 404 404 404 403 403 303",
    "POST /plans/<plan_id>/retire": "302 404 404 404 403 403 303",
    "POST /plans/<plan_id>/sell": "302 404 404 404 403 403 303",
    "POST /plans/<plan_id>/delete": "302 404 404 404 403 403 409",

    "GET /customers": "302 404 404 404 200 200 200",
    "GET /customers/add": "302 404 404 404 200 200 200",
    "POST /customers/add": "302 404 404 404 303 303 303",
    "GET /customers/export.csv": "302 404 404 404 200 200 200",
    "GET /customers/import": "302 404 404 404 200 200 200",
    "POST /customers/import": "302 404 404 404 400 400 400",
    "GET /customers/import/<number>": "302 404 404 404 404 404 404",
    "GET /customers/import/template.csv": "302 404 404 404 200 200 200",
    "GET /customers/<label>": "302 404 404 404 200 404 200",
    "GET /customers/<label>/accounts": "302 404 404 404 200 404 200",
    "GET /customers/<label>/accounts/add": "302 404 404 404 200 404 200",
    "POST /customers/<label>/accounts/add": "302 404 404 404 303 404 303",
    "GET /customers/<label>/computers": "302 404 404 404 200 404 200",
    "GET /customers/<label>/files": "302 404 404 404 403 404 200",
    "GET /customers/<label>/log": "302 404 404 404 200 404 200",
    "GET /customers/<label>/registration": "302 404 404 404 200 404 200",
    "POST /customers/<label>/registration": "302 404 404 404 303 404 303",
    "GET /customers/<label>/subscriptions": "302 404 404 404 200 404 200",
    "GET /accounts/<account_id>": "302 404 404 404 200 404 200",
    "GET /accounts/<account_id>/edit": "302 404 404 404 200 404 200",
    "POST /accounts/<account_id>/edit": "302 404 404 404 303 404 303",
    "POST /accounts/<account_id>/backups": "302 404 404 404 303 404 303",
    "POST /accounts/<account_id>/mail": "302 404 404 404 303 404 303",
    "POST /accounts/<account_id>/password-link": "302 404 404 404 303 404 303",
    "POST /accounts/<account_id>/close": "302 404 404 404 303 404 303",
    "POST /accounts/<account_id>/reopen": "302 404 404 404 303 404 303",

    "GET /customers/<label>/subscriptions/add": "302 404 404 404 200 404 200",
    "POST /customers/<label>/subscriptions/add": "302 404 404 404 303 404 303",
    "GET /subscriptions/<subscription_id>": "302 404 404 404 200 404 200",
    "POST /subscriptions/<subscription_id>/renew": "302 404 404 404 303 404 303",
    "POST /subscriptions/<subscription_id>/resume": "302 404 404 404 403 404 303",
    "GET /subscriptions/<subscription_id>/extend": "302 404 404 404 403 404 200",
    "POST /subscriptions/<subscription_id>/extend": "302 404 404 404 403 404 303",
    "GET /subscriptions/<subscription_id>/suspend": "302 404 404 404 403 404 200",
    "POST /subscriptions/<subscription_id>/suspend": "302 404 404 404 403 404 303",
    "GET /subscriptions/<subscription_id>/grant": "302 404 404 404 403 404 200",
    "POST /subscriptions/<subscription_id>/grant": "302 404 404 404 403 404 303",
    "GET /subscriptions/<subscription_id>/storage": "302 404 404 404 403 404 200",
    "POST /subscriptions/<subscription_id>/storage": "302 404 404 404 403 404 303",
    "GET /subscriptions/<subscription_id>/change-plan": "302 404 404 404 200 404 200",
    "POST /subscriptions/<subscription_id>/change-plan": "302 404 404 404 303 404 303",

    "GET /computers": "302 404 404 404 200 200 200",
    "GET /computers/<computer_id>": "302 404 404 404 200 404 200",
    "GET /computers/<computer_id>/hardware": "302 404 404 404 200 404 200",
    "GET /computers/<computer_id>/folders": "302 404 404 404 200 404 200",
    "GET /computers/<computer_id>/runs": "302 404 404 404 200 404 200",
    "GET /computers/<computer_id>/activity": "302 404 404 404 200 404 200",
    "GET /computers/<computer_id>/manage": "302 404 404 404 200 404 200",
    "POST /computers/<computer_id>/ask-backup": "302 404 404 404 303 404 303",
    "POST /computers/<computer_id>/rename": "302 404 404 404 303 404 303",
    "POST /computers/<computer_id>/pause": "302 404 404 404 303 404 303",
    "POST /computers/<computer_id>/resume": "302 404 404 404 303 404 303",
    "POST /computers/<computer_id>/retire": "302 404 404 404 303 404 303",
    "POST /computers/<computer_id>/move": "302 404 404 404 303 404 303",
    "POST /computers/<computer_id>/decide": "302 404 404 404 303 404 303",

    "GET /runs": "302 404 404 404 200 200 200",
    "GET /runs/<computer_id>/<number>": "302 404 404 404 200 404 200",
    "GET /runs/<computer_id>/<number>/progress": "302 404 404 404 286 404 286",
    "GET /runs/<computer_id>/<number>/log.xml": "302 404 404 404 403 404 404",

    "GET /staff": "302 404 404 404 403 403 200",
    "GET /staff/add": "302 404 404 404 403 403 200",
    "POST /staff/add": "302 404 404 404 403 403 303",
    "GET /staff/<staff_id>": "302 404 404 404 403 403 200",
    "GET /staff/<staff_id>/edit": "302 404 404 404 403 403 200",
    "POST /staff/<staff_id>/edit": "302 404 404 404 403 403 303",
    "POST /staff/<staff_id>/close": "302 404 404 404 403 403 303",
    "POST /staff/<staff_id>/reopen": "302 404 404 404 403 403 303",
    "POST /staff/<staff_id>/password-link": "302 404 404 404 403 403 303",
    "POST /staff/<staff_id>/remove-second-step": "302 404 404 404 403 403 303",
    "GET /settings": "302 404 404 404 403 403 200",
    "POST /settings": "302 404 404 404 403 403 303",
    "GET /settings/logo": "404",
    "GET /settings/mail": "302 404 404 404 403 403 200",
    "POST /settings/mail": "302 404 404 404 403 403 303",
    "POST /settings/mail/test": "302 404 404 404 403 403 303",
    "GET /setup": "302 404 404 404 200 200 200",
    "GET /setup/customers/<label>": "302 404 404 404 200 404 200",
    "POST /setup/customers/<label>": "302 404 404 404 303 404 303",
    "GET /setup/visits/<visit_id>": "302 404 404 404 200 404 200",
    "GET /setup/visits/<visit_id>/checklist": "302 404 404 404 200 404 200",
    "GET /setup/visits/<visit_id>/sheet": "302 404 404 404 200 404 200",
    "GET /downloads/<name>": "404",
    "GET /settings/signing-in": "302 404 404 404 403 403 200",
    "POST /settings/signing-in": "302 404 404 404 403 403 303",
    "GET /audit-log": "302 404 404 404 403 403 200",
    "GET /audit-log/audit-log.csv": "302 404 404 404 403 403 200",

    "GET /storage": "302 404 404 404 403 403 200",
    "GET /storage/allocation": "302 404 404 404 403 403 200",
    "GET /storage/add": "302 404 404 404 403 403 200",
    "POST /storage/add": "302 404 404 404 403 403 303",
    "GET /storage/<storage_id>": "302 404 404 404 403 403 200",
    "GET /storage/<storage_id>/status": "302 404 404 404 403 403 286",
    "POST /storage/<storage_id>/check": "302 404 404 404 403 403 303",
    "POST /storage/<storage_id>/default": "302 404 404 404 403 403 303",
    "GET /storage/<storage_id>/edit": "302 404 404 404 403 403 200",
    "POST /storage/<storage_id>/edit": "302 404 404 404 403 403 303",
    "GET /storage/<storage_id>/address": "302 404 404 404 403 403 200",
    "POST /storage/<storage_id>/address": "302 404 404 404 403 403 303",
    "GET /storage/drafts/<draft_id>": "302 404 404 404 403 403 200",
    "GET /storage/drafts/<draft_id>/status": "302 404 404 404 403 403 200",
    "GET /storage/drafts/<draft_id>/address": "302 404 404 404 403 403 200",
    "POST /storage/drafts/<draft_id>/address": "302 404 404 404 403 403 303",
    "POST /storage/drafts/<draft_id>/trust": "302 404 404 404 403 403 502",
    "POST /storage/drafts/<draft_id>/again": "302 404 404 404 403 403 303",
    "POST /storage/drafts/<draft_id>/save": "302 404 404 404 403 403 502",
    "POST /storage/drafts/<draft_id>/discard": "302 404 404 404 403 403 303",

    "GET /reports": "302 404 404 404 403 403 200",
    "GET /reports/expiring": "302 404 404 404 403 403 200",
    "GET /reports/expiring.csv": "302 404 404 404 403 403 200",
    "GET /reports/protection": "302 404 404 404 403 403 200",
    "GET /reports/protection.csv": "302 404 404 404 403 403 200",
    "GET /reports/quota": "302 404 404 404 403 403 200",
    "GET /reports/quota.csv": "302 404 404 404 403 403 200",
    "GET /reports/failed-runs": "302 404 404 404 403 403 200",
    "GET /reports/failed-runs.csv": "302 404 404 404 403 403 200",

    # The client API knows computers by their tokens, not by who is signed in. What is no message is refused unread.
    "GET /api/v1/openapi.json": "200",
    "POST /api/v1/enrolments": "400",
    "PUT /api/v1/hardware": "400",
    "POST /api/v1/restores": "401",
    "POST /api/v1/runs": "400",
    "POST /api/v1/runs/<number>/chunks": "400",
    "POST /api/v1/runs/<number>/commit": "400",
    "POST /api/v1/runs/<number>/damage": "400",
    "POST /api/v1/runs/<number>/end": "400",
    "POST /api/v1/runs/<number>/entries": "400",
    "POST /api/v1/runs/<number>/heartbeat": "400",
    "PUT /api/v1/runs/<number>/log": "401",
    "PUT /api/v1/schedule": "400",
    "GET /api/v1/wishes": "401",
    "POST /api/v1/restores/report": "400",
    "POST /api/v1/sign-out": "401",
    "POST /api/v1/runs/<number>/packs": "400",
    "GET /api/v1/snapshots": "401",
    "POST /api/v1/snapshots/<number>/entries": "400",
    "POST /api/v1/restores/tokens": "400",
    "POST /api/v1/search": "400",
    "POST /api/v1/versions": "400",
    "GET /api/v1/status": "401",
}

PLAN = {"name": "Iron", "gigabytes": "5", "computers": "2", "keep_days": "30", "days": "365", "grace_days": "7",
        "period": "year", "colour": "#175cd3", "remind_days": "7"}
PERSON = {"email": "new@example.com", "name": "Nora", "role": "implementor", "time_zone": "Europe/Berlin"}
SERVER = {"host": "127.0.0.1", "port": "1", "user": "u", "password": "p", "protection": "tls"}
SENT: dict[str, dict[str, str]] = {
    "POST /storage/add": SERVER,
    "POST /storage/<storage_id>/address": SERVER,
    "POST /storage/drafts/<draft_id>/address": SERVER,
    "POST /storage/drafts/<draft_id>/save": {"name": "rack"},
    "POST /storage/<storage_id>/edit": {"name": "rack"},
    "POST /setup/customers/<label>": {"account": "1"},
    "POST /staff/add": PERSON,
    "POST /settings": {"name": "Northwind", "currency": "EUR", "version": "0"},
    "POST /settings/mail": {"port": "25", "security": "plain", "version": "0"},
    "POST /settings/mail/test": {"recipient": "a@example.com"},
    "POST /staff/<staff_id>/edit": PERSON,
    "POST /settings/signing-in": {"hours": "8", "version": "0"},
    "POST /your-sign-in/password": {"old": PASSWORD, "password": "another password", "again": "another password"},
    "POST /plans/add": PLAN,
    "POST /plans/<plan_id>/edit": PLAN,
    "POST /customers/<label>/subscriptions/add": {"plan": "1", "valid_from": "2026-11-22", "storage": ""},
    "POST /subscriptions/<subscription_id>/extend": {"valid_until": "2032-01-01"},
    "POST /subscriptions/<subscription_id>/suspend": {"reason": "not paid"},
    "POST /subscriptions/<subscription_id>/grant": {"gigabytes": "77"},
    "POST /subscriptions/<subscription_id>/storage": {"storage": ""},
    "POST /subscriptions/<subscription_id>/change-plan": {"plan": "2", "period": "keep"},
    "POST /computers/<computer_id>/rename": {"name": "LOBBY"},
    "POST /computers/<computer_id>/move": {"subscription_id": "1"},
    "POST /sign-in": {"name": "bob", "password": PASSWORD},
    "POST /plan/<subscription_id>/wish": {"wish": "More space"},
    "POST /details/contact": {"email": "a@example.com", "country": "DE", "time_zone": "UTC", "language": "en"},
    "POST /details/accounts/<account_id>/backups": {"accepts": "no"},
    "POST /details/accounts/<account_id>/mail": {"choice": "weekly"},
    "POST /details/recovery/<computer_id>": {"password": PASSWORD},
    "POST /customers/add": {"name": "Carol", "email": "carol@example.com", "country": "GB", "kind": "company",
                            "language": "en", "time_zone": "", "implementor_id": "0"},
    "POST /customers/<label>/registration": {"name": "Alice", "email": "alice@example.com", "country": "GB",
                                             "kind": "person", "language": "en", "time_zone": "",
                                             "implementor_id": "0"},
    "POST /customers/<label>/accounts/add": {"user_name": "alice.new", "email": "new@example.com",
                                             "subscription_id": "0"},
    "POST /accounts/<account_id>/edit": {"email": "new@example.com", "subscription_id": "0"},
    "POST /accounts/<account_id>/backups": {"accepts": "no", "reason": "holiday"},
    "POST /accounts/<account_id>/mail": {"choice": "weekly"},
    "POST /files/<computer_id>/<number>/selection/": {"pick": "3"},
    "POST /files/<computer_id>/<number>/selection/<address>": {"pick": "4"},
}


NOWHERE = storage_drafts.Wanted("127.0.0.1", 1, "u", "p", "", True)


def objects_of(world: PortalWorld) -> dict[str, object]:
    """Alice's objects by the words of the rules, made for this."""
    front = world.computer(world.owner, "FRONT")
    front.store({(b"home", b"letter.txt"): b"Dear Bob"}, days_ago(1))
    plans.create_plan("Silver", 20 * 10**9, 2, 365, 30, world.now)  # a second one, to change to
    return {
        "token": "unknown",
        "name": "client.exe",
        "visit_id": set_up_codes.create_code(world.owner, world.now, actor="tech@example.com")[0].id,
        "computer_id": front.computer.id,
        "number": 1,
        "n": 1,
        "address": "home",
        "file": "home/letter.txt",
        "first": 1,
        "filename": "theme.css",
        "label": world.alice.label,
        "account_id": world.owner.id,
        "subscription_id": world.subscriptions[world.alice.id].id,
        "plan_id": world.subscriptions[world.alice.id].plan_id,
        "storage_id": front.vault.storage_id,
        "draft_id": storage_drafts.begin(NOWHERE, world.config, world.now, actor="admin@example.com").id,
        "staff_id": world.implementor.id,
        "session_id": 1,
    }


def plain_rule(rule: str) -> str:
    """A rule with the names of its parts alone: <int(max=9):number> becomes <number>."""
    return re.sub(r"<[^<>]*?([a-z_]+)>", r"<\1>", rule)


def answers(route: str) -> dict[str, int]:
    """What the table says of a route, by person."""
    numbers = [int(word) for word in ROUTES[route].split()]
    return dict(zip(PEOPLE, numbers * len(PEOPLE) if len(numbers) == 1 else numbers, strict=True))


def pages_for(person: str) -> list[str]:
    """The rules that give this person a page of this portal's own (no client API, no file, no download)."""
    return [rule for method, _, rule in (route.partition(" ") for route in ROUTES)
            if method == "GET" and answers(f"{method} {rule}")[person] == 200
            and not re.search(r"/api/|/static/|/download|\.csv|/logo|\.xml|\.png|\.svg", rule)]


def address_of(rule: str, objects: dict[str, object]) -> str:
    """A rule with the objects' values in their places; a KeyError names a word that objects_of() doesn't know."""
    return re.sub(r"<([a-z_]+)>", lambda part: str(objects[part[1]]), rule)


def words_of(rule: str) -> set[str]:
    """The words that an address of this rule needs values for."""
    return set(re.findall(r"<([a-z_]+)>", rule))
