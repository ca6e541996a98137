"""The index gives back every entry it was given, and notices when it was not left alone."""
from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client.store.documents import Unreadable
from client.store.index import FILE, FOLDER, LINK, NAME, Indexed, IndexWriter, read_head, read_index

NUMBER = st.integers(0, 2**63 - 1)
NAMES = st.one_of(st.binary(min_size=1, max_size=255).filter(lambda name: b"/" not in name and b"\0" not in name),
                  st.sampled_from([b"a\r\nb", b" ", b"\xff\xfe", b"\xed\xb2\x80", b"<&\"'>", "ä€𝄞".encode(), b"\x7f"]))
ENTRIES = st.lists(
    st.builds(
        Indexed, st.sampled_from([FILE, LINK]), NAMES, st.integers(0, 2**32 - 1), NUMBER,
        st.integers(-(2**62), 2**62), st.integers(0, 2**32 - 1), NUMBER, NUMBER, st.booleans(),
        st.integers(0, 5).map(lambda count: bytes(range(16)) * count),
    ), max_size=20,
)


def write(home: Path, entries: list[Indexed | None], run: int = 7) -> None:
    writer = IndexWriter(home, "vault", 1)
    for entry in entries:
        if entry is None:
            writer.leave()
        else:
            writer.add(entry)
    writer.finish(run, b"h" * 32)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=ENTRIES)
def test_f18_every_name_comes_back(tmp_path: Path, entries: list[Indexed]) -> None:
    folder = Indexed(FOLDER, b"folder \xff", 3, 0, -5, 0o40755, 0, 0, False, b"")
    whole = [folder, *entries, None, *entries]
    write(tmp_path, whole)
    assert list(read_index(tmp_path)) == whole


def test_its_head_tells_which_snapshot_it_describes(tmp_path: Path) -> None:
    assert read_head(tmp_path) is None
    write(tmp_path, [], run=9)
    head = read_head(tmp_path)
    assert head is not None
    assert (head.vault, head.run, head.commit_hash, head.root) == ("vault", 9, b"h" * 32, 1)


def test_the_index_before_stays_as_a_spare(tmp_path: Path) -> None:
    write(tmp_path, [], run=1)
    write(tmp_path, [], run=2)
    assert b'run="1"' in (tmp_path / "index.xml.bak").read_bytes()


@pytest.mark.parametrize("damage", ["cut", "flip", "grow", "empty"])
def test_a_damaged_index_is_not_used(tmp_path: Path, damage: str) -> None:
    write(tmp_path, [Indexed(FILE, b"name", 3, 1, 1, 1, 1, 1, False, bytes(16))])
    path = tmp_path / NAME
    data = path.read_bytes()
    middle = data.index(b"name")
    path.write_bytes({
        "cut": data[:-30], "flip": data[:middle] + b"N" + data[middle + 1 :], "grow": data + b" ", "empty": b"",
    }[damage])
    assert read_head(tmp_path) is None


def test_an_abandoned_index_leaves_the_old_one(tmp_path: Path) -> None:
    write(tmp_path, [], run=1)
    writer = IndexWriter(tmp_path, "vault", 1)
    writer.add(Indexed(FILE, b"name", 3, 1, 1, 1, 1, 1, False, b""))
    writer.discard()
    head = read_head(tmp_path)
    assert head is not None
    assert head.run == 1
    assert not (tmp_path / f"{NAME}.new").exists()


@pytest.mark.parametrize("hostile", [
    b'<!DOCTYPE index [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><index version="1"><f n="&b;"/></index>\n',
    b'<!DOCTYPE index SYSTEM "file:///etc/passwd"><index version="1"></index>\n',
    b'<index version="2"></index>\n',
    b'<index version="1"><g n="x"/></index>\n',
    b'<index version="1"><f n="x" i="no number"/></index>\n',
])
def test_hostile_xml_is_refused(tmp_path: Path, hostile: bytes) -> None:
    (tmp_path / NAME).write_bytes(hostile)
    assert read_head(tmp_path) is None
    with pytest.raises(Unreadable):
        list(read_index(tmp_path))
