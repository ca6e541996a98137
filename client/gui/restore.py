"""Restore: choose a day and files, say where to, follow it to its end."""
from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from client.events import Event, Failed, Finished
from client.gui import restore_access
from client.gui.pages import Page
from client.gui.presenters.problems import describe_problem
from client.gui.presenters.restore import read_points
from client.gui.presenters.restoring import Wish
from client.gui.restore_choice import ChoiceView
from client.gui.restore_job import JobView, TargetView, job_of, put_away, start_job
from client.gui.widgets import Box, EmptyState
from client.jobs.runner import Answer

if TYPE_CHECKING:
    from client.gui.app import Window


class RestorePage(Page):
    """Three steps, of which one is seen: what, where to, and how it goes."""

    def __init__(self, window: Window) -> None:
        """See Page."""
        super().__init__(window)
        self._narrow = False
        self._folders: Sequence[str] = ()
        self.heading("Restore", "Bring files back, from any day. Nothing is overwritten unless you say so.")
        self._steps = Box(self)
        self._steps.pack(fill="both", expand=True)
        self._choice = ChoiceView(self._steps, self, self._ask_where)
        self._empty: EmptyState | restore_access.AccessCard | None = None
        self._target: TargetView | None = None
        self._job: JobView | None = None
        if job_of(window.runner) is not None:
            self._follow()

    def enter(self) -> None:
        """Ask for the restore points, which may be more by now."""
        self.ask(["folder", "list", "--json"], self._take_folders)

    def arrange(self, narrow: bool) -> None:
        """As the room is."""
        self._narrow = narrow
        self._choice.arrange(narrow)
        if self._job is not None:
            self._job.arrange(narrow)

    def update_from(self, events: Sequence[Event]) -> None:
        """A restore went on; or a backup ended, which is a new restore point."""
        if self._job is not None:
            self._job.show()
        if any(isinstance(event, Finished) for event in events):
            self._ask_points()

    def tell(self, error: Failed) -> None:
        """Show what went wrong above the page."""
        problem = describe_problem(error.sentence, error.hint, error.code)
        self.window.tell_problem(problem.sentence, problem.hint, problem.code, button=problem.button,
                                 command=lambda: self.window.show(problem.page))

    # --- what ----------------------------------------------------------------------------------------------------

    def _take_folders(self, answer: Answer) -> None:
        if answer.error is None:
            self._folders = answer.data["folders"]
        self._ask_points()

    def _ask_points(self) -> None:
        self.ask(["snapshots", "--json"], self._take_points)

    def _take_points(self, answer: Answer) -> None:
        if answer.error is not None and answer.error.code == restore_access.CODE:
            self._ask_password()
            return
        if answer.error is not None:
            self.tell(answer.error)
            return
        points = read_points(answer.data, datetime.now(UTC))
        if points:
            self._choice.take_points(points, self._folders)
        self._show_choice(bool(points))

    def _show_choice(self, anything: bool) -> None:
        """The files, or why there are none, unless another step is seen."""
        if self._empty is not None:
            self._empty.destroy()
            self._empty = None
        if self._target is not None or self._job is not None:
            return
        if anything:
            self._choice.pack(fill="both", expand=True)
            return
        self._choice.pack_forget()
        self._empty = EmptyState(self._steps, "restore", "No restore points yet.",
                                 "The first appears after the first backup.", button="Back up now",
                                 command=self._back_up)
        self._empty.pack(fill="x")

    def _ask_password(self) -> None:
        self._choice.pack_forget()
        if self._empty is None:
            self._empty = restore_access.AccessCard(self._steps, self, self._ask_points)
            self._empty.pack(fill="x")

    def _back_up(self) -> None:
        self.window.runner.start("backup")
        self.window.show("home")

    # --- where to, and the job -----------------------------------------------------------------------------------

    def _ask_where(self, wish: Wish) -> None:
        self._choice.pack_forget()
        self._target = TargetView(self._steps, self, wish, self._start, self._go_back)
        self._target.pack(fill="both", expand=True)

    def _go_back(self) -> None:
        """To the files."""
        for view in (self._target, self._job):
            if view is not None:
                view.destroy()
        self._target = self._job = None
        put_away(self.window.runner)
        self._choice.pack(fill="both", expand=True)

    def _start(self, wish: Wish) -> None:
        if self._target is not None:
            self._target.destroy()
            self._target = None
        start_job(self.window.runner, wish)
        self._follow()

    def _follow(self) -> None:
        job: Any = job_of(self.window.runner)
        self._choice.pack_forget()
        self._job = JobView(self._steps, job, self._go_back)
        self._job.arrange(self._narrow)
        self._job.pack(fill="both", expand=True)
