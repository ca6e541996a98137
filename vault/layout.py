"""The name of every object in a vault; the only module that knows names.

Names are relative to the vault's own folder (<base>/<vault-uuid>/). They hold only [0-9a-z.-] and "/", and no
folder ever holds more than 500 entries, because servers cut longer listings (docs/ftp.md).
"""
from __future__ import annotations

from uuid import UUID

VAULT_FILE = "ibs-vault.json"
PART_SUFFIX = ".part"
RUNS_PER_FOLDER = 50
PACKS_PER_FOLDER = 500
PARTS_PER_FOLDER = 200


def vault_folder(vault: UUID) -> str:
    """The vault's folder below the storage's base folder."""
    return str(vault)


def key_name(digest: bytes) -> str:
    """A wrapped vault key; `digest` is the SHA-256 of its bytes."""
    return f"k/{digest.hex()[:16]}.key"


def pack_name(number: int, digest: bytes) -> str:
    """Pack `number`; `digest` is the SHA-256 of the whole file."""
    return f"p/{number // 250_000:02d}/{number // PACKS_PER_FOLDER % 500:03d}/{number:08d}-{digest.hex()[:16]}.ibp"


def run_folder(run: int) -> str:
    """The folder of a run's objects, shared with up to 49 others."""
    return f"s/{run // 25_000:02d}/{run // RUNS_PER_FOLDER % 500:03d}"


def part_name(run: int, kind: str, index: int, digest: bytes) -> str:
    """Manifest part `index` of `run`.

    `kind` is "d" (delta), "f" (full checkpoint) or "x" (list of packs and chunk index); `digest` is the SHA-256 of
    the stored bytes. A part from number 200 on lies in folders of its own, 200 to each.
    """
    folder = run_folder(run)
    if index >= PARTS_PER_FOLDER:
        folder = f"{folder}/{run:08d}-{index // PARTS_PER_FOLDER:03d}"
    return f"{folder}/{run:08d}-{kind}-p{index:04d}-{digest.hex()[:16]}.ibm"


def commit_name(run: int) -> str:
    """The small object that makes run `run` a snapshot."""
    return f"{run_folder(run)}/{run:08d}.commit"


def acknowledgement_name(run: int) -> str:
    """The portal's signature over the commit of `run`."""
    return f"{run_folder(run)}/{run:08d}.ack"
