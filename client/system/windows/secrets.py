"""Secrets on Windows: the token sealed by DPAPI for this machine, folders and files given to whom they belong."""
from __future__ import annotations

import os
from pathlib import Path

from client.system.windows.calls import Calls, native
from client.system.windows.powershell import program

ENTROPY = b"Integrated Backup Solution, client secret, 1"
LOCAL_MACHINE, NO_DIALOGUE = 0x4, 0x1
SYSTEM_SID, ADMINISTRATORS_SID, USERS_SID = "*S-1-5-18", "*S-1-5-32-544", "*S-1-5-32-545"
TIMEOUT = 60.0


def protect_secret(secret: bytes, calls: Calls | None = None) -> bytes:
    """The secret sealed for this machine, so that the SYSTEM account and an administrator can both open it.

    Every program on this machine could ask DPAPI to open it: the file's access list is what keeps others out.
    """
    return (calls or native()).protect(secret, ENTROPY, LOCAL_MACHINE | NO_DIALOGUE)


def reveal_secret(protected: bytes, calls: Calls | None = None) -> bytes:
    """What protect_secret was given; OSError when it was sealed on another computer."""
    return (calls or native()).unprotect(protected, ENTROPY, NO_DIALOGUE)


def protect_file(path: Path, calls: Calls | None = None) -> None:
    """Give a folder, and all that will lie in it, to SYSTEM, the administrators and its maker; files inherit that.

    Raises OSError when the system refuses.
    """
    if path.is_dir():
        _grant(access_command(path, _user()), calls)


def protect_token(path: Path, calls: Calls | None = None) -> None:
    """Give the file with the token to SYSTEM and the administrators alone, and to the user in whose own place it lies.

    In the store of the whole computer, whoever made that store has no business in the file.
    """
    shared = os.environ.get("ProgramData") or "C:\\ProgramData"  # noqa: SIM112 (as Windows spells it)
    of_user = not str(path).lower().startswith(shared.lower() + "\\")
    _grant(access_command(path, _user() if of_user else "", folder=False), calls)


def share_store(home: Path, requests: Path, calls: Calls | None = None) -> None:
    """Let every user's window follow the jobs of the whole computer: read the store, all but the file with the token,
    and leave wishes in the folder `requests`, which is made when it is missing. Raises OSError."""
    requests.mkdir(parents=True, exist_ok=True)
    open_to_users(home, calls=calls)
    open_to_users(requests, write=True, calls=calls)


def open_to_users(folder: Path, *, write: bool = False, calls: Calls | None = None) -> None:
    """Let every user of this computer read what lies in `folder`; with `write`, make and remove files there, too."""
    rights = "(OI)(CI)M" if write else "(OI)(CI)RX"
    _grant([program("icacls.exe"), str(folder), "/grant", f"{USERS_SID}:{rights}", "/Q"], calls)


def access_command(path: Path, user: str, *, folder: bool = True) -> list[str]:
    """The call of icacls that ends inheritance and names who may use `path`. Accounts are named by their numbers,
    since their names differ between languages."""
    granted = [SYSTEM_SID, ADMINISTRATORS_SID]
    if user:
        granted.append(user)
    rights = "(OI)(CI)F" if folder else "F"
    words = [part for name in granted for part in ("/grant:r", f"{name}:{rights}")]
    return [program("icacls.exe"), str(path), "/inheritance:r", *words, "/Q"]


def _user() -> str:
    """Who runs this, with the domain; "" for a service, which is SYSTEM or named for the computer."""
    name, domain = os.environ.get("USERNAME", ""), os.environ.get("USERDOMAIN", "")
    if not name or name.upper() == "SYSTEM" or name.endswith("$"):
        return ""
    return f"{domain}\\{name}" if domain else name


def _grant(command: list[str], calls: Calls | None) -> None:
    ran = (calls or native()).run(command, TIMEOUT)
    if ran.code:
        reason = (ran.complaint or ran.output).decode("oem" if os.name == "nt" else "utf-8", "replace").strip()
        raise PermissionError(None, f"its access list could not be set: {reason or ran.code}", command[1])
