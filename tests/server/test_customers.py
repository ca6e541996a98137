"""Customers as staff see them: the list, adding and changing one, its tabs, and numbers that never come again."""
from __future__ import annotations

import json
import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from server.extensions import db
from server.models import AuditEvent, Customer, HardwareIdentifier, Subscription
from server.services.house.versions import EditedMeanwhile
from server.services.people import accounts, customers, places, registrations
from server.services.selling import plans, subscriptions
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PortalWorld, days_ago, let_hold
from tests.parts.queries import MOST, Queries, count_queries

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
TREE: dict[tuple[bytes, ...], bytes | None] = {(b"home", b"secret plans.txt"): b"Dear Bob"}
ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
"""For what is refused before a database is asked."""
CAROL = {"name": "Carol & Sons", "email": "carol@example.com", "country": "IN"}


def names_on(page: str) -> list[str]:
    """The customers of a list, in its order."""
    return [part.split("<strong>")[1].split("</strong>")[0] for part in page.split("<tr>")[2:]]


def asks_little(found: Queries) -> bool:
    """Whether a page asked few queries, and none of them once for each row."""
    return len(found) <= MOST and all(found.count(query) <= 2 for query in found.repeated)


def add(browser: PageClient, **values: str) -> Customer:
    """Add a customer by the form."""
    answer = browser.fill("/customers/add", CAROL | values)
    assert answer.status_code == 303, answer.text
    return customers.find_customer(answer.location.rsplit("/", 1)[1])


# --- adding -------------------------------------------------------------------------------------------------------


def test_it_adds_a_customer_with_everything_that_is_known(app: Flask, world: PortalWorld) -> None:
    filled = CAROL | {
        "kind": "company", "contact": "Carol Iyer", "registration": "GSTIN 27AAPFU0939F1ZV",
        "phone": "+91 22 4000 1234", "mobile": "(0) 98200-12345 ext. 7", "street": "4 Marine Drive",
        "city": "Mumbai", "postcode": "400020",
        "state": "Maharashtra", "language": "mr", "notes": "Ring twice.\nAsk for Carol.",
        "implementor_id": str(world.implementor.id),
    }  # fmt: skip
    browser = browse(app, "admin@example.com")
    carol = add(browser, **filled)
    stored = {name: getattr(carol, name) for name in registrations.FIELDS} | {"implementor_id": carol.implementor_id}
    assert stored == filled | {"time_zone": "Asia/Kolkata", "implementor_id": world.implementor.id}
    page = browser.get(f"/customers/{carol.label}").text
    assert "Carol &amp; Sons was added with the customer number C-000003." in page
    assert "What remains to be done" in page
    assert "Add an account" in page


def test_the_same_form_sent_twice_adds_one_customer(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "admin@example.com")
    form = browser.form("/customers/add") | CAROL
    first, second = (browser.post("/customers/add", data=form) for _ in range(2))
    assert (first.status_code, second.status_code, first.location) == (303, 303, second.location)
    assert db.session.query(Customer).count() == 3


@ONE_DATABASE
@pytest.mark.parametrize(("field", "value", "words"), [
    ("name", "", "Enter the name of the person or company."),
    ("name", "x" * 256, "That is too long: 255 characters are the most."),
    ("name", "A\0B", "Remove the invisible character U+0000."),
    ("name", "Invoice \u202egpj.exe", "Remove the invisible character U+202E."),
    ("email", "carol", "Write it like name@example.com."),
    ("email", "a@b c", "Write it like name@example.com."),
    ("phone", "call me", "Write it like +44 20 7946 0018"),
    ("mobile", "12", "Write it like +44 20 7946 0018"),
    ("country", "", "Choose a country."),
    ("country", "XX", "Not a valid choice"),
    ("time_zone", "Mars/Olympus", "Not a valid choice"),
    ("language", "klingon", "Not a valid choice"),
    ("notes", "x" * 4001, "That is too long: 4000 characters are the most."),
    ("implementor_id", "999", "Not a valid choice"),
    ("implementor_id", "nobody", "Invalid Choice"),
])
def test_a_wrong_value_is_told_at_its_field_and_what_was_typed_stays(
    app: Flask, world: PortalWorld, field: str, value: str, words: str
) -> None:
    answer = browse(app, "admin@example.com").fill("/customers/add", CAROL | {"city": "Mumbai", field: value})
    assert answer.status_code == 400
    assert words in answer.text
    assert f'<a href="#{field}">' in answer.text
    assert 'value="Mumbai"' in answer.text
    assert db.session.query(Customer).count() == 2


def test_a_field_of_ten_megabytes_is_refused_in_words(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "admin@example.com")
    answer = browser.fill("/customers/add", CAROL | {"notes": "x" * 10_000_000})
    assert answer.status_code == 413
    assert "larger than" in answer.text
    assert db.session.query(Customer).count() == 2


def test_names_in_other_scripts_are_kept_and_markup_stays_text(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "admin@example.com")
    for name in ("مؤسسة النور", "株式会社バックアップ", "<img src=x onerror=alert(1)>", "O’Brien “Ltd” & Co 🍀"):
        assert add(browser, name=name).name == name
    page = browser.get("/customers?sort=number").text
    assert "مؤسسة النور" in page
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_each_country_has_a_time_zone(app: Flask) -> None:
    assert len(places.countries()) > 240
    assert {places.usual_zone(code) for code in places.countries()} <= set(places.zone_names())
    assert (places.usual_zone("AU"), places.usual_zone("DE"), places.usual_zone("US")) == (
        "Australia/Sydney", "Europe/Berlin", "America/New_York")
    assert places.find_country("deutschland") is None
    assert places.find_country("germany") == places.find_country("de") == "DE"


# --- numbers ------------------------------------------------------------------------------------------------------


def test_customers_who_come_at_the_same_moment_get_different_numbers(app: Flask) -> None:
    labels: list[str] = []
    together = threading.Barrier(2)

    def add_five(letter: str) -> None:
        with app.app_context():
            together.wait(10)
            for number in range(5):
                labels.append(customers.create_customer(f"{letter}{number}", "a@example.com", NOW).label)
            db.session.remove()

    threads = [threading.Thread(target=add_five, args=(letter,)) for letter in "AB"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(labels) == [f"C-{number:06d}" for number in range(1, 11)]


def test_no_page_removes_a_customer_so_no_number_comes_again(app: Flask) -> None:
    assert not [rule for rule in app.url_map.iter_rules() if "DELETE" in (rule.methods or ())]
    assert not [rule.rule for rule in app.url_map.iter_rules() if "<label>/delete" in rule.rule]


# --- the registration ---------------------------------------------------------------------------------------------


def test_a_change_is_saved_and_stands_in_the_log_with_what_was_before(app: Flask, world: PortalWorld) -> None:
    browser, address = browse(app, "tech@example.com"), f"/customers/{world.alice.label}/registration"
    answer = browser.fill(address, {"country": "GB", "name": "Alice Rivers Ltd", "phone": "020 7946 0018"})
    assert answer.status_code == 303
    db.session.refresh(world.alice)
    assert (world.alice.name, world.alice.country, world.alice.time_zone) == ("Alice Rivers Ltd", "GB", "Europe/London")
    assert world.alice.changed_by == "tech@example.com"
    event = db.session.query(AuditEvent).filter_by(action="changed a registration").one()
    assert json.loads(event.before)["name"] == "Alice Rivers"
    assert json.loads(event.after)["name"] == "Alice Rivers Ltd"
    assert event.customer_id == world.alice.id
    page = browser.get(f"/customers/{world.alice.label}/log").text
    assert "Changed a registration" in page
    assert "Alice Rivers Ltd" in page


def test_an_implementor_stays_assigned_whatever_the_form_sends(app: Flask, world: PortalWorld) -> None:
    browser, address = browse(app, "tech@example.com"), f"/customers/{world.alice.label}/registration"
    assert "implementor_id" not in browser.form(address)
    assert browser.fill(address, {"country": "GB", "implementor_id": "0"}).status_code == 303
    db.session.refresh(world.alice)
    assert world.alice.implementor_id == world.implementor.id


def test_who_saves_second_is_told_and_sees_both(app: Flask, world: PortalWorld) -> None:
    address = f"/customers/{world.alice.label}/registration"
    first, second = browse(app, "admin@example.com"), browse(app, "tech@example.com")
    late = second.form(address) | {"country": "GB", "city": "Leeds"}
    assert first.fill(address, {"country": "FR", "city": "Paris"}).status_code == 303
    answer = second.post(address, data=late)
    assert answer.status_code == 409
    assert "admin@example.com changed this meanwhile" in answer.text
    assert "<td>Paris</td><td>Leeds</td>" in answer.text
    assert "<td>France</td><td>Britain (UK)</td>" in answer.text
    db.session.refresh(world.alice)
    assert world.alice.city == "Paris"
    with pytest.raises(EditedMeanwhile):
        customers.update_customer(world.alice, {"city": "Rome"}, 1, NOW, actor="tech@example.com")
    db.session.rollback()


def test_saving_without_a_change_changes_nothing(app: Flask, world: PortalWorld) -> None:
    browser, address = browse(app, "admin@example.com"), f"/customers/{world.alice.label}/registration"
    assert browser.fill(address, {"country": "GB"}).status_code == 303
    assert "The registration was saved." in browser.get(address).text
    assert browser.fill(address).status_code == 303
    assert "Nothing was changed." in browser.get(address).text
    assert db.session.query(AuditEvent).filter_by(action="changed a registration").count() == 1


# --- the list -----------------------------------------------------------------------------------------------------


@pytest.fixture
def town(app: Flask, world: PortalWorld) -> PortalWorld:
    """Alice with a failed and a good computer, Bob with a good one, and three customers without."""
    world.computer(world.owner, "FRONT").store(TREE, days_ago(1))
    world.computer(world.second, "BACK").end("failed", days_ago(1))
    world.computer(world.stranger, "BOBS").store(TREE, days_ago(1))
    for name in ("Ärzte am Ring", "Zoë", "100% Wool"):
        customers.create_customer(name, "post@example.com", world.now)
    return world


def test_the_worst_customer_comes_first(app: Flask, town: PortalWorld) -> None:
    page = browse(app, "admin@example.com").get("/customers").text
    assert names_on(page) == ["Alice Rivers", "Bob Stone", "Ärzte am Ring", "Zoë", "100% Wool"]
    assert "Failed" in page.split("Bob Stone")[0].split("<tbody>")[1]
    assert "5 customers." in page
    assert "C-000001" in page


SORTS = {
    "name": "100% Wool", "-name": "Ärzte am Ring", "number": "Alice Rivers", "-number": "100% Wool",
    "-computers": "Alice Rivers", "-used": "Bob Stone", "until": "Alice Rivers", "nonsense": "Alice Rivers",
}  # fmt: skip
"""Who comes first."""


def test_it_sorts(app: Flask, town: PortalWorld) -> None:
    bobs = subscriptions.create_subscription(town.bob, plans.find_plan("Gold"), town.now)
    bobs.valid_until = town.now.date() + timedelta(days=999)
    let_hold(town.computer(town.stranger, "FULL").vault, 10**9)
    town.computer(town.owner, "THIRD")
    db.session.commit()
    browser = browse(app, "admin@example.com")
    found = {sort: names_on(browser.get(f"/customers?sort={sort}").text)[0] for sort in SORTS}
    assert found == SORTS


SEARCHES = [
    ("rivers", ["Alice Rivers"]), ("C-000002", ["Bob Stone"]), ("c-2", ["Bob Stone"]), ("000002", ["Bob Stone"]),
    ("BOB@EXAMPLE", ["Bob Stone"]), ("alice.back", ["Alice Rivers"]), ("bobs", ["Bob Stone"]),
    ("ÄRZTE", ["Ärzte am Ring"]), ("ZOË", ["Zoë"]), ("100%", ["100% Wool"]), ("%", ["100% Wool"]), ("_", []),
    ("00:1a:2b:3c:4d:5e", ["Alice Rivers"]), ("00-1A-2B-3C-4D-5E", ["Alice Rivers"]),
    ("001A2B3C4D5E", ["Alice Rivers"]),
    ("WD-123456", ["Alice Rivers"]), ("nobody of this name", []), ("'; drop table customer; --", []), ("\0", []),
]
"""What is typed, and who is found."""


def test_it_searches(app: Flask, town: PortalWorld) -> None:
    front = town.computer(town.owner, "LAPTOP").computer
    db.session.add_all([HardwareIdentifier(computer_id=front.id, kind="mac", value="00:1a:2b:3c:4d:5e"),
                        HardwareIdentifier(computer_id=front.id, kind="disk", value="wd-123456")])
    db.session.commit()
    browser = browse(app, "admin@example.com")
    for search, found in SEARCHES:
        page = browser.get("/customers", query_string={"q": search}).text
        assert (search, names_on(page)) == (search, found)
        assert ("No customer matches" in page, "Clear filter" in page) == (not found, not found)


def test_it_finds_a_customer_by_a_computers_id(app: Flask, town: PortalWorld) -> None:
    box = town.computer(town.stranger, "SPARE").computer
    for search in (box.id, box.id.upper(), box.id[:13]):
        assert names_on(browse(app, "admin@example.com").get(f"/customers?q={search}").text) == ["Bob Stone"]


def test_it_filters_by_state_stage_and_implementor(app: Flask, town: PortalWorld) -> None:
    expired = db.session.query(Subscription).filter_by(customer_id=town.bob.id).one()
    expired.valid_from, expired.valid_until = date(2020, 1, 1), date(2020, 12, 31)
    db.session.commit()
    browser = browse(app, "admin@example.com")

    def found(**words: Any) -> list[str]:
        return names_on(browser.get("/customers", query_string=words).text)

    assert found(state="Failed") == ["Alice Rivers"]
    assert found(state="Paused") == ["Bob Stone"]
    assert found(state="Overdue") == []
    assert found(stage="expired") == ["Bob Stone"]
    assert found(stage="active") == ["Alice Rivers"]
    assert found(stage="active", q="bob") == []
    assert found(implementor=town.implementor.id) == ["Alice Rivers"]
    assert len(found(implementor="nobody")) == 4
    assert len(found(implementor="x" * 40, state="nonsense", stage="<b>", page="-3")) == 5


def test_an_implementor_sees_the_assigned_customers_only(app: Flask, town: PortalWorld) -> None:
    browser = browse(app, "tech@example.com")
    page = browser.get("/customers").text
    assert names_on(page) == ["Alice Rivers"]
    assert "<h1>My customers</h1>" in page
    assert names_on(browser.get("/customers?q=bob").text) == []
    mine = add(browser)
    assert mine.implementor_id == town.implementor.id
    assert "Carol &amp; Sons" in browser.get("/customers").text
    empty = browse(app, "other@example.com").get("/customers").text
    assert "No customer is assigned to you yet." in empty


def test_a_long_list_has_pages_and_asks_as_little_as_a_short_one(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "admin@example.com")
    with count_queries() as few:
        browser.get("/customers")
    for number in range(120):
        customers.create_customer(f"Customer {number}", "a@example.com", world.now)
    for place in ("", "?sort=until", "?state=Failed", "?q=a"):
        with count_queries() as many:
            browser.get(f"/customers{place}")
        assert asks_little(many)
    with count_queries() as many:
        page = browser.get("/customers?page=2&sort=-number").text
    assert len(many) <= len(few)
    assert (len(names_on(page)), "Page 2 of 3" in page) == (50, True)
    assert "sort=-number" in page.split('rel="next"')[1]
    assert "Page 3 of 3" in browser.get("/customers?page=99").text


def test_a_portal_without_customers_says_what_to_do(app: Flask, world: PortalWorld) -> None:
    assert "No customer is assigned to you yet." in browse(app, "other@example.com").get("/customers").text


# --- one customer's page ------------------------------------------------------------------------------------------


def test_the_page_says_what_needs_attention(app: Flask, town: PortalWorld) -> None:
    accounts.switch_backups(town.owner, False, town.now, actor="alice.front")
    subscription = town.subscriptions[town.alice.id]
    subscription.valid_until = datetime.now(UTC).date() + timedelta(days=5)
    db.session.commit()
    page = browse(app, "admin@example.com").get(f"/customers/{town.alice.label}").text
    assert "3 things need attention." in page
    assert "BACK: The last backup failed." in page
    assert "The plan Gold expires on" in page
    assert "Backups of alice.front are switched off." in page


def test_it_is_content_when_all_is_well(app: Flask, town: PortalWorld) -> None:
    page = browse(app, "admin@example.com").get(f"/customers/{town.bob.label}").text
    assert "The 1 computer is protected" in page
    assert "What remains to be done" not in page


@pytest.mark.parametrize("tab", ["", "/registration", "/subscriptions", "/accounts", "/computers", "/files", "/log"])
def test_each_tab_names_the_customers_number_and_asks_little(app: Flask, town: PortalWorld, tab: str) -> None:
    for number in range(3):
        town.computer(town.owner, f"MORE-{number}").store(TREE, days_ago(1))
    browser = browse(app, "admin@example.com")
    with count_queries() as found:
        page = browser.get(f"/customers/{town.alice.label}{tab}").text
    assert page.count("C-000001") >= 2
    assert "C-000001" in page.split("</title>")[0]
    assert asks_little(found)


def test_an_implementor_sees_no_name_of_a_file(app: Flask, town: PortalWorld) -> None:
    box = town.computer(town.owner, "DESK")
    box.store(TREE, days_ago(1))
    box.end("failed", days_ago(0), "The folder E:\\Secret plans wasn't found.")
    administrator = browse(app, "admin@example.com")
    file = f"/files/{box.computer.id}/1/download/home/secret%20plans.txt"
    assert administrator.get(file).status_code == 200
    address = f"/customers/{town.alice.label}"
    log = administrator.get(f"{address}/log").text.casefold()
    assert "secret plans.txt" in log
    assert "e:\\secret plans" in log
    technician = browse(app, "tech@example.com")
    for tab in ("", "/computers", "/log", "/accounts"):
        page = technician.get(f"{address}{tab}").text.casefold()
        assert "secret" not in page
    assert "Downloaded" in technician.get(f"{address}/log").text
    assert technician.get(f"{address}/files").status_code == 403
    assert f"{address}/files" not in technician.get(address).text


def test_the_log_has_pages_with_deeds_and_runs_in_their_order(app: Flask, town: PortalWorld) -> None:
    box = town.computer(town.owner, "DESK")
    for number in range(60):
        box.end("cancelled", days_ago(10 - number / 10))
    browser, address = browse(app, "admin@example.com"), f"/customers/{town.alice.label}/log"
    first, second = browser.get(address).text, browser.get(f"{address}?page=2").text
    assert first.count("<tr>") == 51
    assert "Enrolled a computer" in first
    assert ("Added a customer" in first, "Added a customer" in second) == (True, False)
    assert ("Cancelled" in first, "Cancelled" in second) == (True, True)
    moments = [part.split('"')[0] for part in (first + second).split('datetime="')[1:]]
    assert moments == sorted(moments, reverse=True)


def test_a_number_that_is_nobodys_is_not_found(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "admin@example.com")
    for label in ("C-000099", "C-1", "1", "c-000001", "C-00000١", "%00", "C-9999999999999999"):
        assert browser.get(f"/customers/{label}").status_code == 404
