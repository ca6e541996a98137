"""The programs that are measured, behind one face: prepare, back up, restore."""
from __future__ import annotations

import json
import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

from bench.measure import Cost, measure
from bench.network import Line
from bench.servers import ACCOUNT, COMMANDS, Portal, Storage


class Tool(ABC):
    """One program with a repository of its own for each tree."""

    name: str
    programs: tuple[str, ...] = ()

    def __init__(self, storage: Storage, line: Line, folder: Path) -> None:
        """`folder` takes what the program keeps on the client's side."""
        self.storage, self.line, self.folder = storage, line, folder
        self.environment: dict[str, str] = {}

    @classmethod
    def is_installed(cls) -> bool:
        """Are all its programs there?"""
        return all(shutil.which(program) for program in cls.programs)

    @abstractmethod
    def prepare(self, tree: Path) -> None:
        """Make the repository for a tree, unmeasured."""

    @abstractmethod
    def back_up(self, tree: Path, *, first: bool) -> Cost:
        """Back a tree up, measured."""

    @abstractmethod
    def restore(self, tree: Path, target: Path) -> tuple[Cost, Path]:
        """Bring the newest state of a tree back below `target`, measured; where its top is then."""

    def run(self, *words: str | Path, codes: tuple[int, ...] = (0,), given: str = "") -> Cost:
        """Run the program at the client's end of the line."""
        return measure([*self.line.prefix, *words], self.environment, codes=codes, given=given)


class Ours(Tool):
    """ibs-client, a whole process for each step, with a home for each tree."""

    name = "ibs"

    def __init__(self, storage: Storage, line: Line, folder: Path, portal: Portal) -> None:
        super().__init__(storage, line, folder)
        self.portal = portal

    def prepare(self, tree: Path) -> None:
        trust = ("--ca", self.portal.authority) if self.portal.authority else ()
        self._client(tree, "enrol", self.portal.address, "--user", ACCOUNT, "--password-stdin", *trust,
                     given=f"{self.portal.password}\n")
        self._client(tree, "folder", "add", tree)

    def back_up(self, tree: Path, *, first: bool) -> Cost:
        cost = self._client(tree, "backup", "--json")
        figures = json.loads(cost.output.splitlines()[-1])
        if figures["skipped"]:
            raise RuntimeError(f"the backup skipped {figures['skipped']} files")
        return cost

    def restore(self, tree: Path, target: Path) -> tuple[Cost, Path]:
        cost = self._client(tree, "restore", "--to", target, "--json")
        return cost, target / tree.relative_to("/")

    def _client(self, tree: Path, *words: str | Path, given: str = "") -> Cost:
        return self.run(COMMANDS / "ibs-client", "--home", self.folder / f"home-{tree.name}", *words, given=given)


class Rclone(Tool):
    """rclone copy: each file by itself, neither sealed nor compressed."""

    name = "rclone"
    programs = ("rclone",)

    def __init__(self, storage: Storage, line: Line, folder: Path) -> None:
        super().__init__(storage, line, folder)
        self.environment = rclone_settings(storage, folder)

    def prepare(self, tree: Path) -> None:
        self.storage.folder(f"rclone-{tree.name}")

    def back_up(self, tree: Path, *, first: bool) -> Cost:
        return self.run("rclone", "copy", "--transfers", "4", tree, f"bench:rclone-{tree.name}")

    def restore(self, tree: Path, target: Path) -> tuple[Cost, Path]:
        return self.run("rclone", "copy", "--transfers", "4", f"bench:rclone-{tree.name}", target), target


class Restic(Tool):
    """restic on rclone: chunks, packs, sealing, as in our own format."""

    name = "restic"
    programs = ("restic", "rclone")

    def __init__(self, storage: Storage, line: Line, folder: Path) -> None:
        super().__init__(storage, line, folder)
        self.environment = rclone_settings(storage, folder) | {
            "RESTIC_PASSWORD": "bench", "RESTIC_CACHE_DIR": str(folder / "restic-cache")}

    def prepare(self, tree: Path) -> None:
        self.storage.folder(f"restic-{tree.name}")
        self._restic(tree, "init")

    def back_up(self, tree: Path, *, first: bool) -> Cost:
        return self._restic(tree, "backup", tree)

    def restore(self, tree: Path, target: Path) -> tuple[Cost, Path]:
        cost = self._restic(tree, "restore", "latest", "--target", target)
        return cost, target / tree.relative_to("/")

    def _restic(self, tree: Path, *words: str | Path) -> Cost:
        return self.run("restic", "--quiet", "--repo", f"rclone:bench:restic-{tree.name}", *words)


class Duplicity(Tool):
    """duplicity: tar volumes with deltas, sealed by GnuPG."""

    name = "duplicity"
    programs = ("duplicity", "gpg", "lftp")

    def __init__(self, storage: Storage, line: Line, folder: Path) -> None:
        super().__init__(storage, line, folder)
        self.environment = {"PASSPHRASE": "bench", "FTP_PASSWORD": storage.password, "HOME": str(folder)}
        self._options = ("--archive-dir", folder / "duplicity-archive", "--tempdir", folder, "--no-print-statistics",
                         "-v2", "--num-retries", "2")

    def prepare(self, tree: Path) -> None:
        self.storage.folder(f"duplicity-{tree.name}")  # its FTP part stumbles over a folder that is not there

    def back_up(self, tree: Path, *, first: bool) -> Cost:
        return self.run("duplicity", "full" if first else "incremental", *self._options, tree, self._address(tree))

    def restore(self, tree: Path, target: Path) -> tuple[Cost, Path]:
        return self.run("duplicity", "restore", *self._options, self._address(tree), target), target

    def _address(self, tree: Path) -> str:
        return f"ftp://{self.storage.user}@{self.storage.host}:{self.storage.port}/duplicity-{tree.name}"


PEERS: tuple[type[Tool], ...] = (Restic, Rclone, Duplicity)


def rclone_settings(storage: Storage, folder: Path) -> dict[str, str]:
    """The environment in which rclone knows the storage as “bench:”."""
    hidden = subprocess.run(["rclone", "obscure", storage.password], check=True, capture_output=True, text=True)
    return {"RCLONE_CONFIG": os.devnull, "HOME": str(folder), "RCLONE_CONFIG_BENCH_TYPE": "ftp",
            "RCLONE_CONFIG_BENCH_HOST": storage.host, "RCLONE_CONFIG_BENCH_PORT": str(storage.port),
            "RCLONE_CONFIG_BENCH_USER": storage.user, "RCLONE_CONFIG_BENCH_PASS": hidden.stdout.strip()}
