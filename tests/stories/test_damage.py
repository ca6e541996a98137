"""Storages that lose or alter what they had confirmed: it is noticed, costs as little as possible, and is healed."""
from __future__ import annotations

import http.client
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.parts.ftp_servers import FtpServer
from tests.parts.house import Computer, House
from tests.parts.trees import Picture, change, files_of, noise, picture, plant, write


@pytest.fixture
def computer(house: House) -> Computer:
    """A computer with an empty vault on the bundled storage."""
    computer = house.computer(house.sell("alice"))
    computer.use_small_packs()
    return computer


def fill(computer: Computer) -> None:
    """A person's folder with enough in it for several packs."""
    plant(computer.source)
    for number in range(12):
        write(computer.source / f"film {number:02}", noise(480_000, number))


def cut(packs: list[Path], chance: random.Random) -> None:
    """What a power cut does to files that were confirmed a moment before: short, empty, or gone."""
    for pack in packs:
        length = chance.choice((-1, 0, pack.stat().st_size - 1, chance.randrange(pack.stat().st_size)))
        if length < 0:
            pack.unlink()
        else:
            with pack.open("r+b") as file:
                file.truncate(length)


@pytest.mark.parametrize("seed", range(3))
def test_f12_packs_that_a_power_cut_shortened_are_stored_again_by_the_next_backup(
    computer: Computer, seed: int,
) -> None:
    chance = random.Random(seed)
    fill(computer)
    pictures = {computer.must_back_up(): picture(computer.source)}
    packs = computer.packs()
    assert len(packs) >= 3
    cut(chance.sample(packs, chance.randint(1, len(packs))), chance)
    write(computer.source / "meanwhile", "a new letter")
    ended = computer.back_up()
    assert ended.code == 0, ended
    pictures[ended.json["snapshot"]] = picture(computer.source)
    assert "damaged" in computer("log").said
    for number, seen in pictures.items():
        assert picture(computer.must_restore(number)) == seen


def test_f12_files_and_links_that_nobody_touched_for_long_are_stored_again_too(computer: Computer) -> None:
    fill(computer)
    for path in computer.source.rglob("*"):  # what was written a moment ago is read again in any case
        if path.is_symlink() or path.is_file():
            os.utime(path, ns=(10**18, 10**18), follow_symlinks=False)
    before = picture(computer.source)
    assert {what[0] for what in before.values()} >= {"file", "link"}
    first = computer.must_back_up()
    for pack in computer.packs():
        pack.unlink()
    last = computer.must_back_up()
    assert picture(computer.must_restore(last)) == before
    assert picture(computer.must_restore(first)) == before


def interrupt_at_pack(computer: Computer, number: int) -> None:
    """The account is switched off while the pack of that number is told; with the run's end it is switched on again."""
    house = computer.house
    house.at_request("/packs", lambda: house.switch("alice", accepts=False, reason="A short break."), number=number)
    ended = computer.back_up()
    assert ended.code not in {0, 3}, ended
    house.switch("alice", accepts=True)


def test_f12_packs_that_an_interrupted_run_left_are_looked_at_before_they_are_relied_on(computer: Computer) -> None:
    fill(computer)
    interrupt_at_pack(computer, 3)
    left = computer.packs()
    assert len(left) >= 3
    cut(left[:3], random.Random(1))
    last = computer.must_back_up()
    assert "damaged" in computer("log").said
    assert picture(computer.must_restore(last)) == picture(computer.source)


def test_f12_what_an_interrupted_run_stored_again_is_found_without_the_portal_too(computer: Computer) -> None:
    fill(computer)
    before = picture(computer.source)
    first = computer.must_back_up()
    for pack in computer.packs():
        pack.unlink()
    interrupt_at_pack(computer, 2)
    assert len(computer.runs()) == 3  # the second found the damage, the third was to repair it
    shutil.rmtree(computer.source)  # of what the third has stored again, that is the only copy
    write(computer.source / "a new beginning", "Dear Anna,")
    computer.must_back_up()
    computer("recover", computer.house.config.storage_folder, computer.vault, "--snapshot", str(first),
             "--to", computer.folder / "back", stdin=f"\n{computer.recovery_code}\n")
    back = computer.folder / "back" / computer.source.relative_to("/")
    assert (back / "a/in a").read_text() == "1"
    must_be_right_where_it_is(back, before)


def test_f12_a_registered_server_that_lost_packs_gets_them_again(
    house: House, start_ftp: Callable[..., FtpServer],
) -> None:
    server = start_ftp("vsftpd")
    house.use_storage(server.address("/backups"))
    computer = house.computer()
    computer.use_small_packs()
    fill(computer)
    before = picture(computer.source)
    assert computer.must_back_up() == 1
    cut(sorted(server.root.rglob("*.ibp"))[1:], random.Random(12))
    last = computer.must_back_up()
    assert picture(computer.must_restore(1)) == before
    assert picture(computer.must_restore(last)) == before


def test_f12_what_the_computer_no_longer_has_is_reported_and_the_rest_is_healed(computer: Computer) -> None:
    fill(computer)
    before = picture(computer.source)
    computer.must_back_up()
    change(computer.source)
    cut(computer.packs(), random.Random(3))
    last = computer.must_back_up()
    assert picture(computer.must_restore(last)) == picture(computer.source)
    ended, folder = computer.restore(1)
    assert ended.code == 3, ended
    must_be_right_where_it_is(folder, before)
    assert b"film 03" in files_of(picture(folder))


def must_be_right_where_it_is(folder: Path, before: Picture) -> None:
    """Every file that came back is whole."""
    after = picture(folder)
    for path in files_of(after):
        assert after[path] == before[path]


def flip(pack: Path, place: int) -> None:
    """One bit of a file turns over."""
    data = bytearray(pack.read_bytes())
    data[place] ^= 4
    pack.write_bytes(data)


def test_a_flipped_bit_costs_only_the_files_that_it_hits_and_the_next_backup_heals_it(computer: Computer) -> None:
    fill(computer)
    before = picture(computer.source)
    computer.must_back_up()
    flip(computer.packs()[1], 400_000)
    ended, folder = computer.restore(1)
    assert ended.code == 3
    assert ended.json["skipped"] == 1
    assert "IBS-5201" in computer("log").said
    after = picture(folder)
    lost = files_of(before) - files_of(after)
    assert len(lost) == 1
    must_be_right_where_it_is(folder, before)

    browser, base = computer.house.browser("alice"), f"/files/{computer.id}/1/download"
    page = browser.get(f"{base}{computer.source}/{lost.pop().decode()}".replace(" ", "%20"))
    assert page.status == 409
    assert "IBS-5201" in page.text
    with pytest.raises(http.client.IncompleteRead):
        browser.get(f"{base}/")
    last = computer.must_back_up()
    assert picture(computer.must_restore(last)) == before
    assert picture(computer.must_restore(1)) == before
    assert len(browser.get(f"{base}/").zip) >= len(files_of(before))


def test_a_wrong_recovery_code_gives_nothing_and_the_right_one_everything(computer: Computer) -> None:
    fill(computer)
    computer.must_back_up()
    words = ("recover", computer.house.config.storage_folder, computer.vault, "--to")
    code = computer.recovery_code
    swapped = code.replace(code[0], "7" if code[0] != "7" else "8", 1)
    for wrong in (swapped, code[:-1], "", "0000-" * 6 + "0000"):
        target = computer.folder / "nothing"
        computer(*words, target, stdin=f"\n{wrong}\n").must_say(1, "IBS-5301")
        assert not target.exists() or not any(target.iterdir())
    assert computer(*words, computer.folder / "back", stdin=f"\n{code.lower()}\n").code == 0
    folder = computer.folder / "back" / computer.source.relative_to("/")
    assert picture(folder) == picture(computer.source)
