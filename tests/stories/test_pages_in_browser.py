"""Every page in a real browser, as everybody: nothing complains, nothing is too wide, nobody is shut out.

The pages are those of tests/parts/routes.py, in a portal that is full, in one that is new, and after a form was sent
with everything wrong in it.
"""
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Response

from server.config import create_data
from tests.parts.chromium import Window, chromium
from tests.parts.databases import copy_sqlite
from tests.parts.full_house import FullHouse, Size
from tests.parts.portal_world import PASSWORD, PortalWorld
from tests.parts.routes import objects_of
from tests.parts.served_portal import Objects, ServedPortal, served_portal

AXE = Path(__file__).resolve().parents[1] / "vendor" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
ROLES = ("anonymous", "owner", "implementor", "administrator")
NEWCOMERS = {"anonymous": "anonymous", "owner": "stranger", "implementor": "outsider", "administrator": "administrator"}
"""Who has nothing yet, for each role."""
PHONE, DESK, NARROWEST = 360, 1280, 320
EVERYDAY_SHARE = 6
"""Every how many pages the everyday run looks at in full, beside those that each role sees first."""
SPOIL = """form => { for (const one of form.elements) {
  if (one.matches('textarea, input:not([type=hidden]):not([type=checkbox]):not([type=radio]):not([type=file])'))
    one.value = one.type === 'text' || one.tagName === 'TEXTAREA' ? '\\u202e' + 'W'.repeat(400) : ''
} }"""


def much(world: PortalWorld) -> Objects:
    """A portal that has been in use for a while."""
    objects = objects_of(world)
    FullHouse(world, Size()).fill()
    return objects


def nothing(world: PortalWorld) -> Objects:
    """A portal with people and nothing else; Bob is the one whose empty pages can be looked at."""
    subscription = world.subscriptions[world.bob.id]
    return {"label": world.bob.label, "account_id": world.stranger.id, "subscription_id": subscription.id,
            "plan_id": subscription.plan_id}


@contextlib.contextmanager
def portal(empty: Path, folder: Path, furnish: Callable[[PortalWorld], Objects]) -> Iterator[ServedPortal]:
    """A portal on SQLite."""
    with served_portal(create_data(folder / "portal", copy_sqlite(empty, folder)), furnish) as made:
        yield made


@pytest.fixture(scope="module")
def full(empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPortal]:
    """A portal with much of everything."""
    with portal(empty_sqlite, tmp_path_factory.mktemp("full"), much) as made:
        yield made


@pytest.fixture(scope="module")
def new(empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPortal]:
    """A portal with people and nothing else."""
    with portal(empty_sqlite, tmp_path_factory.mktemp("new"), nothing) as made:
        yield made


def look(seen: Window, path: str, width: int) -> list[str]:
    """Open a page; what is wrong with it."""
    seen.complaints.clear()
    answer = seen.page.goto(seen.address + path)
    if answer is None or answer.status >= 500:
        return [f"{path} failed"]
    found = problems_of(seen) if is_whole(answer) else seen.complaints
    return [f"{path} at {width}: {problem}" for problem in found]


def is_whole(answer: Response) -> bool:
    """Whether this is a page; the parts that pages ask for again and again have no look of their own."""
    return answer.text().startswith("<!DOCTYPE")


def problems_of(seen: Window) -> list[str]:
    """What the browser complains about, and whether the page is wider than its window."""
    wide = seen.sideways()
    return [*seen.complaints, *([f"{wide} px too wide"] if wide > 0 else [])]


def everyday(pages: list[str]) -> list[str]:
    """The part of the pages that every test run opens."""
    return [*pages[:3], *pages[3::EVERYDAY_SHARE]]


def visit(made: ServedPortal, person: str, pages: list[str], *widths: int) -> list[str]:
    """Every page at every width; all that is wrong."""
    wrong = []
    with chromium() as browser:
        for width in widths:
            with made.opened(browser, person, width) as seen:
                for path in pages:
                    wrong += look(seen, path, width)
    return wrong


@pytest.mark.parametrize("person", ROLES)
def test_pages_are_whole_on_a_phone_and_on_a_desk(full: ServedPortal, person: str) -> None:
    assert visit(full, person, everyday(full.pages(person)), PHONE, DESK) == []


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("person", ROLES)
def test_every_page_is_whole_on_a_phone_and_on_a_desk(full: ServedPortal, person: str) -> None:
    assert visit(full, person, full.pages(person), NARROWEST, PHONE, DESK) == []


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("person", ROLES)
def test_every_page_is_whole_while_there_is_nothing_to_show(new: ServedPortal, person: str) -> None:
    assert visit(new, NEWCOMERS[person], new.pages(person), PHONE, DESK) == []


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("person", ROLES)
def test_every_form_stays_whole_when_everything_in_it_is_wrong(
    empty_sqlite: Path, tmp_path: Path, person: str
) -> None:
    wrong, sent = [], 0
    with portal(empty_sqlite, tmp_path, much) as made, chromium() as browser:
        for width in (PHONE, DESK):
            with made.opened(browser, person, width) as seen:
                for path in [*made.pages(person), "/nothing-here"]:
                    wrong += look(seen, path, width)
                    form = seen.page.locator("main form[novalidate]").first
                    if form.count() == 0 or not form.locator("[type=submit]").first.is_visible():
                        continue
                    form.evaluate(SPOIL)
                    form.locator("[type=submit]").first.click()
                    seen.page.wait_for_load_state()
                    wrong += [f"{path} sent at {width}: {problem}" for problem in problems_of(seen)]
                    sent += 1
    assert wrong == []
    assert sent >= 2 or person in {"owner"}


def violations(seen: Window, path: str) -> list[str]:
    """What axe finds against WCAG 2.2 AA on a page, with the first elements of each kind."""
    answer = seen.page.goto(seen.address + path)
    if answer is None or not is_whole(answer):
        return []
    seen.page.evaluate(AXE.read_text("utf-8"))
    found = seen.page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    return [f"{path}: {one['id']}: {one['help']}: {[node['html'][:120] for node in one['nodes'][:3]]}"
            for one in found["violations"]]


def shut_out(made: ServedPortal, person: str, pages: list[str]) -> list[str]:
    """All that axe finds on these pages."""
    with chromium() as browser, made.opened(browser, person, DESK) as seen:
        return [problem for path in pages for problem in violations(seen, path)]


@pytest.mark.parametrize("person", ROLES)
def test_nobody_is_shut_out_of_the_first_pages(full: ServedPortal, person: str) -> None:
    assert shut_out(full, person, everyday(full.pages(person))[:8]) == []


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("person", ROLES)
def test_nobody_is_shut_out_of_any_page(full: ServedPortal, person: str) -> None:
    assert shut_out(full, person, full.pages(person)) == []


def press_until(seen: Window, words: str) -> None:
    """Go on with the tabulator until what has the focus begins with these whole words."""
    for _ in range(120):
        seen.page.keyboard.press("Tab")
        label = seen.page.evaluate(
            "(one => one.labels && one.labels[0] ? one.labels[0].innerText : one.ariaLabel || one.innerText || '')"
            "(document.activeElement)")
        if f"{label} ".strip("\n").startswith(f"{words} "):
            return
    raise AssertionError(f"the tabulator doesn't lead to “{words}” on {seen.page.url}")


def choose(seen: Window, words: str, typed: str = "") -> None:
    """Press a link or button, or type into a field, found with the tabulator; a link leads to its page."""
    press_until(seen, words)
    if typed:
        seen.page.keyboard.type(typed)
        return
    with seen.page.expect_navigation():
        seen.page.keyboard.press("Enter")


def test_the_keyboard_alone_adds_a_customer_and_changes_a_plan(full: ServedPortal) -> None:
    with chromium() as browser, full.opened(browser, "anonymous", DESK) as seen:
        seen.sign_in("admin@example.com", PASSWORD)
        choose(seen, "Customers")
        choose(seen, "Add customer")
        for words, typed in (("Name or company", "Keyboard Ltd"), ("E-mail", "keys@example.com"), ("Country", "Ger")):
            choose(seen, words, typed)
        choose(seen, "Add customer")
        assert "Keyboard Ltd" in seen.page.locator("h1").inner_text()
        choose(seen, "Add a subscription")
        choose(seen, "Plan", "Silver")
        choose(seen, "Add subscription")
        if "/subscriptions/" not in seen.page.url:
            choose(seen, "Silver")
        choose(seen, "Change plan")
        choose(seen, "New plan", "Gold")
        choose(seen, "Show what it means")
        choose(seen, "Change to Gold")
        assert "Gold" in seen.page.locator("main").inner_text()
        assert seen.complaints == []


def test_the_menu_of_a_phone_opens_closes_and_works_without_scripts(full: ServedPortal) -> None:
    with chromium() as browser, full.opened(browser, "administrator", PHONE) as seen:
        seen.go("/overview")
        place = seen.page.get_by_role("navigation", name="Main").get_by_role("link", name="Overview")
        assert not place.is_visible()
        seen.page.get_by_role("button", name="Menu").click()
        place.wait_for()
        seen.page.locator("#menu.show:not(.showing)").wait_for()  # from then on the keys belong to the menu
        seen.page.keyboard.press("Escape")
        place.wait_for(state="hidden")
        assert seen.complaints == []
        plain = browser.new_context(java_script_enabled=False, viewport={"width": PHONE, "height": 800})
        plain.add_cookies([{"name": "session", "value": full.cookies["administrator"], "url": full.address}])
        page = plain.new_page()
        page.goto(f"{full.address}/overview")
        assert page.get_by_role("navigation", name="Main").get_by_role("link", name="Overview").is_visible()
        assert not page.get_by_role("button", name="Menu").is_visible()
        plain.close()
