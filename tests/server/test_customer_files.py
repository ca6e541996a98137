"""Customers from and to CSV files."""
from __future__ import annotations

import csv
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from server.extensions import db
from server.models import AuditEvent, Customer, Staff
from server.services.house.spreadsheets import csv_file, guarded, unguarded
from server.services.people import customer_files, customers
from tests.parts.pages import PageClient, browse
from tests.parts.portal_world import PortalWorld

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
GOOD = "name,email,country\nMüller & Söhne,post@mueller.example,DE\nZoë's,zoe@example.com,France\n"


def send(browser: PageClient, data: bytes, name: str = "customers.csv") -> Any:
    """Import a file by the form; the answer."""
    return post(browser, browser.form("/customers/import"), data, name)


def post(browser: PageClient, form: dict[str, str], data: bytes, name: str = "customers.csv") -> Any:
    """Send the form with a file, as a browser puts them together."""
    file = FileStorage(io.BytesIO(data), name, "file", "text/csv")
    boundary, body = encode_multipart({**form, "file": file})
    return browser.post("/customers/import", data=body, content_type=f"multipart/form-data; boundary={boundary}")


def report(browser: PageClient, data: bytes) -> str:
    """Import a file that can be read, and go where the portal leads: the report."""
    answer = send(browser, data)
    assert answer.status_code == 303, answer.text
    return browser.get(answer.location).text


def added() -> list[str]:
    """The customers beside Alice and Bob, by number."""
    db.session.commit()
    return [one.name for one in db.session.query(Customer).order_by(Customer.number)][2:]


@pytest.mark.parametrize("data", [
    GOOD.encode(), GOOD.encode("utf-8-sig"), GOOD.encode("cp1252"), GOOD.replace("\n", "\r\n").encode(),
    GOOD.replace(",", ";").encode("cp1252"), GOOD.replace("name,email", "Name or company,E-mail").encode(),
    (GOOD + "\n\n,,\n").encode(),
], ids=["utf-8", "with a mark", "windows-1252", "lines of Windows", "semicolons", "headings of forms", "blank rows"])
def test_it_reads_what_spreadsheet_programs_write(app: Flask, world: PortalWorld, data: bytes) -> None:
    page = report(browse(app, "admin@example.com"), data)
    assert "<h1>2 customers added</h1>" in page
    assert "C-000003 to C-000004" in page
    assert added() == ["Müller & Söhne", "Zoë's"]
    first = customers.find_customer("3")
    assert (first.country, first.time_zone, first.kind, first.language) == ("DE", "Europe/Berlin", "company", "en")


def test_bad_rows_are_told_by_line_and_column_and_good_ones_are_kept(app: Flask, world: PortalWorld) -> None:
    rows = [
        "name,email,country,phone,implementor,notes",
        "Good,good@example.com,DE,+49 30 1234,tech@example.com,\"two\nlines\"",
        ",nameless@example.com,DE,,,",
        "Bad mail,not an address,DE,,,",
        "Two faults,x,Atlantis,call me,,",
        "Wrong staff,staff@example.com,DE,,boss@example.com,",
        "Too long,long@example.com,DE,,,,,surplus",
        "Also good,also@example.com,IN,,,",
    ]
    browser = browse(app, "admin@example.com")
    page = report(browser, "\n".join(rows).encode())
    told = [tuple(cell.split(">", 1)[1].replace("<span class=\"code\">", "").replace("</span>", "") for cell in
                  row.split("</td>")[:3]) for row in page.split("<tr>")[2:]]
    assert [(line, column) for line, column, _ in told] == [
        ("4", "name"), ("5", "email"), ("6", "country"), ("6", "email"), ("6", "phone"), ("7", "implementor"),
        ("8", "–")]
    assert "2 customers added, 5 rows not" in page
    assert added() == ["Good", "Also good"]
    good = customers.find_customer("3")
    assert (good.implementor_id, good.notes) == (world.implementor.id, "two\nlines")


def test_the_same_file_twice_does_nothing_twice(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "admin@example.com")
    report(browser, GOOD.encode())
    page = report(browser, GOOD.encode())
    assert "Nobody was added, 2 rows not" in page
    assert "This customer is there already as C-000003." in page
    assert len(added()) == 2


def test_the_same_form_sent_twice_is_one_import(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "admin@example.com")
    form = browser.form("/customers/import")
    answers = [post(browser, form, GOOD.encode()) for _ in range(2)]
    assert answers[0].location == answers[1].location
    assert db.session.query(AuditEvent).filter_by(action="imported customers").count() == 1


def test_two_people_who_import_the_same_file_at_once_add_it_once(app: Flask, world: PortalWorld) -> None:
    administrator = world.administrator.id
    together = threading.Barrier(2)

    def work() -> int:
        with app.app_context():
            staff = db.session.get(Staff, administrator)
            assert staff is not None
            db.session.commit()
            together.wait(10)
            try:
                return customer_files.import_customers(staff, GOOD.encode(), NOW, actor="admin@example.com")
            finally:
                db.session.remove()

    db.session.commit()
    with ThreadPoolExecutor(2) as pool:
        first, second = (future.result(60) for future in [pool.submit(work) for _ in range(2)])
    assert first != second
    assert sorted(added()) == ["Müller & Söhne", "Zoë's"]


def test_a_customer_who_stands_in_the_file_twice_is_added_once(app: Flask, world: PortalWorld) -> None:
    data = "name,email,country\nDouble,d@example.com,DE\nDOUBLE , D@example.com,DE\nDouble,other@example.com,DE\n"
    page = report(browse(app, "admin@example.com"), data.encode())
    assert "This customer is there already in line 2." in page
    assert added() == ["Double", "Double"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("data", "words"), [
    (b"", "it is empty"), (b"\n\n", "it is empty"), (b"name,email\nA,a@example.com", "lacks the column country"),
    (b"Surname\nX", "lacks the columns name, email, country"),
    (b"name,name,email,country\n", "the column name is there twice"),
    (b"PK\x03\x04\x00\x00\x00", "a text file"), ("name,email,country\n".encode("utf-16"), "a text file"),
    (b"\x81\x8d", "a text file"),
    (b"name,email,country\n" + b"A,a@example.com,DE\n" * 5001, "more than 5,000 rows"),
    (b"name,email,country\n" + b"x" * 5_000_001, "larger than 5 MB"),
])
def test_a_file_that_is_none_is_refused_whole_with_the_reason(
    app: Flask, world: PortalWorld, data: bytes, words: str
) -> None:
    answer = send(browse(app, "admin@example.com"), data)
    assert answer.status_code == 400
    assert words in answer.text
    assert "IBS-1311" in answer.text or "No customers can be read from this file" in answer.text
    assert added() == []


def test_without_a_file_the_form_says_so(app: Flask, world: PortalWorld) -> None:
    answer = browse(app, "admin@example.com").fill("/customers/import")
    assert answer.status_code == 400
    assert "Choose a file." in answer.text


def test_hostile_cells_are_told_or_kept_as_text(app: Flask, world: PortalWorld) -> None:
    data = ("name,email,country,notes\n"
            "A\u202eB,a@example.com,DE,\n"
            "<script>alert(1)</script>,b@example.com,DE,\n"
            f"Long,c@example.com,DE,{'x' * 200_000}\n"
            "After,d@example.com,DE,ok\n")
    page = report(browse(app, "admin@example.com"), data.encode())
    assert "Remove the invisible character U+202E." in page
    assert "The line can&#39;t be read" in page
    assert "<script>alert" not in page
    assert added() == ["<script>alert(1)</script>", "After"]


def test_unknown_columns_are_told_and_left_out(app: Flask, world: PortalWorld) -> None:
    data = b"number,name,fax,email,country\nC-000777,Carol,123,carol@example.com,IN\n"
    page = report(browse(app, "admin@example.com"), data)
    assert "1 customer added" in page
    assert "It has the number C-000003." in page
    assert "fax" in page
    assert "This column isn&#39;t known and was left out." in page
    assert "777" not in page


def test_what_is_exported_can_be_imported_and_holds_no_formula(app: Flask, world: PortalWorld) -> None:
    names = ["=cmd|'/C calc'!A0", "+1", "-2", "@SUM(A1)", "'quoted", "Comma, \"quote\"\nline", "Ärzte", " =x".strip()]
    for name in names:
        customers.create_customer(name, "a@example.com", NOW, details={"country": "DE", "phone": "+49 30 1234"})
    browser = browse(app, "admin@example.com")
    answer = browser.get("/customers/export.csv")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    text = answer.data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["number"] for row in rows][:2] == ["C-000001", "C-000002"]
    assert not [cell for row in rows for cell in row.values() if cell[:1] in set("=+-@")]
    assert rows[0]["implementor"] == "tech@example.com"
    for customer in db.session.query(Customer).filter(Customer.number > 2):
        customer.name = f"Old {customer.number}"
    db.session.commit()
    report(browser, answer.data)
    copies = [name for name in added() if not name.startswith("Old ")]
    assert copies == ["=cmd|'/C calc'!A0", "+1", "-2", "@SUM(A1)", "'quoted", "Ärzte", "=x"]
    assert db.session.query(Customer).filter_by(name="+1").one().phone == "+49 30 1234"
    assert [one.actor for one in db.session.query(AuditEvent).filter_by(action="exported customers")] == [
        "admin@example.com"]


def test_the_template_is_what_the_import_takes(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "admin@example.com")
    template = browser.get("/customers/import/template.csv").data
    row = dict.fromkeys(customer_files.COLUMNS, "") | {"name": "Carol", "email": "carol@example.com", "country": "in"}
    report(browser, template + ",".join(row.values()).encode())
    assert added() == ["Carol"]


def test_an_implementor_imports_and_exports_what_is_assigned(app: Flask, world: PortalWorld) -> None:
    browser = browse(app, "tech@example.com")
    answer = send(browser, GOOD.encode() + b"Bob Stone,bob@example.com,GB\n")
    page = browser.get(answer.location).text
    assert "This customer is there already." in page
    assert db.session.query(Customer).filter_by(implementor_id=world.implementor.id).count() == 3
    text = browser.get("/customers/export.csv").text
    assert ("Alice Rivers" in text, "Zoë" in text, "Bob Stone" in text) == (True, True, False)
    assert browse(app, "admin@example.com").get(answer.location).status_code == 200
    assert browse(app, "other@example.com").get(answer.location).status_code == 404


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "＝1", "＋1", "－1", "＠x", "\n+"])
def test_a_text_that_begins_like_a_formula_gets_a_quote(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert unguarded(guarded(text)) == text


@pytest.mark.parametrize("text", ["", "plain", "'quoted", "1-1", "a=b", "C-000001", " spaced"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert guarded(text) == unguarded(text) == text


def test_numbers_stay_numbers() -> None:
    assert b"".join(csv_file(("a", "b"), [(-1, None), ("-1", 2.5)])).decode("utf-8-sig") == "a,b\r\n-1,\r\n'-1,2.5\r\n"
