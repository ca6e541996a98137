"""How the tests of a run are shared among several workers: one by one, but modules of a group stay together."""
from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

CHECKOUT = Path(__file__).resolve().parents[2]


class Sharing(LoadScopeScheduling):
    """Gives groups to workers first, the largest at the beginning, and then test by test whoever has time."""

    def _split_scope(self, nodeid: str) -> str:
        """What one worker does without the others."""
        return group_of(nodeid.partition("::")[0]) or nodeid


@functools.cache
def group_of(module: str) -> str | None:
    """The group that the marks of a test module name: pytestmark = pytest.mark.xdist_group("name").

    They are read as text, because the process that shares the tests among the workers imports none of them.
    """
    found = re.search(r'^pytestmark = .*\bxdist_group\("(\w+)"\)', (CHECKOUT / module).read_text("utf-8"), re.MULTILINE)
    return found and found[1]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    """Called by pytest-xdist when there are several workers."""
    return Sharing(config, log)
