"""In the browser the customer signs in, picks a date, walks the folders, downloads a file and a folder as ZIP."""
from __future__ import annotations

import os
import zipfile
from pathlib import Path

from playwright.sync_api import Browser

from tests.parts.chromium import Window, window
from tests.parts.house import PASSWORD, House


def test_a_customer_gets_files_back_in_chromium(house: House, browser: Browser, tmp_path: Path) -> None:
    user = house.sell("alice")
    computer = house.computer(user)
    letters = computer.source / "Letters & Co"
    letters.mkdir(parents=True)
    (letters / "grün.txt").write_bytes(b"the first version")
    assert computer.must_back_up() == 1
    (letters / "grün.txt").write_bytes(b"the second version")
    (letters / "new.txt").write_bytes(b"new")
    assert computer.must_back_up() == 2

    with window(browser, house.address) as alice:
        page = alice.page
        alice.sign_in(user, PASSWORD)
        page.get_by_role("link", name="Restore files").click()
        points = page.locator(".points").get_by_role("link", name="Open the restore point")
        assert points.count() == 2
        points.last.click()
        for step in computer.source.parts[1:]:
            page.get_by_role("link", name=step, exact=True).click()
        page.get_by_role("link", name="Letters & Co", exact=True).click()
        assert page.get_by_role("row").count() == 2  # the heading and the one file of the first restore point
        file = save(alice, "Download grün.txt", tmp_path)
        assert (file.name, file.read_bytes()) == ("grün.txt", b"the first version")

        page.get_by_role("link", name=computer.source.parts[-1], exact=True).click()
        archive = save(alice, "Download folder as ZIP", tmp_path)
        assert archive.name == f"{computer.source.name}.zip"
        with zipfile.ZipFile(archive) as opened:
            assert opened.testzip() is None
            assert opened.read(f"{computer.source.name}/Letters & Co/grün.txt") == b"the first version"
            assert f"{computer.source.name}/Letters & Co/new.txt" not in opened.namelist()
        page.get_by_role("button", name="Sign out").click()
        assert page.get_by_role("heading", name="Sign in").is_visible()
        assert alice.complaints == []


def test_a_browser_reports_a_download_that_breaks_off(house: House, browser: Browser, tmp_path: Path) -> None:
    user = house.sell("alice")
    computer = house.computer(user)
    (computer.source / "large.bin").write_bytes(os.urandom(30_000_000))
    computer.must_back_up()
    damaged = computer.packs()[-1]
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)

    with window(browser, house.address) as alice:
        alice.sign_in(user, PASSWORD)
        page = alice.page
        page.get_by_role("link", name="Restore files").click()
        page.get_by_role("link", name="Open the restore point").click()
        for step in computer.source.parts[1:]:
            page.get_by_role("link", name=step, exact=True).click()
        with page.expect_download() as started:
            page.get_by_role("link", name="Download large.bin").click()
        assert started.value.failure() is not None


def save(customer: Window, link: str, folder: Path) -> Path:
    """Follow a link that downloads; the file under the name that the browser would give it."""
    with customer.page.expect_download() as started:
        customer.page.get_by_role("link", name=link, exact=True).click()
    assert started.value.failure() is None
    file = folder / started.value.suggested_filename
    started.value.save_as(file)
    return file
