"""Made tests/data/vault-1, once. A change of the format makes a new one beside it; the old one stays readable for ever.

python -m tests.vault.make_golden FOLDER writes a vault and its description, FOLDER.json, into a new folder.
"""
from __future__ import annotations

import hashlib
import json
import sys
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.vault.small_vault import SIGNING_KEY, VAULT, Item, SmallVault, Steps, fixed_cut, folder
from vault.blobs import AES_GCM, CHACHA
from vault.history import History
from vault.records import LINK

SIGNER = Ed25519PrivateKey.from_private_bytes(SIGNING_KEY).public_key().public_bytes_raw()
DOCUMENTS = (b"home", b"anna", b"documents")
TEXT = b"The quick brown fox jumps over the lazy dog.\n" * 40
NOISE = hashlib.shake_256(b"noise").digest(9_000)


def trees() -> dict[int, dict[Steps, Item]]:
    """Run number to what it holds."""
    first = {
        DOCUMENTS[:1]: folder(), DOCUMENTS[:2]: folder(), DOCUMENTS: folder(1_699_999_999_999_999_999),
        (*DOCUMENTS, b"empty"): Item(),
        (*DOCUMENTS, b"letter.txt"): Item(content=TEXT),
        (*DOCUMENTS, b"photo.jpg"): Item(content=NOISE, attributes=0o600),
        (*DOCUMENTS, b"copy of photo.jpg"): Item(content=NOISE, mtime_ns=0),
        (*DOCUMENTS, b"zeros"): Item(content=bytes(5_000_000)),
        (*DOCUMENTS, b"link"): Item(LINK, b"../documents/letter.txt", attributes=0o777),
        (*DOCUMENTS, "naïve – 日本 🙂".encode()): Item(content=b"unicode", mtime_ns=-1_000_000_001),
        (*DOCUMENTS, b"latin-\xe9\xff"): Item(content=b"not UTF-8"),
        (*DOCUMENTS, b"tab\tnewline\nbell\x07 "): Item(content=b"control characters and a trailing space"),
        (*DOCUMENTS, b"a"): folder(), (*DOCUMENTS, b"a", b"inside"): Item(content=b"in a"),
        (*DOCUMENTS, b"a b"): Item(content=b"beside a/"), (*DOCUMENTS, b"a-b"): Item(content=b"beside a/ as well"),
        (*DOCUMENTS, b"x" * 255): Item(content=b"long name"),
    }
    edited = TEXT.replace(b"lazy", b"sleepy", 1)
    second = {**first, (*DOCUMENTS, b"letter.txt"): Item(content=edited, mtime_ns=1_700_100_000_000_000_007)}
    third = {path: item for path, item in second.items() if path[:4] != (*DOCUMENTS, b"a")}
    third[(*DOCUMENTS, b"a")] = Item(content=b"a file where a folder was")
    fourth = {**third, (*DOCUMENTS, b"new"): Item(content=NOISE[:3_000] + b"and a new end")}
    fifth = {**fourth, (*DOCUMENTS, b"late"): Item(content=b"sealed with the other cipher")}
    return {1: first, 2: second, 4: third, 7: fourth, 8: fifth}


def make(target: Path) -> None:
    """Run 3 was interrupted before its commit, 5 and 6 never were; 7 is a checkpoint, 2 and 8 travel inline."""
    vault = SmallVault(target, SIGNER, cut=partial(fixed_cut, size=1_000), pack_size=8_000)
    vault.create()
    for run, tree in trees().items():
        if run == 4:
            lost = SmallVault(target, SIGNER, pack_size=8_000)
            lost.next_pack, vault.next_pack = vault.next_pack, vault.next_pack + 1
            lost.store(3, {(b"never",): Item(content=b"committed")}, commit=False)
        vault.inline, vault.cipher = run in {2, 8}, CHACHA if run == 8 else AES_GCM
        vault.store(run, tree, checkpoint=run == 7)
    history = History(vault.storage, vault.keys, VAULT, SIGNER)
    described = [
        {"run": snapshot.run, "fingerprint": snapshot.digest.hex(), "entries": [
            [[step.hex() for step in path], item.kind, len(item.content), item.mtime_ns, item.attributes,
             hashlib.sha256(item.content).hexdigest()]
            for path, item in sorted(trees()[snapshot.run].items())
        ]} for snapshot in history.snapshots()
    ]
    target.with_suffix(".json").write_text(json.dumps(described, separators=(",", ":")).replace("[[[", "\n[[["))


if __name__ == "__main__":
    make(Path(sys.argv[1]))
