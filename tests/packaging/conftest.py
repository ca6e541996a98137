"""The packages under test: built once for all tests of a process, since that takes most of a minute."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.stories.conftest import hardware, house, open_house

__all__ = ["hardware", "house", "open_house"]

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .deb of this checkout."""
    file = tmp_path_factory.mktemp("deb") / "ibs-client.deb"
    subprocess.run([sys.executable, CHECKOUT / "packaging/linux/build_deb.py", "--output", file], check=True)
    return file


@pytest.fixture(scope="session")
def newer_package(package: Path) -> Path:
    """The same as the next version."""
    tree, file = package.parent / "newer", package.parent / "ibs-client-newer.deb"
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True)
    control = tree / "DEBIAN/control"
    lines = control.read_text().splitlines()
    control.write_text("\n".join(f"{line}+next" if line.startswith("Version:") else line for line in lines) + "\n")
    subprocess.run(["dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", tree, file], check=True)
    return file
