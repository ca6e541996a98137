"""How fast the portal takes a first backup of many small files: packs, entries and commit, by HTTP, into MariaDB.

Run it on a quiet machine: python -m bench.commit_rate [FILES]. It starts a private MariaDB and a portal process; what
a client would compute (ids, messages) is made before the clock starts.
"""
from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
from flask_migrate import upgrade

from protocol import messages
from protocol.messages import API, AddEntries, AddPack, Entry, PackedChunk, PackRecord, encode
from server.app import create_app
from server.config import create_data
from server.services import customers, storages, subscriptions
from tests.parts.mariadb import running_mariadb
from vault.keys import derive_keys
from vault.manifests import Commit, write_commit

SERVE = """
import sys, pathlib
from waitress import create_server
from server.app import create_app
from server.config import load_config
server = create_server(create_app(load_config(pathlib.Path(sys.argv[1]))), listen="127.0.0.1:0", threads=8)
print(server.effective_port, flush=True)
server.run()
"""
PASSWORD = "correct horse battery"
CHUNKS_PER_PACK = 400
FILES_PER_FOLDER = 100


def main(files: int) -> None:
    """Measure once and print the figures."""
    with tempfile.TemporaryDirectory(prefix="ibs-commit-rate-") as folder, running_mariadb(Path(folder)) as mariadb:
        data = Path(folder) / "portal"
        config = create_data(data, mariadb.new_database())
        now = datetime.now(UTC)
        with create_app(config).app_context():
            upgrade()
            storages.register_gateway(config, now)
            customer = customers.create_customer("Bench", "bench@example.com", now)
            plan = subscriptions.create_plan("Gold", 10**13, 5, 365, 90, now)
            subscriptions.create_subscription(customer, plan, now)
            customers.create_account(customer, "bench", PASSWORD, now)
        portal = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(data)], stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
        )
        try:
            assert portal.stdout is not None
            print(json.dumps(measure(int(portal.stdout.readline()), files)))
        finally:
            portal.terminate()
            portal.wait()


def measure(port: int, files: int) -> dict[str, float]:
    """Seconds for each part of the run, and files per second."""
    web = http.client.HTTPConnection("127.0.0.1", port)
    headers: dict[str, str] = {}

    def ask(method: str, path: str, body: bytes = b"") -> bytes:
        web.request(method, API + path, body, headers)
        response = web.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(answer.decode())
        return answer

    enrolled = msgspec.json.decode(ask("POST", "/enrolments", encode(messages.EnrolComputer(
        user_name="bench", password=PASSWORD, client_version="1", windows_names=False,
        hardware=messages.HardwareReport(host_name="bench", system="Linux")))), type=messages.EnrolledComputer)
    headers[messages.TOKEN_HEADER] = f"Bearer {enrolled.token}"
    uuid = uuid4()
    opened = msgspec.json.decode(ask("POST", "/runs", encode(messages.OpenRun(
        uuid=str(uuid), automatic=False, client_version="1", client_time=datetime.now(UTC),
        hardware_hash=bytes(32)))), type=messages.OpenedRun)
    headers[messages.LEASE_HEADER] = opened.lease
    ids = [secrets.token_bytes(16) for _ in range(files)]
    lookups = [encode(messages.LookupChunks(ids=tuple(ids[start:start + 2000]))) for start in range(0, files, 2000)]
    packs = [_pack(number, ids, start) for number, start in enumerate(range(0, files, CHUNKS_PER_PACK), 1)]
    batches = _batches(files, opened.next_node)
    digest = blake2b(b"".join(blake2b(batch, digest_size=32).digest() for batch in batches), digest_size=32).digest()
    commit = write_commit(Commit(
        run=opened.number, run_uuid=uuid, parent=0, parent_hash=b"", kind="f", root=opened.next_node,
        windows_names=False, pack_count=len(packs), chunk_count=files, first_chunk=1, batches=len(batches),
        entries_digest=digest, files=files, bytes=files, stored=files, skipped=0, computer=enrolled.computer,
        client_version="1", consistency="live", started_at=datetime.now(UTC), finished_at=datetime.now(UTC),
    ), derive_keys(opened.vault_key, UUID(opened.vault), 1), UUID(opened.vault))
    closing = encode(messages.CommitRun(commit=commit, files=files, bytes=files, read=files, stored=files, skipped=0))
    figures = {}
    begun = time.perf_counter()
    for name, bodies in (("chunks", lookups), ("packs", packs), ("entries", batches), ("commit", [closing])):
        started = time.perf_counter()
        for body in bodies:
            ask("POST", f"/runs/{opened.number}/{name}", body)
        figures[name] = round(time.perf_counter() - started, 2)
    figures["files_per_second"] = round(files / (time.perf_counter() - begun))
    listing = time.perf_counter()
    ask("POST", f"/snapshots/{opened.number}/entries", encode(messages.ListEntries(deep=True, locations=True)))
    figures["first page of a restore"] = round(time.perf_counter() - listing, 3)
    return figures


def _pack(number: int, ids: list[bytes], start: int) -> bytes:
    chunks = tuple(
        PackedChunk(start + place + 1, identity, 1, 1, place * 1000, 1000, 3000)
        for place, identity in enumerate(ids[start:start + CHUNKS_PER_PACK])
    )
    record = PackRecord(number=number, sha256=secrets.token_bytes(32), size=CHUNKS_PER_PACK * 1000)
    return encode(AddPack(pack=record, cipher=1, key_version=1, chunks=chunks))


def _batches(files: int, root: int) -> list[bytes]:
    entries = []
    node = root
    for number in range(files):
        if number % FILES_PER_FOLDER == 0:
            node += 1
            folder = node
            entries.append(Entry(root, b"folder %06d" % number, folder, 2, 0, 1_700_000_000_000_000_000, 0o755, b""))
        node += 1
        entries.append(Entry(folder, b"a file of some name %06d.txt" % number, node, 1, 3000,
                             1_700_000_000_123_456_789 + number, 0o644, (number + 1).to_bytes(4, "little")))
    return [
        encode(AddEntries(batch=batch, root=root, entries=tuple(entries[start:start + 2000])))
        for batch, start in enumerate(range(0, len(entries), 2000))
    ]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
