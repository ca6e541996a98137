"""The package for Debian and Ubuntu: what is in it, and a computer's life with it, from installing to removing."""
from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.parts.clean_root import CleanRoot, make_clean_root
from tests.parts.house import House
from tests.parts.visits import begin_visit

pytestmark = pytest.mark.xdist_group("deb")

CHECKOUT = Path(__file__).resolve().parents[2]
BUILDER = CHECKOUT / "packaging/linux/build_deb.py"
STORE, UNITS = "/var/lib/ibs-client", "/etc/systemd/system"
PROGRAM = "usr/lib/ibs-client"
LIBRARIES = "usr/lib/ibs-client/site-packages"


@pytest.fixture(scope="session")
def content(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package's files."""
    folder = tmp_path_factory.mktemp("content")
    subprocess.run(["dpkg-deb", "--raw-extract", package, folder], check=True)
    return folder


@pytest.fixture
def computer(tmp_path: Path) -> CleanRoot:
    """A new computer on which Anna has written letters. For systemd, which no folder can run, a stand-in says yes."""
    root = make_clean_root(tmp_path / "root")
    root.path("/run/systemd/system").mkdir(parents=True)
    root.path("/usr/bin/systemctl").write_text("#!/bin/sh\nexit 0\n")
    root.path("/usr/bin/systemctl").chmod(0o755)
    for number in range(30):
        letter = root.path(f"/home/anna/Documents/{2000 + number % 3}/letter {number}.txt")
        letter.parent.mkdir(parents=True, exist_ok=True)
        letter.write_bytes(os.urandom(1000 * number + 1))
    return root


def locked() -> set[str]:
    """The libraries that the client may bring."""
    names = re.findall(r"^([\w.-]+)==", (CHECKOUT / "requirements/client.lock").read_text(), re.MULTILINE)
    return {name.lower().replace("-", "_") for name in names}


@pytest.mark.long
def test_it_holds_the_program_and_the_locked_libraries_and_nothing_else(content: Path) -> None:
    brought = {folder.name.split("-")[0].lower() for folder in (content / LIBRARIES).glob("*.dist-info")}
    assert brought == locked()
    claimed = {"client", "protocol", "vault"} | {f"{path.name}" for path in (content / LIBRARIES).glob("*.dist-info")}
    for folder in (content / LIBRARIES).glob("*.dist-info"):
        names = folder / "top_level.txt"
        claimed |= set(names.read_text().split()) if names.exists() else set()
    claimed |= {"cryptography", "filelock", "msgspec", "urllib3", "typing_extensions.py"}
    found = {path.name for path in (content / LIBRARIES).iterdir() if not path.name.startswith("_cffi_backend.")}
    assert found <= claimed | {"cpuinfo", "pycparser", "elementpath", "pyfastcdc", "tktooltip"}, found - claimed
    for mine in ("client", "protocol", "vault"):
        kept = {path.relative_to(CHECKOUT) for path in (CHECKOUT / mine).rglob("*")
                if path.is_file() and "__pycache__" not in path.parts}
        packed = {path for path in (content / LIBRARIES / mine).rglob("*") if path.is_file()}
        assert {path.relative_to(content / LIBRARIES) for path in packed} <= kept
    assert not list(content.rglob("*.pyc"))


@pytest.mark.long
def test_its_parts_in_c_are_there_for_every_python_that_it_depends_on(content: Path) -> None:
    control = (content / "DEBIAN/control").read_text()
    assert "python3 (>= 3.11), python3 (<< 3.14), python3-tk" in control
    for library in ("msgspec/_core", "zstandard/backend_c", "pyfastcdc/cy/fastcdc", "_cffi_backend"):
        for python in ("311", "312", "313"):
            assert (content / LIBRARIES / f"{library}.cpython-{python}-x86_64-linux-gnu.so").is_file()


@pytest.mark.long
def test_a_desktop_finds_it_and_so_does_man(content: Path) -> None:
    entry = (content / "usr/share/applications/ibs-client.desktop").read_text()
    assert "Exec=ibs-client\n" in entry
    assert (content / "usr/share/icons/hicolor/scalable/apps/ibs-client.svg").read_text().startswith("<svg")
    manual = subprocess.run(["gzip", "-dc", content / "usr/share/man/man1/ibs-client.1.gz"], check=True,
                            capture_output=True, text=True).stdout
    for command in ("set\\-up", "backup", "restore", "recover"):
        assert f".B {command}\n" in manual
    assert "@" not in manual.replace("@example", "")
    assert (content / "usr/bin/ibs-client").stat().st_mode & 0o777 == 0o755


@pytest.mark.long
def test_a_technician_installs_it_sets_up_upgrades_and_removes(
    package: Path, newer_package: Path, computer: CleanRoot, house: House,
) -> None:
    house.sell("alice")
    visit = begin_visit(house)
    computer.must("dpkg", "--install", computer.bring(package))
    assert computer.must("ibs-client", "--version") == "ibs-client 0.1.0\n"
    assert list(computer.path(PROGRAM).rglob("*.pyc"))
    assert "/home/anna/Documents" in computer.must("ibs-client", "set-up", house.address, IBS_CODE=visit.code)
    assert visit.checklist() == ["Done"] * 6
    assert computer.path(STORE).stat().st_mode & 0o077 == 0
    unit = (computer.path(UNITS) / "ibs-client.service").read_text()
    assert f'"/{PROGRAM}/bin/python3" "-m" "client.cli" "--home" "{STORE}" "tick"' in unit
    computer.must(f"/{PROGRAM}/bin/python3", "-m", "client.cli", "--home", STORE, "tick")
    computer.must("ibs-client", "backup")
    computer.must("ibs-client", "restore", "--to", "/back", "/home/anna/Documents")
    assert tree(computer.path("/back/home/anna")) == tree(computer.path("/home/anna"))
    assert len(tree(computer.path("/back"))) == 30
    upgrade_and_remove(computer, package, newer_package)
    assert not Path("/usr/lib/ibs-client").exists()


def upgrade_and_remove(computer: CleanRoot, package: Path, newer_package: Path) -> None:
    """The rest of its life: two snapshots are there, and the store goes with a purge only."""
    kept = store(computer)
    computer.must("dpkg", "--install", computer.bring(newer_package))
    assert "Version: 0.1.0+next" in computer.must("dpkg", "--status", "ibs-client")
    assert store(computer) == kept
    computer.must("ibs-client", "backup")
    assert computer.must("ibs-client", "snapshots").count("\n") == 3
    told = computer.must("dpkg", "--remove", "ibs-client")
    assert f"its store stays in {STORE}" in told
    assert not computer.path(PROGRAM).exists()
    assert not computer.path("/usr/bin/ibs-client").exists()
    assert not list(computer.path(UNITS).glob("ibs-client*"))
    assert store(computer) == kept
    computer.must("dpkg", "--install", computer.bring(package))
    computer.must("ibs-client", "backup")
    told = computer.must("dpkg", "--purge", "ibs-client")
    assert f"deleting the store {STORE}" in told
    assert "the snapshots stay on the storage" in told
    assert not computer.path(STORE).exists()


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def store(computer: CleanRoot) -> dict[str, bytes]:
    """What of the store only a person or an enrolment changes."""
    return {name: computer.path(f"{STORE}/{name}").read_bytes() for name in ("settings.xml", "identity.xml")}


def test_nothing_is_built_when_a_library_is_missing(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    done = subprocess.run(
        [sys.executable, BUILDER, "--output", tmp_path / "out.deb", "--wheels", tmp_path / "wheels"],
        capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Nothing was built. No libraries for linux with Python 3.11:"), done.stderr
    assert not (tmp_path / "out.deb").exists()


@pytest.mark.long
def test_a_wheel_that_was_changed_is_not_packed(package: Path, tmp_path: Path) -> None:
    """The lock file's hash protects from whatever lies in the folder of wheels."""
    kept = Path(os.environ.get("IBS_CACHE") or CHECKOUT / ".cache") / "wheels"
    for wheel in kept.glob("linux-*/*.whl"):
        (tmp_path / wheel.name).write_bytes(wheel.read_bytes())
    (changed,) = tmp_path.glob("ftputil-*.whl")
    with zipfile.ZipFile(changed, "a") as archive:
        archive.writestr("ftputil/extra.py", "import os")
    done = subprocess.run([sys.executable, BUILDER, "--output", tmp_path / "out.deb", "--wheels", tmp_path],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not (tmp_path / "out.deb").exists()


@pytest.mark.parametrize(("script", "words", "stays"), [
    ("postrm", ["remove"], True), ("postrm", ["upgrade", "0.2"], True), ("postrm", ["purge"], False),
    ("prerm", ["remove"], True), ("prerm", ["upgrade", "0.2"], True), ("postinst", ["configure", "0.1"], True),
])
def test_only_a_purge_deletes_the_store(tmp_path: Path, script: str, words: list[str], stays: bool) -> None:
    """dpkg's scripts as dpkg runs them for another root."""
    settings = tmp_path / "var/lib/ibs-client/settings.xml"
    settings.parent.mkdir(parents=True)
    settings.write_text("<settings/>")
    compiled = tmp_path / PROGRAM / "client/__pycache__/cli.cpython-311.pyc"
    compiled.parent.mkdir(parents=True)
    compiled.touch()
    done = subprocess.run([CHECKOUT / "packaging/linux" / script, *words], capture_output=True, text=True, check=True,
                          env=os.environ | {"DPKG_ROOT": str(tmp_path)})
    assert settings.exists() == stays
    assert compiled.exists() == (script != "prerm")
    assert ("store" in done.stdout) == (words[0] in {"remove", "purge"} and script == "postrm")
