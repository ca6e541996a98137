"""What the window does instead of working itself: starts commands as processes, follows jobs, asks, and never waits.

Whoever started a backup, its events come from its event file. Everything else that takes longer than a moment is a
short command with --json, whose answer comes with a later call of `poll`.
"""
from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.errors import NoAnswer, Unexpected
from client.events import Begun, Event, Failed, Paused, Resumed, from_json
from client.jobs.cancellation import CANCEL_LINE
from client.jobs.event_file import JobReader
from client.jobs.requests import BACK_UP, CANCEL, PAUSE, RESUME, make_request
from client.system.spawn import spawn
from vault.errors import BackupError

DONE, REFUSED = (0, 3), 4
IDENTITY = "identity.xml"
AT_ONCE = 4
"""So many short commands run at a time; the others wait for their turn."""
RENEW_SECONDS = 60.0
"""So often a pause is asked for again; the backup goes on by itself when nobody has for five minutes."""

Done = Callable[["Answer"], None]
OnEvent = Callable[[Event], None]
OnEnd = Callable[[int], None]


@dataclass(frozen=True)
class Answer:
    """How a short command ended: its exit code, what it said as JSON, and what went wrong, if anything did."""

    code: int
    data: Any = None
    error: Failed | None = None

    @property
    def good(self) -> bool:
        """True when there is something to show."""
        return self.error is None


class Child:
    """A job that was started for its starter alone, such as a restore; its events come with `Runner.poll`."""

    def __init__(self, command: list[str], text: str = "") -> None:
        self._command = command
        self._text = text
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False
        self._turn = threading.Lock()

    def cancel(self) -> None:
        """Let it end in order, and keep what is complete."""
        with self._turn:
            self._cancelled = True
            self._pass_on()

    def _pass_on(self) -> None:
        if self._cancelled and self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):  # it has ended already
                self._process.stdin.write(CANCEL_LINE)
                self._process.stdin.flush()

    def run(self, tell: OnEvent) -> int:
        """Start it and follow it to its end, on a thread of its own; its exit code."""
        with spawn(self._command, stdin=subprocess.PIPE) as process:
            with self._turn:
                self._process = process
                assert process.stdin is not None
                process.stdin.write(self._text.encode())
                process.stdin.flush()
                self._pass_on()
            assert process.stdout is not None
            for line in process.stdout:
                if (event := from_json(line)) is not None:
                    tell(event)
        return process.returncode


class Runner:
    """The window's line to the client's jobs. While it is `busy`, `poll` is to be called a few times a second, and
    otherwise every second; nothing here blocks."""

    def __init__(
        self, home: Path, woken: Callable[[], None] = lambda: None, clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`home` is the client's store; `woken` is called when something begins, so that it is polled soon."""
        self.home = home
        self._woken, self._clock = woken, clock
        self._paused_at: float | None = None
        self._reader = JobReader(home, "backup")
        self._arrived: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._told: list[Event] = []
        self._starting = self._apart_now = 0
        self._seen: set[int] = set()
        self._wish = ""
        self._turns = threading.Semaphore(AT_ONCE)

    def poll(self) -> list[Event]:
        """The new events of the running backup; answers and events of followed jobs are handed out meanwhile."""
        arrived = []
        with contextlib.suppress(queue.Empty):
            while True:
                arrived.append(self._arrived.get_nowait())
        events = self._reader.read()  # after what arrived, so that a job's own words stand before news of its end
        self._seen |= {event.pid for event in events if isinstance(event, Begun)}
        self._keep_pause(events)
        if self._wish and self._reader.begun is not None:
            self._ask_job(self._wish)
        for deliver in arrived:
            deliver()
        told, self._told = self._told, []
        return events + told

    def _keep_pause(self, events: Sequence[Event]) -> None:
        """As long as there is a window, a pause lasts, whichever window asked for it."""
        for event in events:
            if isinstance(event, Begun | Resumed):
                self._paused_at = None
            elif isinstance(event, Paused):
                self._paused_at = self._clock()
        if self._paused_at is not None and self._clock() - self._paused_at >= RENEW_SECONDS:
            self._paused_at = self._clock()
            if self._reader.begun is not None:
                self._request(PAUSE, self._reader.begun.name)

    # --- the backup ----------------------------------------------------------------------------------------------

    @property
    def begun(self) -> Begun | None:
        """The backup that runs, as it introduced itself."""
        return self._reader.begun

    @property
    def running(self) -> bool:
        """True while a backup runs, whoever started it, or is about to begin."""
        return self._reader.begun is not None or self._starting > 0

    @property
    def busy(self) -> bool:
        """True while a backup runs or an answer is awaited."""
        return self.running or self._apart_now > 0

    @property
    def for_everybody(self) -> bool:
        """True when the client is installed for the whole computer: then this person's processes may not back up."""
        try:
            (self.home / IDENTITY).open("rb").close()  # on Windows nothing else tells of access lists
        except PermissionError:
            return True
        except OSError:
            return False
        return False

    def start(self, *words: str) -> None:
        """Start a backup, with these words (else `backup`), as a process that outlives the window.

        What keeps it from beginning comes as a Failed event. Installed for the whole computer, the scheduled job is
        asked for it instead.
        """
        self._wish = ""
        if self.for_everybody:
            self._request(BACK_UP)
            return
        self._starting += 1
        command = self._command(*(words or ("backup",)))
        command += ["--json"] if "--json" not in command else []
        self._apart(lambda: self._start(command), lambda failed: self._note_end(0, Answer(1, None, failed)))

    def _start(self, command: list[str]) -> None:
        process = spawn(command, apart=True)
        said, _ = process.communicate()
        answer = _read_answer(command, process.returncode, said)
        self._arrived.put(lambda: self._note_end(process.pid, answer))

    def _note_end(self, pid: int, answer: Answer) -> None:
        """A job that never began has told nothing in its event file."""
        self._starting -= 1
        if answer.error is not None and pid not in self._seen:
            self._wish = ""
            self._told.append(answer.error)

    def pause(self) -> None:
        """Let the backup wait; its Paused event tells when it does."""
        self._ask_job(PAUSE)

    def resume(self) -> None:
        """Let it go on; Resumed tells when it does."""
        self._paused_at = None
        self._ask_job(RESUME)

    def cancel(self) -> None:
        """Let it end; what was stored is used by the next one."""
        self._ask_job(CANCEL)

    def _ask_job(self, wish: str) -> None:
        """Ask the running job, or the one that is about to begin as soon as it has."""
        begun = self._reader.begun
        self._wish = wish if begun is None and self._starting else ""
        if begun is not None:
            self._request(wish, begun.name)

    def _request(self, wish: str, job: str = "") -> None:
        self._woken()
        try:
            make_request(self.home, wish, job)
        except BackupError as error:
            self._told.append(Failed(error.code, error.sentence, error.hint))

    # --- other commands ------------------------------------------------------------------------------------------

    def ask(self, words: Sequence[str], done: Done, input: str = "") -> None:  # noqa: A002
        """Run a short command; `done` gets its answer from a later call of `poll`."""
        command = self._command(*words)

        def run() -> None:
            with self._turns:
                process = spawn(command, stdin=subprocess.PIPE)
                said, _ = process.communicate(input.encode())
                answer = _read_answer(command, process.returncode, said)
            self._arrived.put(lambda: done(answer))

        self._apart(run, lambda failed: done(Answer(1, None, failed)))

    def follow(self, words: Sequence[str], on_event: OnEvent, on_end: OnEnd, text: str = "") -> Child:
        """Run a job with --events, and `text` on its standard input; `poll` hands out its events and its exit code."""
        command = self._command(*words)
        child = Child(command if "--events" in words else [*command, "--events"], text)

        def run() -> None:
            code = child.run(lambda event: self._arrived.put(lambda: on_event(event)))
            self._arrived.put(lambda: on_end(code))

        def lose(failed: Failed) -> None:
            on_event(failed)
            on_end(1)

        self._apart(run, lose)
        return child

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "client.cli", "--home", str(self.home), *words]

    def _apart(self, work: Callable[[], None], lost: Callable[[Failed], None]) -> None:
        """Do `work` on a thread; `lost` hears, from `poll`, why it could not be done."""

        def guarded() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001 (the edge: the window goes on, whatever a process did)
                failed = Failed(Unexpected.code, Unexpected(reference=repr(error)).sentence, Unexpected.hint)
                self._arrived.put(lambda: lost(failed))
            self._arrived.put(self._note_back)

        self._apart_now += 1
        self._woken()
        threading.Thread(target=guarded, name="runner", daemon=True).start()

    def _note_back(self) -> None:
        self._apart_now -= 1


def _read_answer(command: Sequence[str], code: int, said: bytes) -> Answer:
    """What a command with --json said on its last line."""
    try:
        data = json.loads(said.splitlines()[-1])
    except (ValueError, IndexError):
        data = None
    if isinstance(data, dict) and isinstance(problem := data.get("error"), dict):
        texts = {key: str(problem.get(key, "")) for key in ("code", "sentence", "hint")}
        return Answer(code, None, Failed(**texts, refused=code == REFUSED))
    if code not in DONE or data is None:
        missing = NoAnswer(command=command[5], exit_code=code)
        return Answer(code, data, Failed(missing.code, missing.sentence, missing.hint))
    return Answer(code, data)
