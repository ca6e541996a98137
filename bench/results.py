"""What was measured, the budgets it is held against, and how both are shown."""
from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench.network import MEGABITS

MEGABYTE = 1e6
LINE_RATE = MEGABITS * 1e6 / 8
OURS = "ibs"
PROGRAMS = {"restic": ("restic", "version"), "rclone": ("rclone", "version"), "duplicity": ("duplicity", "--version"),
            "mariadbd": ("mariadbd", "--version")}


@dataclass(frozen=True)
class Result:
    """One measured step: seconds, bytes of memory, bytes added to the storage; `rate` in files a second."""

    tool: str
    work: str
    wall: float
    cpu: float = 0.0
    memory: int = 0
    stored: int = 0
    rate: float = 0.0


class Results:
    """All steps of a measurement; repeated ones are told by their median."""

    def __init__(self) -> None:
        """Empty at first."""
        self.all: list[Result] = []

    def add(self, result: Result) -> None:
        """Take a step and tell it at once, since a measurement takes long."""
        self.all.append(result)
        print(f"{result.work:<12} {result.tool:<10} {result.wall:8.2f} s  cpu {result.cpu:7.2f} s  "
              f"memory {result.memory / MEGABYTE:6.1f} MB  stored {result.stored / MEGABYTE:9.2f} MB", flush=True)

    def value(self, tool: str, work: str, what: str = "wall") -> float | None:
        """The median of one figure, None when it was not measured."""
        values = [getattr(result, what) for result in self.all if (result.tool, result.work) == (tool, work)]
        return float(median(values)) if values else None

    def best_peer(self, work: str) -> float | None:
        """The shortest time of the other programs."""
        tools = {result.tool for result in self.all} - {OURS}
        times = [time for tool in tools if (time := self.value(tool, work)) is not None]
        return min(times) if times else None


@dataclass(frozen=True)
class Budget:
    """A promise: `measure` gives the figure, None when something it takes was not measured."""

    text: str
    measure: Callable[[Results], float | None]
    limit: float
    unit: str = ""
    at_least: bool = False

    def is_met(self, value: float) -> bool:
        """Is the promise kept?"""
        return value >= self.limit if self.at_least else value <= self.limit


def ratio(one: float | None, other: float | None) -> float | None:
    """One figure over another."""
    return one / other if one is not None and other else None


def ours(work: str, what: str = "wall", scale: float = 1.0) -> Callable[[Results], float | None]:
    """A figure of ours, divided by `scale`."""
    return lambda results: ratio(results.value(OURS, work, what), scale)


def times_faster(work: str, tool: str) -> Callable[[Results], float | None]:
    """How often our time fits into another program's."""
    return lambda results: ratio(results.value(tool, work), results.value(OURS, work))


def part_of_best(work: str) -> Callable[[Results], float | None]:
    """Our time as a part of the quickest other program's."""
    return lambda results: ratio(results.value(OURS, work), results.best_peer(work))


def over_the_line(results: Results) -> float | None:
    """How much longer W1 over the slow line took than its bytes need, less the second that is granted."""
    wall, stored = results.value(OURS, "W1-line"), results.value(OURS, "W1-line", "stored")
    return (wall - 1) / (stored / LINE_RATE) if wall is not None and stored else None


def growth(results: Results) -> float | None:
    """Ten times the files: how many times the time, beyond what one more process start costs."""
    return ratio(results.value(OURS, "many"), results.value(OURS, "tenth"))


BUDGETS = (
    Budget("W1 first backup of 20,000 small files: times faster than restic", times_faster("W1", "restic"), 1.6,
           at_least=True),
    Budget("W1 memory", ours("W1", "memory", MEGABYTE), 100, "MB"),
    Budget("W2 first backup of 5 large files: times faster than restic", times_faster("W2", "restic"), 1.8,
           at_least=True),
    Budget("W2 memory", ours("W2", "memory", MEGABYTE), 100, "MB"),
    Budget("W3 nothing changed: part of the best peer's time", part_of_best("W3"), 0.6),
    Budget("W4 1 % of the small files edited: times faster than restic", times_faster("W4-small", "restic"), 1.0,
           at_least=True),
    Budget("W4 1 % of the small files edited: stored", ours("W4-small", "stored", MEGABYTE), 2, "MB"),
    Budget("W4 two large files edited: times faster than restic", times_faster("W4-large", "restic"), 1.0,
           at_least=True),
    Budget("W4 two large files edited: stored", ours("W4-large", "stored", MEGABYTE), 6, "MB"),
    Budget("W5 restore of W1: part of the best peer's time", part_of_best("W5"), 0.4),
    Budget("W1 at 40 ms, 100 Mbit/s: (time − 1 s) ÷ (stored ÷ line rate)", over_the_line, 1.3),
    Budget("W3 at 40 ms, 100 Mbit/s", ours("W3-line"), 2, "s"),
    Budget("Nothing changed in 1,000,000 files: memory", ours("many", "memory", MEGABYTE), 100, "MB"),
    Budget("Nothing changed: time for 1,000,000 files ÷ time for 100,000", growth, 10.5),
    Budget("Commit of 100,000 new files into MariaDB", ours("commit", "rate"), 15_000, "files/s", at_least=True),
)


def verdicts(results: Results) -> list[dict[str, object]]:
    """Each budget with its figure and whether it is met; None for what was not measured."""
    found: list[dict[str, object]] = []
    for budget in BUDGETS:
        value = budget.measure(results)
        sign = "≥" if budget.at_least else "≤"
        found.append({
            "budget": budget.text, "limit": f"{sign} {budget.limit:,g} {budget.unit}".strip(),
            "value": None if value is None else round(value, 3), "unit": budget.unit,
            "met": None if value is None else budget.is_met(value),
        })
    return found


def as_tables(results: Results) -> str:
    """Both tables in Markdown: budgets, then every step."""
    lines = ["| budget | must reach | measured | met |", "|---|--:|--:|---|"]
    for verdict in verdicts(results):
        if verdict["value"] is not None:
            shown = f"{verdict['value']:,.2f} {verdict['unit']}".strip()
            met = "yes" if verdict["met"] else "**no**"
            lines.append(f"| {verdict['budget']} | {verdict['limit']} | {shown} | {met} |")
    lines += ["", "| work | program | wall s (all runs) | cpu s | memory MB | stored MB |", "|---|---|--:|--:|--:|--:|"]
    for work, tool in dict.fromkeys((result.work, result.tool) for result in results.all):
        walls = sorted(result.wall for result in results.all if (result.tool, result.work) == (tool, work))
        spread = f" ({', '.join(f'{wall:.2f}' for wall in walls)})" if len(walls) > 1 else ""
        cpu, memory, stored = (results.value(tool, work, what) or 0 for what in ("cpu", "memory", "stored"))
        lines.append(f"| {work} | {tool} | {median(walls):.2f}{spread} | {cpu:.2f} | {memory / MEGABYTE:.1f} "
                     f"| {stored / MEGABYTE:.2f} |")
    return "\n".join(lines)


def as_document(results: Results, scale: float) -> dict[str, object]:
    """Everything, to be written as JSON."""
    return {"at": datetime.now(UTC).isoformat(timespec="seconds"), "scale": scale, "machine": machine(),
            "budgets": verdicts(results), "results": [asdict(result) for result in results.all]}


def machine() -> dict[str, str]:
    """What the figures depend on."""
    facts = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    processor = {name.strip(): value.strip() for name, value in facts.items()}
    memory = Path("/proc/meminfo").read_text().split()[1]
    found = {"processor": processor.get("model name", platform.machine()),
             "cores": str(len([line for line in Path("/proc/cpuinfo").read_text().splitlines()
                               if line.startswith("processor")])),
             "memory": f"{int(memory) / 1e6:.0f} GB", "system": platform.platform(),
             "python": platform.python_version()}
    for name, words in PROGRAMS.items():
        if shutil.which(words[0]):
            said = subprocess.run(words, capture_output=True, text=True, check=False).stdout.splitlines()
            found[name] = said[0].strip() if said else "?"
    return found


def record(file: Path, results: Results, scale: float) -> None:
    """Append date, machine and tables to the results document."""
    where = "; ".join(f"{name} {value}" if name in PROGRAMS or name == "python" else value
                      for name, value in machine().items() if name != "cores")
    text = f"\n## {datetime.now(UTC):%Y-%m-%d %H:%M} UTC\n\n{machine()['cores']} cores; {where}\n"
    if scale != 1:
        text += f"\nA trial with the workload scaled by {scale:g}: it says nothing about the budgets.\n"
    with file.open("a") as document:
        document.write(f"{text}\n{as_tables(results)}\n")


def missed(results: Results) -> Sequence[str]:
    """The budgets that were measured and not met."""
    return [str(verdict["budget"]) for verdict in verdicts(results) if verdict["met"] is False]
