"""Linux: names are raw bytes, secrets lie in files of their owner, the machine's facts come from /sys."""
from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import time
from pathlib import Path

from client.system.facts import DiskFact, MachineFacts, tidy, tidy_mac

WINDOWS_NAMES = False


def default_home() -> Path:
    """/var/lib/ibs-client for root, a folder of the user's own for everybody else."""
    if os.geteuid() == 0:
        return Path("/var/lib/ibs-client")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "ibs"


def encode_name(name: str) -> bytes:
    """The bytes of a file name as the disk holds them."""
    return os.fsencode(name)


def decode_name(name: bytes) -> str:
    """A file name as Python's functions take it."""
    return os.fsdecode(name)


def protect_secret(secret: bytes) -> bytes:
    """The secret itself: the file's owner and mode protect it."""
    return secret


def reveal_secret(protected: bytes) -> bytes:
    """What protect_secret was given."""
    return protected


def protect_file(path: Path) -> None:
    """Let only the owner read and write `path`."""
    path.chmod(0o700 if path.is_dir() else 0o600)


def protect_token(path: Path) -> None:
    """Let only the owner read and write the file with the token."""
    path.chmod(0o600)


def normalise(path: str) -> str:
    """An absolute path without "." and "..", links unresolved, so that it names what the person meant."""
    return os.path.abspath(path)


def spell_as_on_disk(path: str) -> str:
    """The path itself: here, another spelling is another folder."""
    return path


def awake_seconds() -> float:
    """Seconds that pass while the computer is awake; the kernel's clock stands still while it sleeps."""
    return time.monotonic()


def stay_awake() -> contextlib.AbstractContextManager[None]:
    """Nothing: a computer that is asked to sleep does so, and the run goes on when it wakes up."""
    return contextlib.nullcontext()


def proxy_settings() -> bool:
    """True when the environment names a proxy, so that its variables are worth reading."""
    return any(name.lower().endswith("_proxy") and value for name, value in os.environ.items())


def hidden_child(command: list[str]) -> subprocess.Popen[bytes]:
    """Start `command` with the lowest priority; its standard output is a pipe."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        preexec_fn=_yield_to_everyone,
    )


def _yield_to_everyone() -> None:
    os.nice(19)


def read_text(path: Path) -> str:
    """What a file of /sys or /proc says, without its end of line; "" when it may not be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def boot_id(root: Path = Path("/")) -> str:
    """An identifier that changes with every start of the system; "" when the kernel tells none."""
    return read_text(root / "proc/sys/kernel/random/boot_id")


def _mac_addresses(root: Path) -> tuple[str, ...]:
    found = set()
    for device in _entries(root / "sys/class/net"):
        if (device / "device").exists() and not _pluggable(device):
            found.add(tidy_mac(read_text(device / "address")))
    return tuple(sorted(found - {""}))


def _disks(root: Path) -> tuple[DiskFact, ...]:
    found = []
    for device in _entries(root / "sys/block"):
        if not (device / "device").exists() or _pluggable(device) or read_text(device / "removable") == "1":
            continue
        serial = tidy(read_text(device / "device/serial") or read_text(device / "serial")
                      or read_text(device / "device/wwid"))
        sectors = read_text(device / "size")
        if serial:
            size = int(sectors) * 512 if sectors.isdigit() else 0
            found.append(DiskFact(serial, tidy(read_text(device / "device/model")), size))
    return tuple(sorted(found, key=lambda disk: (disk.serial, disk.model)))


def _pluggable(device: Path) -> bool:
    """True for what hangs on USB: it comes and goes and says nothing about the computer."""
    return "/usb" in os.path.realpath(device)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _system_name(root: Path) -> str:
    for line in read_text(root / "etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return tidy(line.partition("=")[2].strip("\"'"))
    return tidy(f"{platform.system()} {platform.release()}")


def machine_facts(root: Path = Path("/")) -> MachineFacts:
    """The facts below `root`/sys and `root`/etc; what may not be read is left out."""
    board = read_text(root / "sys/class/dmi/id/product_uuid") or read_text(root / "sys/class/dmi/id/board_serial")
    return MachineFacts(
        system=_system_name(root),
        machine_id=tidy(read_text(root / "etc/machine-id")),
        board_id=tidy(board.lower()),
        mac_addresses=_mac_addresses(root),
        disks=_disks(root),
    )
