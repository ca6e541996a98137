"""A fresh system in a folder, in which a package is installed and used as on a new computer."""
from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.parts.house import Ended

CHECKOUT = Path(__file__).resolve().parents[2]
INSIDE = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'


@dataclass(frozen=True)
class CleanRoot:
    """The system in `folder`; calling it runs a program there, with its own view of the file system."""

    folder: Path

    def __call__(self, *words: str, stdin: str = "", **variables: str) -> Ended:
        """Run a program as root, with nothing in its environment but a path and `variables`."""
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"} | variables
        done = subprocess.run(
            ["unshare", "--mount", "--uts", "--fork", "sh", "-c", INSIDE, str(self.folder), *words],
            env=environment, input=stdin, capture_output=True, text=True, check=False)
        return Ended(done.returncode, done.stdout, done.stderr)

    def must(self, *words: str, **variables: str) -> str:
        """Run a program that ends well; what it said."""
        ended = self(*words, **variables)
        assert ended.code == 0, (words, ended)
        return ended.said

    def path(self, inside: str) -> Path:
        """Where a path of the system lies on this machine."""
        return self.folder / inside.lstrip("/")

    def bring(self, file: Path) -> str:
        """Copy a file into the system's /; its path there."""
        target = self.folder / file.name
        target.write_bytes(file.read_bytes())
        return f"/{file.name}"


def make_clean_root(folder: Path) -> CleanRoot:
    """A new one in `folder`. It is fetched once for this machine, and copied."""
    made = subprocess.run([CHECKOUT / "script/clean-root"], stdout=subprocess.PIPE, text=True, check=True)
    subprocess.run(["cp", "--archive", made.stdout.strip(), str(folder)], check=True)
    (folder / "etc/machine-id").write_text(os.urandom(16).hex() + "\n")
    return CleanRoot(folder)
