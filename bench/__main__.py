"""script/bench: builds the workload, measures ours and the installed peers in turn, prints the figures and budgets."""
from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.network import LOOPBACK, Line, slow_line, slow_line_can_be_made
from bench.results import OURS, Result, Results, as_document, as_tables, missed, record
from bench.servers import Storage, put_away, running_portal, running_storage, servers_can_run
from bench.tools import PEERS, Ours, Restic, Tool
from bench.workload import Workload, read_all, same_trees, stored_bytes

WORKS = {
    "W1": "first backup of 20,000 small files",
    "W2": "first backup of 5 large files",
    "W3": "W1 again, nothing changed",
    "W4": "changes in both",
    "W5": "restore of W1",
    "line": "W1 and W3 at 40 ms, 100 Mbit/s",
    "many": "nothing changed in 1,000,000 files",
    "commit": "100,000 new files into the catalogue",
}
COMMIT_FILES = 100_000


class Bench:
    """One measurement: what was asked for, the trees, and the figures so far."""

    def __init__(self, options: argparse.Namespace) -> None:
        """`options` as read_options makes them."""
        self.works: set[str] = set(options.works or WORKS)
        self.options = options
        self.workload = Workload(options.folder, options.scale)
        self.results = Results()

    def run(self) -> None:
        """Everything that was asked for, the trees first; what a measurement left goes when all have ended."""
        with tempfile.TemporaryDirectory(prefix="run-", dir=self.options.folder) as folder:
            self.scratch = Path(folder)
            self.scratch.chmod(0o755)  # the storage runs as a user of its own
            self.measure()

    def measure(self) -> None:
        """Each work as often as was asked for."""
        self.workload.undo_changes()  # of a measurement that was broken off
        if self.works & {"W1", "W3", "W4", "W5", "line"}:
            self.workload.make_small()
        if self.works & {"W2", "W4"}:
            self.workload.make_large()
        for _ in range(self.options.repeat):
            if self.works & {"W1", "W2", "W3", "W4", "W5"}:
                self.compare(LOOPBACK)
            if "line" in self.works:
                if not slow_line_can_be_made():
                    raise SystemExit("the slow line needs root, iproute2, a C compiler and /dev/net/tun")
                with slow_line(self.new_folder()) as line:
                    self.compare(line)
            if "commit" in self.works:
                self.measure_commit()
        if "many" in self.works:
            self.workload.make_many()
            self.measure_many()

    def compare(self, line: Line) -> None:
        """Ours and the peers, one after the other, each on an empty storage."""
        with self.servers(line) as (storage, ours, folder):
            peers = [] if self.options.no_peers else [peer for peer in PEERS if peer.is_installed()]
            tools: list[Tool] = [ours]
            for peer in peers:
                if line is LOOPBACK or peer is Restic:
                    place = folder / peer.name
                    place.mkdir()
                    tools.append(peer(storage, line, place))
            for tool in tools:
                if line is LOOPBACK:
                    self.measure_small(tool)
                    self.measure_large(tool)
                else:
                    self.step(tool, "W1-line", self.workload.small, first=True)
                    self.step(tool, "W3-line", self.workload.small)
                for content in list(storage.root.iterdir()):
                    put_away(content, folder / "used")

    def measure_small(self, tool: Tool) -> None:
        """W1, W3, W5 and the small part of W4."""
        small = self.workload.small
        if self.works & {"W1", "W3", "W4", "W5"}:
            self.step(tool, "W1", small, first=True)
        if self.works & {"W3", "W4", "W5"}:
            self.step(tool, "W3", small)
        if "W5" in self.works:
            self.restore(tool, small)
        if "W4" in self.works:
            with self.changed(self.workload.change_small):
                self.step(tool, "W4-small", small)

    def measure_large(self, tool: Tool) -> None:
        """W2 and the large part of W4."""
        if self.works & {"W2", "W4"}:
            self.step(tool, "W2", self.workload.large, first=True)
        if "W4" in self.works:
            with self.changed(self.workload.change_large):
                self.step(tool, "W4-large", self.workload.large)

    def measure_many(self) -> None:
        """A million files of which nothing changed, and a tenth of them for comparison."""
        with self.servers(LOOPBACK) as (_, ours, _):
            for name, tree in (("tenth", self.workload.few), ("many", self.workload.many)):
                self.step(ours, f"{name}-first", tree, first=True)
                for _ in range(self.options.repeat):
                    self.step(ours, name, tree)

    def measure_commit(self) -> None:
        """New files into MariaDB through the client API, by a program of its own."""
        files = max(2_000, int(COMMIT_FILES * self.options.scale))
        done = subprocess.run([sys.executable, "-m", "bench.commit_rate", str(files)], check=True, capture_output=True,
                              text=True, cwd=Path(__file__).parents[1])
        rate = float(json.loads(done.stdout.splitlines()[-1])["files_per_second"])
        self.results.add(Result(OURS, "commit", files / rate, rate=rate))

    def step(self, tool: Tool, work: str, tree: Path, *, first: bool = False) -> None:
        """One measured backup and what it added to the storage."""
        if first:
            tool.prepare(tree)
        os.sync()
        read_all(tree)
        before = stored_bytes(tool.storage.root)
        cost = tool.back_up(tree, first=first)
        self.results.add(Result(tool.name, work, cost.wall, cost.cpu, cost.memory,
                                stored_bytes(tool.storage.root) - before))

    def restore(self, tool: Tool, tree: Path) -> None:
        """One measured restore, compared byte by byte."""
        os.sync()
        read_all(tool.storage.root)
        target = tool.folder / "restored"
        cost, top = tool.restore(tree, target)
        if not same_trees(tree, top):
            raise SystemExit(f"{tool.name} did not restore {tree} identically")
        self.results.add(Result(tool.name, "W5", cost.wall, cost.cpu, cost.memory))
        put_away(target, tool.folder / "restored before")

    @contextlib.contextmanager
    def servers(self, line: Line) -> Iterator[tuple[Storage, Ours, Path]]:
        """Fresh servers at the far end of a line, and our client at its near end."""
        folder = self.new_folder()
        with running_storage(folder, line.host) as storage, running_portal(folder, storage) as portal:
            yield storage, Ours(storage, line, folder, portal), folder

    @contextlib.contextmanager
    def changed(self, change: object) -> Iterator[None]:
        """The trees with a change, undone afterwards."""
        assert callable(change)
        try:
            change()
            yield
        finally:
            self.workload.undo_changes()

    def new_folder(self) -> Path:
        """An empty folder beside the trees, for one measurement."""
        return Path(tempfile.mkdtemp(prefix="part-", dir=self.scratch))


def read_options() -> argparse.Namespace:
    """The words after script/bench."""
    parser = argparse.ArgumentParser(
        prog="script/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Measures whole backups beside other programs.\n\n"
                    + "\n".join(f"  {name:<8}{purpose}" for name, purpose in WORKS.items()))
    parser.add_argument("works", nargs="*", metavar="WORK", help="which of them (otherwise all)")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="measure N times, tell the median")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--scale", type=float, default=1.0, metavar="F", help="a smaller workload, to try this out")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp/ibs-bench"), metavar="DIR",
                        help="where the trees are made and kept (3 GB, and 6 GB for each "
                             "repetition until the end)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    parser.add_argument("--record", action="store_true", help="append the tables to bench/RESULTS.md")
    options = parser.parse_args()
    for work in options.works:
        if work not in WORKS:
            parser.error(f"{work} is none of {', '.join(WORKS)}")
    return options


def main() -> int:
    """Measure; returns 1 when a budget was missed at full scale."""
    options = read_options()
    options.folder = options.folder.absolute()
    options.folder.mkdir(parents=True, exist_ok=True)
    if not servers_can_run():
        raise SystemExit("script/bench runs vsftpd, which needs root")
    bench = Bench(options)
    bench.run()
    print(f"\n{as_tables(bench.results)}")
    if options.json:
        options.json.write_text(json.dumps(as_document(bench.results, options.scale), indent=1) + "\n")
    if options.record:
        record(Path(__file__).with_name("RESULTS.md"), bench.results, options.scale)
    return 1 if options.scale == 1 and missed(bench.results) else 0


if __name__ == "__main__":
    sys.exit(main())
