"""Linux: names are raw bytes, secrets lie in files of their owner, the machine's facts come from /sys."""
from __future__ import annotations

import contextlib
import os
import platform
import subprocess
import time
from pathlib import Path

from client.system.facts import DiskFact, MachineFacts, tidy, tidy_mac, tidy_serial

WINDOWS_NAMES = False
RANDOM_ADDRESS = "1"
"""NET_ADDR_RANDOM of the kernel's netdevice.h."""


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


def share_store(home: Path, requests: Path) -> None:
    """Nothing: the store of the whole computer is root's, and so is a window on it."""


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
        if (device / "device").exists() and not _comes_and_goes(device, root):
            found.add(_mac(device))
    return tuple(sorted(found - {""}))


def _mac(device: Path) -> str:
    """The address that a card was made with: privacy gives Wi-Fi cards a random one, a bond its own to all members."""
    made_with = read_text(device / "phy80211/macaddress") or read_text(device / "bonding_slave/perm_hwaddr")
    if not made_with and read_text(device / "addr_assign_type") == RANDOM_ADDRESS:
        return ""
    return tidy_mac(made_with or read_text(device / "address"))


def _disks(root: Path) -> tuple[DiskFact, ...]:
    found = []
    for device in _entries(root / "sys/block"):
        if not (device / "device").exists() or _comes_and_goes(device, root):
            continue
        serial = _serial(device, root)
        sectors = read_text(device / "size")
        if serial:
            size = int(sectors) * 512 if sectors.isdigit() else 0
            model = read_text(device / "device/model") or read_text(device / "device/name")
            found.append(DiskFact(serial, tidy(model), size))
    return tuple(sorted(found, key=lambda disk: (disk.serial, disk.model)))


def _serial(device: Path, root: Path) -> str:
    """A disk's serial number: of NVMe, of virtio, of SCSI and SATA, from udev's notes, of a soldered eMMC."""
    return (
        tidy_serial(read_text(device / "device/serial"))
        or tidy_serial(read_text(device / "serial"))
        or tidy_serial(_unit_serial(device / "device/vpd_pg80"))
        or tidy_serial(_known_to_udev(root / "run/udev/data" / f"b{read_text(device / 'dev')}"))
        or tidy_serial(read_text(device / "device/cid"))
        or tidy_serial(read_text(device / "device/wwid") or read_text(device / "wwid"))
    )


def _unit_serial(page: Path) -> str:
    """The serial number in a page of vital product data, behind its four bytes of head."""
    try:
        return page.read_bytes()[4:].decode("ascii", "replace")
    except OSError:
        return ""


def _known_to_udev(notes: Path) -> str:
    found = (line.removeprefix("E:ID_SERIAL_SHORT=") for line in read_text(notes).splitlines()
             if line.startswith("E:ID_SERIAL_SHORT="))
    return next(found, "")


def _comes_and_goes(device: Path, root: Path) -> bool:
    """True for what hangs on USB, in a card reader, or in a dock on Thunderbolt: it says nothing about the computer."""
    real = Path(os.path.realpath(device))
    if "/usb" in str(real) or read_text(real / "removable") == "1" or read_text(real / "device/type") == "SD":
        return True
    top = Path(os.path.realpath(root / "sys/devices"))
    return any(read_text(parent / "removable") == "removable" for parent in real.parents if top in parent.parents)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _board(root: Path) -> str:
    """What the firmware or the device tree calls the machine; most of it is told to root only."""
    places = ("sys/class/dmi/id/product_uuid", "sys/class/dmi/id/board_serial", "sys/class/dmi/id/product_serial",
              "sys/firmware/devicetree/base/serial-number")
    return next((found for place in places if (found := tidy_serial(read_text(root / place).lower()))), "")


def _system_name(root: Path) -> str:
    for line in read_text(root / "etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return tidy(line.partition("=")[2].strip("\"'"))
    return tidy(f"{platform.system()} {platform.release()}")


def machine_facts(root: Path = Path("/")) -> MachineFacts:
    """The facts below `root`/sys and `root`/etc; what may not be read is left out."""
    return MachineFacts(
        system=_system_name(root),
        machine_id=tidy(read_text(root / "etc/machine-id")),
        board_id=_board(root),
        mac_addresses=_mac_addresses(root),
        disks=_disks(root),
    )
