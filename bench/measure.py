"""Runs one command and tells what it cost: time, processor, memory of all its processes."""
from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.02


@dataclass(frozen=True)
class Cost:
    """`wall` and `cpu` in seconds (the processor's of all processes it waited for), `memory` in bytes, `code` its exit
    code, `output` what it printed."""

    wall: float
    cpu: float
    memory: int
    code: int
    output: str


class CommandFailed(Exception):
    """A measured command ended with an error; the text holds its last words."""


def measure(command: Sequence[str | Path], environment: Mapping[str, str] | None = None, *,
            codes: tuple[int, ...] = (0,), given: str = "") -> Cost:
    """Run a command to its end; raises CommandFailed unless it ends with one of `codes`.

    `memory` is the highest sum of resident memory over all its processes at one moment, and at least what the system
    noted as the peak of the largest one.
    """
    words = [str(word) for word in command]
    before = os.times()
    began = time.monotonic()
    process = subprocess.Popen(words, env={**os.environ, **(environment or {})}, text=True, errors="replace",
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    highest = 0
    try:
        output, highest = _follow(process, given)
    except BaseException:
        process.terminate()
        process.wait()
        raise
    wall = time.monotonic() - began
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    if process.returncode not in codes:
        raise CommandFailed(f"{' '.join(words)} ended with {process.returncode}:\n{output[-2000:]}")
    return Cost(wall, cpu, highest, process.returncode, output)


def _follow(process: subprocess.Popen[str], given: str) -> tuple[str, int]:
    highest = 0
    text: str | None = given
    while True:
        try:
            output, _ = process.communicate(text, timeout=SAMPLE_SECONDS)
            return output, highest
        except subprocess.TimeoutExpired:
            text = None
            highest = max(highest, _memory_of(process.pid))


def _memory_of(process: int) -> int:
    """The memory of a process and all its descendants, in bytes."""
    total = peak = 0
    waiting = [process]
    while waiting:
        number = waiting.pop()
        try:
            fields = dict(line.split(":", 1) for line in Path(f"/proc/{number}/status").read_text().splitlines())
            total += _kilobytes(fields.get("VmRSS", "0"))
            peak = max(peak, _kilobytes(fields.get("VmHWM", "0")))
            for children in Path(f"/proc/{number}/task").glob("*/children"):
                waiting += map(int, children.read_text().split())
        except (OSError, ValueError):
            continue
    return max(total, peak) * 1024


def _kilobytes(field: str) -> int:
    return int(field.split()[0])
