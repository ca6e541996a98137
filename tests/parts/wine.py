"""A Windows computer of its own, as far as Wine is one: programs run there, files and registry can be looked at."""
from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WindowsComputer:
    """What lies in `folder` is its disk C: and its registry; `run` starts a program and waits for its end."""

    folder: Path

    @property
    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in {"DISPLAY", "IBS_CODE"}}
        return kept | {"WINEPREFIX": str(self.folder), "WINEARCH": "win64", "WINEDEBUG": "-all", "LANG": "C.UTF-8"}

    def run(self, *words: str | Path, **variables: str) -> int:
        """The exit code of a program; `variables` are added to its environment."""
        done = subprocess.run(["wine", *words], env=self._environment | variables, capture_output=True, check=False,
                              timeout=300)
        return done.returncode

    def start(self, *words: str | Path, **variables: str) -> subprocess.Popen[bytes]:
        """Start a program."""
        return subprocess.Popen(["wine", *words], env=self._environment | variables, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def registry(self, key: str) -> dict[str, str]:
        """The values of a key of the 64-bit registry; empty when it is not there."""
        told = subprocess.run(["wine", "reg", "query", key, "/reg:64"], env=self._environment, capture_output=True,
                              text=True, check=False, timeout=300).stdout
        lines = (line.split(None, 2) for line in told.splitlines() if line.startswith("    "))
        return {words[0]: words[2] if len(words) > 2 else "" for words in lines}

    def path(self, windows: str) -> Path:
        """Where a path such as C:\\ProgramData lies on this machine."""
        return self.folder / "drive_c" / windows.removeprefix("C:\\").replace("\\", "/")

    def wait(self) -> None:
        """Until nothing runs there any more."""
        subprocess.run(["wineserver", "--wait"], env=self._environment, check=False, capture_output=True, timeout=120)

    def stop(self) -> None:
        """End whatever still runs there."""
        subprocess.run(["wineserver", "--kill"], env=self._environment, check=False, capture_output=True)
        self.wait()


def as_windows(path: Path) -> str:
    """A path of this machine as programs under Wine name it."""
    return "Z:" + str(path).replace("/", "\\")


def install_windows(folder: Path) -> WindowsComputer:
    """A new computer; it takes some seconds."""
    computer = WindowsComputer(folder)
    computer.run("wineboot", "--init")
    computer.stop()
    return computer
