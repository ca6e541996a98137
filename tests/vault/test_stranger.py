"""A reader written from docs/vault-format.md alone, without any of our code, reads the golden vault.

The numbers in the comments are the document's sections. If this test breaks, the document or the format is wrong.
"""
from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

GOLDEN = Path(__file__).parents[1] / "data" / "vault-1"
CODE = "0004-1061-050r 3gg2 8a1c 60t3 gfwe"
EXPECTED: list[dict[str, Any]] = json.loads(GOLDEN.with_suffix(".json").read_text())
ZERO = bytes(12)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def keyed(key: bytes, person: bytes, data: bytes) -> bytes:
    return hashlib.blake2b(data, key=key, person=person, digest_size=32).digest()


def decrypt(cipher: int, key: bytes, data: bytes, more: bytes) -> bytes:
    return {1: AESGCM, 2: ChaCha20Poly1305}[cipher](key).decrypt(ZERO, data, more)


def open_sealed(key: bytes, header: bytes, cipher: int, sealed: bytes) -> bytes:
    """6"""
    salt, commitment, content = sealed[:16], sealed[16:48], sealed[48:]
    plain = decrypt(cipher, keyed(key, b"ibs-part-v1", salt + header + commitment), content, header + commitment)
    assert keyed(key, b"ibs-commit-v1", plain) == commitment
    return plain


def unpack_frame(frame: bytes, length: int) -> bytes:
    """4"""
    assert zstandard.frame_content_size(frame) == length
    return zstandard.ZstdDecompressor().decompress(frame, max_output_size=length, allow_extra_data=False)


def read_recovery_code(text: str) -> bytes:
    """7"""
    signs = text.upper().replace("-", "").replace(" ", "").translate(str.maketrans("ILO", "110"))
    assert len(signs) == 28
    digits = [ALPHABET.index(sign) for sign in signs]
    number = 0
    for digit in digits[:26]:
        number = number * 32 + digit
    secret = number.to_bytes(16, "big")
    check = int.from_bytes(hashlib.blake2b(secret, digest_size=2, person=b"ibs-code-v1").digest(), "big") & 1023
    assert digits[26] * 32 + digits[27] == check
    return secret


class Stranger:
    """Everything that a vault's folder and its recovery code give."""

    def __init__(self, folder: Path, code: str) -> None:
        self.folder = folder
        description = json.loads((folder / "ibs-vault.json").read_text())
        assert description["format"] == 1
        self.vault = UUID(description["vault"]).bytes
        wrapping = HKDF(SHA256(), 32, salt=self.vault, info=b"ibs-recovery-v1").derive(read_recovery_code(code))
        data = next(path.read_bytes() for path in (folder / "k").iterdir() if path.read_bytes()[8] == 2)
        header = data[:44]
        assert header[:8] == b"IBSKEY01"
        assert header[12:28] == self.vault
        content = decrypt(header[9], keyed(wrapping, b"ibs-wrap-v1", header), data[44:], header)
        sealing, chunking, self.signer = content[:32], content[32:64], content[64:]
        version = self.vault + header[10:12]
        self.k_id = keyed(chunking, b"ibs-key-id-v1", self.vault)
        self.k_enc = keyed(sealing, b"ibs-key-enc-v1", version)
        self.k_man = keyed(sealing, b"ibs-key-man-v1", version)
        self.k_idx = keyed(sealing, b"ibs-key-idx-v1", version)
        self.commits = {run: self.read_commit(run) for run in range(1, 30) if self.object(run, "commit").exists()}

    def object(self, run: int, kind: str) -> Path:
        """2"""
        return self.folder / f"s/{run // 25000:02}/{run // 50 % 500:03}/{run:08}.{kind}"

    def read_commit(self, run: int) -> dict[str, Any]:
        """9"""
        data = self.object(run, "commit").read_bytes()
        magic, form, cipher, _, vault, number, _ = struct.unpack("<8sBBH16sI16s", data[:48])
        assert (magic, form, vault, number) == (b"IBSCOMM1", 1, self.vault, run)
        commit: dict[str, Any] = json.loads(open_sealed(self.k_idx, data[:48], cipher, data[48:]))
        assert commit["run"] == run
        signed = self.object(run, "ack").read_bytes()
        assert signed[:60] == b"IBSACKN1" + self.vault + struct.pack("<I", run) + hashlib.sha256(data).digest()
        Ed25519PublicKey.from_public_bytes(self.signer).verify(signed[60:], signed[:60])
        return commit

    def fingerprint(self, run: int) -> bytes:
        return hashlib.sha256(self.object(run, "commit").read_bytes()).digest()

    def records(self, run: int, section: int) -> Iterator[bytes]:
        """8: the contents of a section's parts"""
        commit = self.commits[run]
        stored = [self.checked(name, size, digest) for name, found, size, digest in commit["parts"]
                  if found == section]
        stored += [base64.b64decode(commit["inline"][str(section)])] if str(section) in commit["inline"] else []
        for part in stored:
            magic, form, cipher, _, kind, vault, number, _, _, _, length = struct.unpack("<8sBBcB8sIIHHI", part[:36])
            assert (magic, form, kind, vault, number) == (b"IBSPART1", 1, section, self.vault[:8], run)
            key = self.k_man if section == 2 else self.k_idx
            yield unpack_frame(open_sealed(key, part[:36], cipher, part[36:]), length) if length else b""

    def checked(self, name: str, size: int, digest: str) -> bytes:
        data = (self.folder / name).read_bytes()
        assert len(data) == size
        assert hashlib.sha256(data).digest() == base64.b64decode(digest)
        assert hashlib.sha256(data).hexdigest()[:16] in name
        return data

    def framed(self, run: int, section: int) -> Iterator[bytes]:
        for content in self.records(run, section):
            while content:
                (length,) = struct.unpack_from("<I", content)
                yield content[4 : 4 + length]
                content = content[4 + length :]

    def entries(self, run: int) -> list[list[Any]]:
        """8: the snapshot's tree, folders before what they hold"""
        wanted = [run]
        while self.commits[wanted[-1]]["kind"] != "f":
            child = self.commits[wanted[-1]]
            assert self.fingerprint(child["parent"]) == base64.b64decode(child["parent_hash"])
            wanted.append(child["parent"])
        nodes: dict[int, dict[str, Any]] = {}
        for number in reversed(wanted):
            names = self.framed(number, 2)
            for record in self.framed(number, 1):
                operation, kind, node, parent, size = struct.unpack_from("<BBIIQ", record)
                ids = [record[start : start + 16] for start in range(18, len(record), 16)]
                if operation == 4:
                    nodes[node]["ids"] += ids
                    continue
                label = next(names)
                same, other, mtime, attributes, length = struct.unpack_from("<BIqIH", label)
                assert (same, other) == (operation, node)
                if operation == 3:
                    del nodes[node]
                else:
                    nodes[node] = {"kind": kind, "parent": parent, "size": size, "ids": ids, "mtime": mtime,
                                   "attributes": attributes, "name": label[19 : 19 + length]}
        assert next(names, None) is None
        return list(self.below(nodes, self.commits[run]["root"], []))

    def below(self, nodes: dict[int, dict[str, Any]], parent: int, path: list[bytes]) -> Iterator[list[Any]]:
        inside = [(entry["name"], node) for node, entry in nodes.items() if entry["parent"] == parent]
        for name, node in sorted(inside):
            entry = nodes[node]
            yield [[*path, name], entry["kind"], entry["size"], entry["mtime"], entry["attributes"], entry["ids"]]
            if entry["kind"] == 2:
                yield from self.below(nodes, node, [*path, name])

    def places(self) -> dict[bytes, tuple[Any, ...]]:
        """10, step 6"""
        packs: dict[int, tuple[int, bytes]] = {}
        found = {}
        for run in sorted(self.commits):
            for content in self.records(run, 3):
                packs.update((number, (size, digest)) for number, size, digest in struct.iter_unpack("<II32s", content))
            for content in self.records(run, 4):
                for identity, pack, *place in struct.iter_unpack("<16sIIIIBB", content):
                    found[identity] = (pack, *packs[pack], *place)
        return found

    def pack(self, number: int, digest: bytes) -> Path:
        """2"""
        name = f"{number:08}-{digest.hex()[:16]}.ibp"
        return self.folder / f"p/{number // 250000:02}/{number // 500 % 500:03}" / name

    def chunk(self, identity: bytes, place: tuple[Any, ...]) -> bytes:
        """5"""
        number, _, digest, offset, length, plain_length, kind, compression = place
        data = self.pack(number, digest).read_bytes()
        blob = data[offset : offset + length]
        about = struct.pack("<4s16sBBI16s", b"IBS1", self.vault, kind, compression, plain_length, identity)
        content = decrypt(data[9], keyed(self.k_enc, b"ibs-blob-v1", blob[:16] + about), blob[16:], about)
        plain = unpack_frame(content, plain_length) if compression == 1 else content
        assert keyed(self.k_id, b"ibs-chunk-v1", plain)[:16] == identity
        return plain


@pytest.fixture(scope="module")
def stranger() -> Stranger:
    return Stranger(GOLDEN, CODE)


@pytest.mark.parametrize("described", EXPECTED, ids=lambda described: f"run {described['run']}")
def test_a_stranger_reads_every_snapshot(stranger: Stranger, described: dict[str, Any]) -> None:
    places = stranger.places()
    known: dict[bytes, bytes] = {}
    found = []
    for path, kind, size, mtime, attributes, ids in stranger.entries(described["run"]):
        for identity in set(ids) - set(known):
            known[identity] = stranger.chunk(identity, places[identity])
        content = b"".join(known[identity] for identity in ids)
        assert len(content) == size
        found.append([[step.hex() for step in path], kind, size, mtime, attributes,
                      hashlib.sha256(content).hexdigest()])
    assert found == described["entries"]
    assert stranger.fingerprint(described["run"]).hex() == described["fingerprint"]


def test_a_stranger_reads_the_packs_themselves(stranger: Stranger) -> None:
    listed = 0
    for path in sorted((GOLDEN / "p/00/000").iterdir()):
        data = path.read_bytes()
        length, count, digest, magic = struct.unpack("<II32s8s", data[-48:])
        assert magic == b"IBSPEND1"
        assert hashlib.sha256(data[:-40]).digest() == digest
        assert hashlib.sha256(data).hexdigest()[:16] in path.name
        trailer = open_sealed(stranger.k_idx, data[:32], data[9], data[-48 - length : -48])
        records = list(struct.iter_unpack("<16sBBIII", trailer))
        assert len(records) == count
        listed += count
        assert records[0][3] == 32
        for before, after in pairwise(records):
            assert before[3] + before[4] == after[3]
        assert records[-1][3] + records[-1][4] == len(data) - 48 - length
    assert listed == len(stranger.places()) + 1  # one lies in the pack of the run that was interrupted


def test_this_file_uses_none_of_our_code() -> None:
    lines = Path(__file__).read_text().splitlines()
    imported = {line.split()[1].partition(".")[0] for line in lines if line.startswith(("import ", "from "))}
    assert "hashlib" in imported
    assert not imported & {"vault", "protocol", "client", "server", "tests"}
