"""What goes into a package: wheels side by side, checked, and no library that nobody decided on."""
from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
DECIDED = {
    "cryptography", "ftputil", "msgspec", "pyfastcdc", "zstandard",
    "filelock", "psutil", "py-cpuinfo", "tkinter-tooltip", "urllib3", "xmlschema",
    "cffi", "pycparser", "elementpath", "typing-extensions",  # what these need themselves
}


@pytest.fixture(autouse=True)
def builders(monkeypatch: pytest.MonkeyPatch) -> None:
    """The builders' own modules can be imported."""
    monkeypatch.syspath_prepend(CHECKOUT / "packaging")


def wheel(file: Path, **files: str) -> Path:
    """A wheel with these files; "__" in a name stands for a slash, "_dot_" for a dot."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), text)
    return file


def test_wheels_for_two_pythons_lie_side_by_side(tmp_path: Path) -> None:
    from contents import unpack_wheels

    unpack_wheels([
        wheel(tmp_path / "a-1-cp311.whl", a__core_dot_cpython_311_dot_so="3.11", a__init_dot_py="same",
              a__core_dot_pyx="source", zstandard___cffi_dot_so="for PyPy"),
        wheel(tmp_path / "a-1-cp312.whl", a__core_dot_cpython_312_dot_so="3.12", a__init_dot_py="same"),
    ], tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out/a").iterdir()) == [
        "core.cpython_311.so", "core.cpython_312.so", "init.py"]
    assert not (tmp_path / "out/zstandard").exists()


def test_wheels_that_differ_where_they_must_not_are_refused(tmp_path: Path) -> None:
    from contents import PackagingError, unpack_wheels

    pair = [wheel(tmp_path / f"a-{number}.whl", a__init_dot_py=f"{number}") for number in range(2)]
    with pytest.raises(PackagingError, match="another"):
        unpack_wheels(pair, tmp_path / "out")


@pytest.mark.parametrize("name", ["../outside.py", "/etc/passwd", "a-1.data/scripts/a"])
def test_a_file_without_a_place_is_refused(tmp_path: Path, name: str) -> None:
    from contents import PackagingError, unpack_wheels

    with pytest.raises(PackagingError, match="no place"):
        unpack_wheels([wheel(tmp_path / "a-1.whl", **{name: "x"})], tmp_path / "out")
    assert not (tmp_path / "outside.py").exists()


def test_only_libraries_that_were_decided_on_are_locked() -> None:
    from contents import locked_libraries

    assert set(locked_libraries()) == DECIDED


def test_the_program_is_copied_without_what_python_made(tmp_path: Path) -> None:
    from contents import copy_program

    copy_program(tmp_path)
    assert (tmp_path / "client/schemas/settings.xsd").is_file()
    assert (tmp_path / "vault/errors.py").is_file()
    assert not list(tmp_path.rglob("*.pyc"))
    assert not (tmp_path / "server").exists()


def test_no_package_index_or_mirror_is_named_in_packaging() -> None:
    """Where libraries come from is pip's setting, and no business of this project."""
    for path in (CHECKOUT / "packaging").rglob("*"):
        if path.is_file() and not re.search(r"/\.", str(path.relative_to(CHECKOUT))):  # but not what a checker left
            found = re.findall(r"https?://([\w.-]+)", path.read_text(encoding="utf-8", errors="replace"))
            assert set(found) <= {"www.w3.org", "backup.example.com", "YOUR.PORTAL"}, path
