"""The installer for Windows: what is in it, and how it installs, upgrades and removes, as far as Wine can tell.

The Python in it is a stand-in that only writes down how it was called (tests/parts/stand_in_python.py).
"""
from __future__ import annotations

import contextlib
import os
import re
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.parts.stand_in_python import FILES, NOT_WANTED, make_shape, make_stand_in
from tests.parts.window import screen
from tests.parts.wine import WindowsComputer, as_windows, install_windows

pytestmark = pytest.mark.xdist_group("installer")

CHECKOUT = Path(__file__).resolve().parents[2]
BUILDER = CHECKOUT / "packaging/windows/build_installer.py"
UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall\IBS"
PROGRAM = r"C:\Program Files\IBS"
STORE = r"C:\ProgramData\IBS"
CODE = "KX4-92QM"


def build(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the builder."""
    return subprocess.run([sys.executable, BUILDER, *words], capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what all tests here share."""
    return tmp_path_factory.mktemp("installer")


@pytest.fixture(scope="session")
def signer(place: Path) -> Path:
    """A stand-in for a program that signs: it notes what it was given, and lengthens the file."""
    program = place / "sign"
    program.write_text(f'#!/bin/sh\ngrep -q . "$1" && echo "$1" >>"{place}/signed"\nprintf SIGNED >>"$1"\n')
    program.chmod(0o755)
    return program


@pytest.fixture(scope="session")
def installer(place: Path, signer: Path) -> Path:
    """The installer of this checkout, with the stand-in."""
    python, file = make_stand_in(place / "python"), place / "ibs-client-setup.exe"
    done = build("--python-dir", python, "--output", file, "--quick", "--sign", str(signer))
    assert done.returncode == 0, done.stderr
    return file


@pytest.fixture(scope="session")
def content(installer: Path, place: Path) -> Path:
    """What 7-Zip finds in it."""
    folder = place / "content"
    subprocess.run(["7z", "x", "-y", f"-o{folder}", installer], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def fresh_windows(place: Path) -> Path:
    """A new Windows, to be copied."""
    install_windows(place / "windows")
    return place / "windows"


@dataclass
class Desk:
    """A Windows computer and an installer that lies on its desk."""

    computer: WindowsComputer
    installer: Path
    place: Path
    codes: str = ""

    def install(self, *words: str, file: Path | None = None, **variables: str) -> int:
        """Install silently; the exit code."""
        return self.computer.run(file or self.installer, "/S", f"/LOG={as_windows(self.place / 'log.txt')}", *words,
                                 IBS_STAND_IN_LOG=as_windows(self.place / "calls"), IBS_STAND_IN_CODES=self.codes,
                                 **variables)

    def remove(self, *words: str) -> None:
        """Remove silently. The uninstaller goes on as a copy of itself, which is waited for."""
        entry = self.computer.registry(f"HKLM\\{UNINSTALL}") or self.computer.registry(f"HKCU\\{UNINSTALL}")
        program, _, silent = entry["QuietUninstallString"].rpartition(" ")
        code = self.computer.run(self.computer.path(program.strip('"')), silent, *words,
                                 IBS_STAND_IN_LOG=as_windows(self.place / "calls"), IBS_STAND_IN_CODES=self.codes)
        assert code == 0
        self.computer.wait()

    @contextlib.contextmanager
    def opened(self, display: str) -> Iterator[subprocess.Popen[bytes]]:
        """The installer with its window on a screen."""
        with self.computer.start(self.installer, DISPLAY=display,
                                 IBS_STAND_IN_LOG=as_windows(self.place / "calls")) as running:
            try:
                yield running
            finally:
                running.kill()

    def calls(self, *, keep: bool = False) -> list[str]:
        """How the client was called since the last question, and with which code in the environment."""
        file = self.place / "calls"
        if not file.exists():
            return []
        lines = file.read_bytes().decode("utf-16-le").splitlines()
        if not keep:
            file.unlink()
        return ["\t".join(part.rstrip() for part in line.partition("-m client.cli ")[2].split("\t")) for line in lines]

    def log(self) -> str:
        """The installer's log."""
        return (self.place / "log.txt").read_text()

    def exists(self, path: str) -> bool:
        """Is that there?"""
        return self.computer.path(path).exists()


@pytest.fixture
def desk(fresh_windows: Path, installer: Path, tmp_path: Path) -> Iterator[Desk]:
    """A new computer for each test."""
    subprocess.run(["cp", "--archive", fresh_windows, tmp_path / "windows"], check=True)
    computer = WindowsComputer(tmp_path / "windows")
    yield Desk(computer, installer, tmp_path)
    computer.stop()


def wait_for(condition: Callable[[], object]) -> None:
    """Until it is so."""
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.1)


# --- building ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("missing", "told"), [
    ("python.exe", "Python itself"), ("pythonw.exe", "without a console"),
    ("Lib/tkinter/__init__.py", "the embeddable Python leaves out"), ("python312.dll", "of no version"),
])
def test_a_python_that_lacks_something_is_refused_with_the_reason(tmp_path: Path, missing: str, told: str) -> None:
    python = make_shape(tmp_path / "python")
    (python / missing).unlink()
    done = build("--python-dir", python, "--output", tmp_path / "out-setup.exe")
    assert done.returncode == 1
    assert done.stderr.startswith("Nothing was built.")
    assert told in done.stderr
    assert not (tmp_path / "out-setup.exe").exists()


def test_a_python_that_is_too_old_is_refused(tmp_path: Path) -> None:
    python = make_shape(tmp_path / "python")
    (python / "python312.dll").rename(python / "python310.dll")
    done = build("--python-dir", python, "--output", tmp_path / "out-setup.exe")
    assert done.returncode == 1
    assert "Python 3.10" in done.stderr


@pytest.mark.long
def test_an_installer_that_cannot_be_signed_is_not_left_behind(place: Path, installer: Path, tmp_path: Path) -> None:
    done = build("--python-dir", place / "python", "--output", tmp_path / "x-setup.exe", "--quick", "--sign", "false")
    assert done.returncode == 1
    assert not (tmp_path / "x-setup.exe").exists()


@pytest.mark.long
def test_installer_and_uninstaller_are_signed(place: Path, installer: Path) -> None:
    signed = (place / "signed").read_text().splitlines()
    assert len(signed) == 2
    assert signed[-1] == str(installer)
    assert installer.read_bytes().endswith(b"SIGNED")


@pytest.mark.long
def test_it_holds_python_the_program_and_the_locked_libraries_and_nothing_else(content: Path) -> None:
    python = content / "python"
    for name in (*FILES, "python.exe", "pythonw.exe"):
        assert (python / name).is_file(), name
    for name in NOT_WANTED:
        assert not (python / name).exists(), name
    packages = python / "Lib/site-packages"
    names = re.findall(r"^([\w.-]+)==", (CHECKOUT / "requirements/client.lock").read_text(), re.MULTILINE)
    brought = {folder.name.split("-")[0].lower() for folder in packages.glob("*.dist-info")}
    assert brought == {name.lower().replace("-", "_") for name in names}
    for folder in ("client", "protocol", "vault"):
        assert (packages / folder / "__init__.py").is_file()
    for foreign in ("server", "flask", "sqlalchemy", "tests"):
        assert not (packages / foreign).exists()
    assert (packages / "client/schemas/settings.xsd").is_file()
    assert (packages / "msgspec/_core.cp312-win_amd64.pyd").is_file()
    assert not list(packages.rglob("*.so"))
    beside = {path.name for path in content.iterdir()}
    assert beside == {"$PLUGINSDIR", "ibs-client.cmd", "ibs-client.ico", "python", "uninstall.exe"}


@pytest.mark.long
def test_windows_shows_what_it_is_before_it_runs(installer: Path) -> None:
    program = installer.read_bytes()
    for words in ("Integrated Backup", "0.1.0", "Installs the client of IBS"):
        assert words.encode("utf-16-le") in program, words
    assert struct.pack("<6I", 0xFEEF04BD, 0, 1, 0, 1, 0) in program  # its version as numbers
    assert b"asInvoker" not in program
    assert b"highestAvailable" in program


# --- installing --------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_one_silent_line_installs_and_sets_up(desk: Desk) -> None:
    code = desk.install("/PORTAL=https://backup.example.com", f"/CODE={CODE}", "/FOLDERS=C:\\Our files;D:\\",
                        r"/RECOVERY=E:\sheet.txt")
    assert code == 0, desk.log()
    home = f'--home "{STORE}" '
    assert desk.calls() == [
        f"{home}schedule install --whole-computer\tIBS_CODE=",
        home + r'set-up "https://backup.example.com" --folder "C:\Our files" --folder "D:\\." '
        r'--hide-recovery-code --recovery-sheet "E:\sheet.txt"' + f"\tIBS_CODE={CODE}",
    ]
    entry = desk.computer.registry(f"HKLM\\{UNINSTALL}")
    assert entry["DisplayVersion"] == "0.1.0"
    assert entry["InstallLocation"] == PROGRAM
    assert entry["QuietUninstallString"] == rf'"{PROGRAM}\uninstall.exe" /S'
    assert desk.exists(rf"{PROGRAM}\python\Lib\site-packages\client\cli.py")
    assert desk.exists(r"C:\ProgramData\Microsoft\Windows\Start Menu\Programs\Integrated Backup.lnk")
    assert CODE not in desk.log()
    assert "exit code 0" in desk.log()


@pytest.mark.long
def test_a_person_types_portal_and_code_and_gets_the_recovery_sheet_on_the_desktop(desk: Desk, tmp_path: Path) -> None:
    with screen(tmp_path / "screen") as seen:

        def press(*words: str) -> None:
            subprocess.run(["xdotool", *words], check=True, env=os.environ | {"DISPLAY": seen.display})

        with desk.opened(seen.display) as running:
            press("search", "--sync", "--name", "^Integrated Backup Setup$")
            wait_for(lambda: not seen.is_blank())
            press("type", "--delay", "30", "https://backup.example.com")
            press("key", "--delay", "200", "Tab")
            press("type", "--delay", "30", CODE)
            press("key", "Return")  # Install
            wait_for(lambda: desk.exists(rf"{PROGRAM}\uninstall.exe") and len(desk.calls(keep=True)) == 2)
            while running.poll() is None:  # the last page comes a moment after the last call
                press("key", "Return")  # Finish, which opens the window
                time.sleep(0.5)
    desk.computer.wait()
    _, set_up, window = desk.calls()
    assert set_up.endswith(rf'\Desktop\Recovery sheet of IBS.txt"{chr(9)}IBS_CODE={CODE}')
    assert window == f'--home "{STORE}"\tIBS_CODE='


@pytest.mark.long
def test_the_code_may_come_from_the_environment_alone(desk: Desk) -> None:
    assert desk.install("/PORTAL=https://backup.example.com", IBS_CODE=CODE) == 0
    assert desk.calls()[-1].endswith(f"--hide-recovery-code\tIBS_CODE={CODE}")


@pytest.mark.long
@pytest.mark.parametrize(("codes", "ended"), [
    ("set-up=3 ", 3), ("set-up=4 ", 21), ("set-up=1 ", 20), ("schedule=1 ", 22), ("set-up=0 schedule=0 ", 0),
])
def test_the_exit_code_says_how_the_set_up_went(desk: Desk, codes: str, ended: int) -> None:
    desk.codes = codes
    assert desk.install("/PORTAL=https://backup.example.com", f"/CODE={CODE}") == ended
    assert f"exit code {ended}" in desk.log()
    assert desk.exists(rf"{PROGRAM}\python\python.exe")


@pytest.mark.long
def test_words_that_make_no_sense_change_nothing(desk: Desk) -> None:
    assert desk.install(f"/CODE={CODE}") == 13
    assert "/PORTAL=" in desk.log()
    assert desk.computer.run(desk.installer, "/S", r"/LOG=Q:\nowhere\log.txt") == 13
    assert not desk.exists(PROGRAM)
    assert desk.calls() == []


@pytest.mark.long
def test_it_installs_for_one_user_without_touching_what_is_everybodys(desk: Desk) -> None:
    assert desk.install("/CURRENTUSER") == 0, desk.log()
    local = next(desk.computer.path(r"C:\users").glob("*/AppData/Local/Programs/IBS"))
    assert (local / "python/python.exe").is_file()
    (call,) = desk.calls()
    assert re.fullmatch(r'--home "C:\\users\\\w+\\AppData\\Local\\IBS" schedule install\tIBS_CODE=', call)
    assert desk.computer.registry(f"HKLM\\{UNINSTALL}") == {}
    assert desk.computer.registry(f"HKCU\\{UNINSTALL}")["WholeComputer"] == "0x0"
    assert not desk.exists(PROGRAM)
    desk.remove()
    assert not local.exists()


@pytest.mark.long
def test_an_upgrade_asks_the_client_to_stop_keeps_the_store_and_leaves_no_old_file(
    desk: Desk, place: Path, installer: Path,
) -> None:
    newer = place / "ibs-client-newer-setup.exe"
    assert build("--python-dir", place / "python", "--output", newer, "--quick", "--version", "0.2.1").returncode == 0
    assert desk.install() == 0
    desk.calls()
    settings = desk.computer.path(rf"{STORE}\settings.xml")
    settings.parent.mkdir(exist_ok=True)
    settings.write_text("<settings/>")
    left = desk.computer.path(rf"{PROGRAM}\python\Lib\site-packages\client\of_an_older_version.py")
    left.touch()
    assert desk.install(file=newer) == 0, desk.log()
    first, *others = desk.calls()
    assert "stop --wait 60" in first
    assert [call.partition(STORE)[2].split()[1] for call in others] == ["schedule"]
    assert settings.read_text() == "<settings/>"
    assert not left.exists()
    assert not desk.exists(rf"{PROGRAM}\python.old")
    assert desk.computer.registry(f"HKLM\\{UNINSTALL}")["DisplayVersion"] == "0.2.1"


@pytest.mark.long
def test_removing_keeps_the_store_unless_told_otherwise(desk: Desk) -> None:
    assert desk.install() == 0
    settings = desk.computer.path(rf"{STORE}\settings.xml")
    settings.parent.mkdir(exist_ok=True)
    settings.write_text("<settings/>")
    desk.calls()
    desk.remove()
    assert [call.partition(f'"{STORE}" ')[2].partition("\t")[0] for call in desk.calls()] == [
        "stop --wait 60", "schedule remove --whole-computer"]
    assert settings.exists()
    assert not desk.exists(rf"{PROGRAM}\python")
    assert not desk.exists(r"C:\ProgramData\Microsoft\Windows\Start Menu\Programs\Integrated Backup.lnk")
    assert desk.computer.registry(f"HKLM\\{UNINSTALL}") == {}
    assert desk.install() == 0
    desk.remove("/DELETESTORE")
    assert not settings.exists()
