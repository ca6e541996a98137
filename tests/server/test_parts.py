"""The parts of which pages are made: correct HTML, words beside colours, numbers beside pictures."""
from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import html5lib
import pytest
from flask import Flask, render_template_string
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, FileField, RadioField, SelectField
from wtforms.fields import DateField, EmailField

from server.forms.base import EditingForm, Form, choices, line, paragraph
from server.services.house.refusals import NameInUse
from server.services.house.versions import EditedMeanwhile

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
IMPORT = """{% from "parts.html" import icon, when, since, notice, button, link, facts, empty, counter, looks, state,
pill, field, summary, token, once, versioned, send, ask, pager, tabs, crumbs, column, filter_link, search_box, meter,
strip, bars, donut, line with context %}<!DOCTYPE html><html lang="en"><title>Parts</title><body>"""


class Sheet(EditingForm):
    """A form with a field of every kind."""

    name = line("Name", required="Enter a name.", longest=20)
    notes = paragraph("Notes")
    email = EmailField("E-mail")
    since = DateField("Since")
    country = SelectField("Country", choices=choices(("de", "Germany"), ("in", "India")))
    kind = RadioField("Kind", choices=choices(("company", "Company"), ("person", "Person")))
    urgent = BooleanField("Urgent")
    picture = FileField("Picture")


def show(app: Flask, template: str, path: str = "/", **values: object) -> str:
    """What a template of these parts gives, which has to be strict HTML5."""
    with app.test_request_context(path):
        page = render_template_string(IMPORT + template, zone=UTC, now=NOW, **values)
    html5lib.HTMLParser(strict=True).parse(page)
    return page


def sent(app: Flask, form: type[Form], **data: str) -> Form:
    """A form as it stands after it was sent."""
    app.config["WTF_CSRF_ENABLED"] = False
    with app.test_request_context("/", method="POST", data=MultiDict(data)):
        filled = form(meta={"csrf": False})
        filled.validate_on_submit()
        return filled


FIELDS = """{{ summary(form) }}<form>{{ field(form.name, "name", hint="As on letters") }}{{ field(form.notes) }}
{{ field(form.email, "email") }}{{ field(form.since) }}{{ field(form.country) }}{{ field(form.kind) }}
{{ field(form.urgent) }}{{ field(form.picture) }}</form>"""


def test_a_field_says_what_is_wrong_beside_it_and_keeps_what_was_typed(app: Flask) -> None:
    form = sent(app, Sheet, name=" " + "x" * 21, email="<b>@", kind="nothing", country="de")
    page = show(app, FIELDS, form=form)
    assert form.status == 400
    assert 'value="' + "x" * 21 in page
    assert 'aria-describedby="name-hint name-problem"' in page
    assert "That is too long: 20 characters are the most." in page
    assert '<a href="#name">Name</a>' in page
    assert "(required)" in page
    assert "&lt;b&gt;@" in page


@pytest.mark.parametrize("text", ["a\0b", "a\x1bb", "\u202egnp.exe", "a\u2028b", "line\nbreak"])
def test_invisible_characters_are_refused_in_a_line(app: Flask, text: str) -> None:
    form = sent(app, Sheet, name=text, kind="company", country="de")
    assert form.name.errors
    assert "Remove the invisible character U+" in form.name.errors[0]


def test_a_paragraph_may_have_lines_and_text_may_run_from_right_to_left(app: Flask) -> None:
    company = "\u0627\u0644\u0634\u0631\u0643\u0629"
    form = sent(app, Sheet, name=company, notes="one\r\ntwo", kind="company", country="de")
    assert (form.name.errors, form.notes.errors, form.notes.data) == ([], [], "one\ntwo")


def test_a_refusal_stands_at_its_field_or_above_the_form(app: Flask) -> None:
    form = sent(app, Sheet, name="Gold", kind="company", country="de")
    form.blame(NameInUse(what="plan", name="Gold"), "name")
    form.blame(NameInUse(what="offer", name="Gold"))
    page = show(app, FIELDS, form=form)
    assert page.count("The plan Gold exists already.") == 2
    assert "The offer Gold exists already. Nothing was changed. Choose another name. (IBS-1303)" in page


def test_who_saved_second_sees_both(app: Flask) -> None:
    form = sent(app, Sheet, name="Mine", country="de", kind="company", urgent="y")
    record = SimpleNamespace(name="Theirs", country="in", kind="company", urgent=False, notes=None, version=7)
    form.tell(EditedMeanwhile("carla@example.com", NOW), record)
    page = show(app, "{{ summary(form) }}<form>{{ versioned(form_record) }}</form>", form=form, form_record=record)
    assert form.status == 409
    assert "carla@example.com changed this meanwhile, on 22 November at 09:00 UTC." in page
    assert "<td>Theirs</td><td>Mine</td>" in page
    assert "<td>India</td><td>Germany</td>" in page
    assert "<td>no</td><td>yes</td>" in page
    assert "Notes" not in page
    assert 'name="version" value="7"' in page


def test_every_state_has_its_word_its_icon_and_a_look(app: Flask) -> None:
    page = show(app, """{% for word in looks %}{{ state(word) }}{% endfor %}{{ state('not begun') }}
      {{ pill('Odd', 'info') }}""")
    assert page.count("Not begun") == 2
    assert page.count('class="icon"') > 30


def test_lists_keep_the_words_of_their_filter(app: Flask) -> None:
    page = show(app, """{{ pager(2, 3) }}<table><thead><tr>{{ column("Name", "name", "name") }}</tr></thead></table>
      <ul class="filters">{{ filter_link("All", "state", "") }}{{ filter_link("Late", "state", "late", "late") }}</ul>
      {{ search_box("Number or name", "foo") }}{{ tabs([("One", "/one", True), ("Two", "", False)]) }}
      {{ crumbs([("All", "/"), ("This", "")]) }}""", path="/sign-in?state=late&q=foo&page=2")
    assert "/sign-in?state=late&amp;q=foo&amp;page=3" in page
    assert "/sign-in?state=late&amp;q=foo&amp;sort=-name" in page
    assert 'aria-sort="ascending"' in page
    assert '<input type="hidden" name="state" value="late">' in page
    assert ">Two<" not in page


def test_pictures_have_the_same_numbers_as_words(app: Flask) -> None:
    days = [SimpleNamespace(date=date(2026, 11, 1) + timedelta(days=number), word=word) for number, word in
            enumerate(["Completed", "", "Failed", "Completed with warnings", "Cancelled"])]
    fleet = [SimpleNamespace(date=date(2026, 11, 1), completed=3, warnings=1, failed=0, other=2)]
    page = show(app, """{{ strip(days) }}{{ bars(fleet) }}
      {{ donut([("Photos", 3, "3 GB"), ("Mail", 1, "1 GB")], "By type", "4 GB") }}
      {{ line([1, 5, 3], "Space of the last days") }}{{ meter(9600000000, 10000000000) }}
      {{ meter(0, 0, "Nothing") }}""",
                days=days, fleet=fleet)
    assert "<td>Failed</td>" in page
    assert "3 completed, 1 with warnings, 0 failed, 2 other" in page
    assert "9.6 GB of 10 GB (96 %)" in page
    assert "Nearly full" in page
    assert "style=" not in page


def test_the_small_parts_are_correct(app: Flask) -> None:
    page = show(app, """{{ notice("warn", "Careful") }}{% call notice("info") %}<p>More</p>{% endcall %}
      <form>{{ once() }}
      {{ button("Save") }}</form>{{ link("Go", "/", "danger", "pencil", "to it") }}
      {{ facts([("A", 1), ("B", none), ("C", "")]) }}
      {{ empty("people", "No customers yet", "Add one.", "Add customer", "/") }}
      {{ counter(12, "Overdue", "/", "error", "clock") }}
      {{ send("/", "Resume", reason="x") }}{% call ask("Retire", "danger") %}<p>Sure?</p>{% endcall %}
      {{ when(now, zone, now, True) }} {{ since(now, zone, now) }}""")
    assert "<dt>B</dt>" not in page
    assert 'name="reason" value="x"' in page
    assert "Today at 09:00" in page
    assert "just now" in page
