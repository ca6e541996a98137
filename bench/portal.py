"""script/bench portal: what every page costs, for everybody, in a portal with a large reseller's data.

Makes 1,000 customers, 3,000 computers, 90 days of runs and 1,000,000 files in a private MariaDB, starts the portal's
process and asks every page as owner, implementor and administrator. Then a folder of 5 GB is downloaded as ZIP.
"""
from __future__ import annotations

import argparse
import contextlib
import gzip
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pymysql
from flask_migrate import upgrade

from bench.portal_house import Amounts, BenchHouse
from server.app import create_app
from server.config import create_data
from tests.parts.mariadb import MariaDb, running_mariadb
from tests.parts.pages import browse
from tests.parts.portal_world import PortalWorld
from tests.parts.queries import MOST
from tests.parts.routes import PEOPLE, address_of, pages_for

CHECKOUT = Path(__file__).resolve().parents[1]
ROLES = ("owner", "implementor", "administrator")
WARM, TIMES = 2, 12
MEDIAN_MS, P95_MS, LATER_BYTES, FIRST_BYTES, ZIP_GROWTH = 40, 100, 20_000, 100_000, 40_000_000


@dataclass(frozen=True)
class Cost:
    """What one page costs one person: queries and their milliseconds, those of all its work, bytes over the wire."""

    person: str
    page: str
    status: int
    queries: int
    database: float
    median: float
    p95: float
    bytes: int

    @property
    def misses(self) -> list[str]:
        """Which of its limits it breaks."""
        found = [f"{self.queries} queries"] if self.queries > MOST else []
        found += [f"median {self.median:.0f} ms"] if self.median > MEDIAN_MS else []
        found += [f"p95 {self.p95:.0f} ms"] if self.p95 > P95_MS else []
        found += [f"{self.bytes:,} bytes"] if self.bytes > LATER_BYTES else []
        return found + ([f"status {self.status}"] if self.status != 200 else [])


class Visitor:
    """One person's browser: a kept connection with a session's cookie."""

    def __init__(self, port: int, cookie: str) -> None:
        self.web = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers = {"Cookie": f"session={cookie}", "Accept-Encoding": "gzip"}

    def get(self, address: str) -> tuple[http.client.HTTPResponse, bytes]:
        """An answer, read to its end."""
        self.web.request("GET", address, headers=self.headers)
        answer = self.web.getresponse()
        return answer, answer.read()


def measure(visitor: Visitor, person: str, rule: str, address: str) -> Cost:
    """Ask for a page often enough."""
    times, database = [], []
    for turn in range(WARM + TIMES):
        answer, body = visitor.get(address)
        if turn >= WARM:
            times.append(float(answer.headers["X-Seconds"]) * 1000)
            database.append(float(answer.headers["X-Database"]) * 1000)
    times.sort()
    return Cost(person, rule, answer.status, int(answer.headers["X-Queries"]), statistics.median(database),
                statistics.median(times), times[-(-len(times) * 95 // 100) - 1], len(body))


def first_visit(visitor: Visitor, address: str) -> int:
    """Bytes of a page and of everything that it loads, without their headers."""
    answer, body = visitor.get(address)
    page = gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body
    assets = {found.partition("#")[0] for found in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.decode())
              if "noscript" not in found}
    return len(body) + sum(len(visitor.get(asset)[1]) for asset in assets)


def memory_of(process: int, name: str) -> int:
    """Bytes that a process holds now (VmRSS) or held at most (VmHWM)."""
    words = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    return int(words[1]) * 1024 if words else 0


def download(visitor: Visitor, process: int, address: str) -> dict[str, float]:
    """Take the large folder as ZIP: its bytes, the seconds, and how much the portal's memory grew."""
    Path(f"/proc/{process}/clear_refs").write_text("5")  # from here on the highest is counted anew
    before, began, received = memory_of(process, "VmRSS"), time.monotonic(), 0
    visitor.web.request("GET", address, headers=visitor.headers)
    answer = visitor.web.getresponse()
    while block := answer.read(1 << 20):
        received += len(block)
    if answer.status != 200 or received != int(answer.headers["Content-Length"]):
        raise SystemExit(f"the ZIP archive came to {received:,} bytes, status {answer.status}")
    return {"bytes": received, "seconds": time.monotonic() - began, "growth": memory_of(process, "VmHWM") - before}


@contextlib.contextmanager
def house(folder: Path, mariadb: MariaDb, amounts: Amounts) -> Iterator[tuple[BenchHouse, dict[str, str], Path]]:
    """The portal's data, its people's sessions, and where the data lies."""
    with mariadb.connect() as connection, connection.cursor() as cursor:
        with contextlib.suppress(pymysql.err.Error):  # an older server takes what it was started with
            cursor.execute("SET GLOBAL innodb_buffer_pool_size = 1073741824")
        cursor.execute("SET GLOBAL innodb_flush_log_at_trx_commit = 2")
    config = create_data(folder / "portal", mariadb.new_database())
    app = create_app(config)
    with app.app_context():
        upgrade()
        made = BenchHouse(PortalWorld(config, datetime.now(UTC)), amounts)
        began = time.monotonic()
        made.fill()
        print(f"Made in {time.monotonic() - began:.0f} s: {made.counts()}", flush=True)
        cookies = {person: _cookie(app, PEOPLE[person]) for person in ROLES}
    yield made, cookies, folder / "portal"


def _cookie(app: object, name: str) -> str:
    found = browse(app, name).get_cookie("session")  # type: ignore[arg-type]
    return found.value if found else ""


@contextlib.contextmanager
def serving(data: Path) -> Iterator[tuple[int, int]]:
    """The portal's process: its port and its number."""
    process = subprocess.Popen([sys.executable, "-m", "bench.portal_server", str(data)], stdout=subprocess.PIPE,
                               text=True, cwd=CHECKOUT, env=os.environ | {"PYTHONPATH": str(CHECKOUT)})
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
    finally:
        process.terminate()
        process.wait(30)


def report(costs: list[Cost], first: dict[str, int], archive: dict[str, float]) -> list[str]:
    """Everything as lines for people, what misses a limit last; those lines begin with “Missed”."""
    lines = [f"{'page':<62}{'as':<15}{'queries':>8}{'SQL':>8}{'median':>8}{'p95':>8}{'bytes':>9}"]
    lines += [f"{one.page:<62}{one.person:<15}{one.queries:>8}{one.database:>8.1f}{one.median:>8.1f}"
              f"{one.p95:>8.1f}{one.bytes:>9,}"
              for one in sorted(costs, key=lambda one: (one.page, one.person))]
    lines += [f"First visit of {person}: {size:,} bytes" for person, size in first.items()]
    lines.append(f"ZIP: {archive['bytes']:,.0f} bytes in {archive['seconds']:.1f} s, "
                 f"memory grew by {archive['growth'] / 1e6:.1f} MB")
    lines += [f"Missed: {one.page} as {one.person}: {', '.join(one.misses)}" for one in costs if one.misses]
    lines += [f"Missed: first visit of {person}: {size:,} bytes"
              for person, size in first.items() if size > FIRST_BYTES]
    return lines + (["Missed: memory of the ZIP"] if archive["growth"] > ZIP_GROWTH else [])


def main() -> int:
    """Measure; 1 when a limit was missed."""
    parser = argparse.ArgumentParser(prog="script/bench portal", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, metavar="F", help="smaller, to try this out")
    parser.add_argument("--only", default="", metavar="REGEX", help="the pages whose rule matches, not all")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    with (tempfile.TemporaryDirectory(prefix="ibs-bench-portal-", dir="/var/tmp") as name,
          running_mariadb(Path(name)) as mariadb,
          house(Path(name), mariadb, Amounts().scaled(options.scale)) as (made, cookies, data),
          serving(data) as (port, process)):
        visitors = {person: Visitor(port, cookies[person]) for person in ROLES}
        costs = [measure(visitors[person], person, rule, address_of(rule, made.objects))
                 for person in ROLES for rule in pages_for(person) if re.search(options.only, rule)]
        first = {person: first_visit(visitors[person], "/" if person == "owner" else "/overview") for person in ROLES}
        archive = download(visitors["owner"], process, made.zip_path)
    lines = report(costs, first, archive)
    print("\n".join(lines))
    if options.json:
        figures = {"pages": [asdict(one) for one in costs], "first visit": first, "archive": archive}
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 1 if any(line.startswith("Missed") for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
