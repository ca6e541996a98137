"""One face for the operating system: where things lie, how names are spelt, what identifies the machine."""
from __future__ import annotations

import sys
from pathlib import Path

if sys.platform == "win32":
    from client.system.windows import (
        WINDOWS_NAMES,
        awake_seconds,
        boot_id,
        decode_name,
        default_home,
        encode_name,
        hidden_child,
        machine_facts,
        normalise,
        protect_file,
        protect_secret,
        protect_token,
        proxy_settings,
        reveal_secret,
        share_store,
        spell_as_on_disk,
        stay_awake,
    )
else:
    from client.system.linux import (
        WINDOWS_NAMES,
        awake_seconds,
        boot_id,
        decode_name,
        default_home,
        encode_name,
        hidden_child,
        machine_facts,
        normalise,
        protect_file,
        protect_secret,
        protect_token,
        proxy_settings,
        reveal_secret,
        share_store,
        spell_as_on_disk,
        stay_awake,
    )

__all__ = [
    "WINDOWS_NAMES",
    "awake_seconds",
    "boot_id",
    "decode_name",
    "default_home",
    "encode_name",
    "hidden_child",
    "machine_facts",
    "normalise",
    "protect_file",
    "protect_secret",
    "protect_token",
    "proxy_settings",
    "reveal_secret",
    "share_store",
    "spell_as_on_disk",
    "stay_awake",
    "sync_folder",
]


def sync_folder(folder: Path) -> None:
    """Make the last rename in `folder` survive a power cut, where the system offers that (not on Windows)."""
    import os

    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
