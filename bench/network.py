"""A slow line between client and servers: a network namespace for the client, and a cable into it."""
from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("cable.c")
NAMESPACE = "ibs-bench"
SERVERS, CLIENT = "10.99.7.1", "10.99.7.2"
ROUND_TRIP_MS, MEGABITS = 40, 100


@dataclass(frozen=True)
class Line:
    """`host` is where servers listen, `prefix` what makes a command run at the client's end."""

    host: str
    prefix: tuple[str, ...] = ()


LOOPBACK = Line("127.0.0.1")


@contextlib.contextmanager
def slow_line(folder: Path) -> Iterator[Line]:
    """40 ms there and back, 100 Mbit/s each way. Needs root, iproute2 and a C compiler."""
    program = folder / "cable"
    subprocess.run(["cc", "-O2", "-o", program, SOURCE], check=True)
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    try:
        subprocess.run(["ip", "-n", NAMESPACE, "link", "set", "lo", "up"], check=True)
        words = [str(program), f"/run/netns/{NAMESPACE}", SERVERS, CLIENT, str(ROUND_TRIP_MS / 2), str(MEGABITS)]
        cable = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        try:
            assert cable.stdout is not None
            if cable.stdout.readline() != "ready\n":
                raise RuntimeError("the slow line could not be made")
            yield Line(SERVERS, ("ip", "netns", "exec", NAMESPACE))
        finally:
            cable.terminate()
            cable.communicate()
    finally:
        subprocess.run(["ip", "netns", "delete", NAMESPACE], check=True)


def slow_line_can_be_made() -> bool:
    """Is this root, with the programs and the device that a slow line takes?"""
    return (os.geteuid() == 0 and bool(shutil.which("ip")) and bool(shutil.which("cc"))
            and Path("/dev/net/tun").exists())
