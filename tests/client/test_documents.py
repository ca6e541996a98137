"""The client's XML documents: sound ones come back, broken and hostile ones harm nobody."""
from __future__ import annotations

import contextlib
import errno
import os
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors import HomeUnusable, StoreDamaged
from client.names import get_name, is_clean, put_name
from client.store import documents
from client.store.documents import Unreadable, parse

BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE run [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]>
<run uuid="&c;"/>"""
OUTSIDE = b"""<!DOCTYPE run [<!ENTITY x SYSTEM "file:///etc/hostname">]><run>&x;</run>"""
PARAMETER = b"""<!DOCTYPE run [<!ENTITY % x SYSTEM "http://127.0.0.1:1/evil.dtd"> %x;]><run/>"""


def numbered(value: int) -> Element:
    return Element("run", number=str(value))


@pytest.mark.parametrize("hostile", [
    BOMB,
    OUTSIDE,
    PARAMETER,
    b"<run>&undefined;</run>",
    b"<run><number>3</number>",
    b"<run/><run/>",
    b"",
    b"\x00\x01\x02",
    b'<?xml version="1.0" encoding="no-such-encoding"?><run/>',
    b"<run>\xff\xfe</run>",
    b"<run>" + b"<deep>" * 100 + b"</deep>" * 100 + b"</run>",
    b"<run>" + b" " * documents.SIZE_LIMIT + b"</run>",
])
def test_broken_and_hostile_documents_are_refused_with_a_reason(hostile: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(hostile)
    assert str(caught.value)


@given(st.binary(max_size=200))
def test_no_bytes_whatever_raise_anything_else(data: bytes) -> None:
    with contextlib.suppress(Unreadable):
        parse(data)


@pytest.mark.parametrize("damaged", [b"<run number='7'", BOMB, b"<settings/>"])
def test_a_damaged_document_is_set_aside_and_the_version_before_is_used(tmp_path: Path, damaged: bytes) -> None:
    path = tmp_path / "run.xml"
    documents.write(path, numbered(1))
    documents.write(path, numbered(2))
    path.write_bytes(damaged)
    told: list[str] = []
    found = documents.read(path, "run", told.append)
    assert found is not None
    assert found.get("number") == "1"
    assert (tmp_path / "run.xml.damaged").read_bytes() == damaged
    assert len(told) == 1
    assert "run.xml" in told[0]
    again = documents.read(path, "run", told.append)
    assert again is not None
    assert again.get("number") == "1"
    assert len(told) == 1


def test_a_damaged_document_without_a_version_before_is_explained_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "identity.xml"
    path.write_bytes(b"<identity")
    with pytest.raises(StoreDamaged, match=r"identity\.xml"):
        documents.read(path, "identity", pytest.fail)
    assert (tmp_path / "identity.xml.damaged").exists()


def test_a_document_that_vanished_comes_back_from_the_version_before(tmp_path: Path) -> None:
    path = tmp_path / "run.xml"
    documents.write(path, numbered(1))
    documents.write(path, numbered(2))
    path.unlink()
    told: list[str] = []
    found = documents.read(path, "run", told.append)
    assert found is not None
    assert found.get("number") == "1"
    assert "missing" in told[0]


def test_what_was_never_written_is_none(tmp_path: Path) -> None:
    assert documents.read(tmp_path / "run.xml", "run", pytest.fail) is None


def test_only_the_owner_may_read_what_is_written_and_its_spare(tmp_path: Path) -> None:
    path = tmp_path / "identity.xml"
    for value in range(2):
        documents.write(path, numbered(value))
    for name in ("identity.xml", "identity.xml.bak"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_kill_at_any_moment_leaves_the_old_or_the_new_document(tmp_path: Path) -> None:
    """A child process overwrites the document for ever and is killed at a moment of its own each time."""
    path = tmp_path / "run.xml"
    documents.write(path, numbered(0))
    script = (
        "import sys\nfrom pathlib import Path\nfrom xml.etree.ElementTree import Element\n"
        "from client.store import documents\nprint(flush=True)\n"
        "for value in range(10**9):\n    documents.write(Path(sys.argv[1]), Element('run', number=str(value)))\n"
    )
    for moment in range(5):
        child = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            child.wait(0.02 + 0.013 * moment)
        child.kill()
        child.wait()
        child.stdout.close()
        found = documents.read(path, "run", pytest.fail)
        assert found is not None
        assert found.get("number", "").isdigit()


def test_a_write_that_fails_half_way_leaves_the_old_document_in_place(tmp_path: Path) -> None:
    path = tmp_path / "run.xml"
    documents.write(path, numbered(1))
    script = (
        "import resource, sys\nfrom pathlib import Path\nfrom xml.etree.ElementTree import Element\n"
        "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from client.store import documents\nresource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "try:\n    documents.write(Path(sys.argv[1]), Element('run', number='2' * 1000))\n"
        "except documents.HomeUnusable as error:\n    print(error.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == HomeUnusable.code
    found = documents.read(path, "run", pytest.fail)
    assert found is not None
    assert found.get("number") == "1"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["run.xml"]


def test_a_place_that_is_no_folder_is_explained(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(HomeUnusable, match=os.strerror(errno.ENOTDIR)):
        documents.write(tmp_path / "home" / "run.xml", numbered(1))


@given(st.binary(min_size=1, max_size=60).filter(lambda name: b"\0" not in name))
def test_f18_every_name_that_linux_allows_comes_back_from_xml(name: bytes) -> None:
    element = Element("root")
    put_name(SubElement(element, "folder"), "path", os.fsdecode(name))
    found = parse(documents.render(element))
    assert os.fsencode(get_name(found[0], "path")) == name


@pytest.mark.parametrize(("name", "clean"), [
    ("plain name.txt", True), ("Zoë 𝄞", True), ("tab\there", False), ("line\nbreak", False), ("\x01", False),
    ("\udc80", False), ("\ufffe", False), ("\x7f", False), ("\x85", False),
])
def test_only_names_that_xml_leaves_alone_are_written_as_they_are(name: str, clean: bool) -> None:
    assert is_clean(name) is clean


def test_an_old_document_is_lifted_one_version_at_a_time_and_its_file_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "run.xml"
    seen: list[str] = []

    def rename(root: Element) -> None:
        seen.append(f"from {root.get('version', '1')}")
        root.set("count", root.attrib.pop("number"))

    def double(root: Element) -> None:
        seen.append(f"from {root.get('version')}")
        root.set("count", str(int(root.get("count", "")) * 2))

    for content, steps_taken in ((b"<run number='7'/>", ["from 1", "from 2"]),
                                 (b"<run version='2' count='7'/>", ["from 2"]),
                                 (b"<run version='3' count='14'/>", [])):
        path.write_bytes(content)
        seen.clear()
        found = documents.read(path, "run", pytest.fail, steps=(rename, double))
        assert found is not None
        assert (found.get("version"), found.get("count")) == ("3", "14")
        assert seen == steps_taken
        assert path.read_bytes() == content


def test_the_version_before_a_damaged_one_is_lifted_as_well(tmp_path: Path) -> None:
    path = tmp_path / "run.xml"
    documents.write(path, numbered(1))
    documents.write(path, numbered(2))
    path.write_bytes(b"<run")
    told: list[str] = []
    found = documents.read(path, "run", told.append, steps=(lambda root: root.set("lifted", "yes"),))
    assert found is not None
    assert (found.get("number"), found.get("lifted"), found.get("version")) == ("1", "yes", "2")
    assert len(told) == 1
