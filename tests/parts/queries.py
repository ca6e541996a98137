"""Counts what a request asks of the database."""
from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from sqlalchemy import event

from server.extensions import db

MOST = 12
"""No page asks more, whatever the number of rows it could show."""
NO_QUERIES = ("BEGIN", "COMMIT", "ROLLBACK", "PRAGMA", "SAVEPOINT", "RELEASE", "SELECT 1", "SET ")


class Queries(list[str]):
    """The statements, in their order."""

    @property
    def repeated(self) -> list[str]:
        """Those that were asked more than once, word by word: usually one for each row."""
        return sorted({query for query in self if self.count(query) > 1})


def is_query(statement: str) -> bool:
    """Whether a statement asks or changes something; the borders of transactions do not."""
    return not statement.upper().startswith(NO_QUERIES)


@contextlib.contextmanager
def count_queries() -> Iterator[Queries]:
    """Inside, every statement that reaches the database is noted; needs an application context."""
    found = Queries()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if is_query(statement):
            found.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
