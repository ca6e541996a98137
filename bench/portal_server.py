"""The portal's process for script/bench portal: as it is run, and telling of each answer what it cost.

python -m bench.portal_server DATA prints the port. Each answer says in X-Queries how many statements the database got,
in X-Database how long they took, and in X-Seconds how long the portal worked on it before the first byte.
"""
from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import local
from typing import Any

from sqlalchemy import event
from waitress import create_server

from server.app import create_app
from server.commands.serving import THREADS, settle
from server.config import load_config
from server.extensions import db, limiter
from tests.parts.queries import is_query

Answer = Callable[..., Any]


class Meter:
    """A WSGI application around the portal that counts what happens in the thread of each request."""

    def __init__(self, portal: Answer) -> None:
        self.portal, self.here = portal, local()

    def note(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        """A statement goes to the database."""
        self.here.asked = time.perf_counter()
        if is_query(statement):
            self.here.queries = getattr(self.here, "queries", 0) + 1

    def note_end(self, *_statement: Any) -> None:
        """Its answer is there."""
        self.here.database = getattr(self.here, "database", 0.0) + time.perf_counter() - self.here.asked

    def __call__(self, environ: dict[str, Any], start: Answer) -> Iterable[bytes]:
        """Answer a request."""
        self.here.queries, self.here.database, began = 0, 0.0, time.perf_counter()

        def start_answer(status: str, headers: list[tuple[str, str]], *failure: Any) -> Any:
            cost = [("X-Queries", str(self.here.queries)), ("X-Database", f"{self.here.database:.6f}"),
                    ("X-Seconds", f"{time.perf_counter() - began:.6f}")]
            return start(status, headers + cost, *failure)

        answer: Iterable[bytes] = self.portal(environ, start_answer)
        return answer


def main() -> None:
    """Serve until killed."""
    app = create_app(load_config(Path(sys.argv[1])))
    limiter.enabled = False
    meter = Meter(app.wsgi_app)
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", meter.note)
        event.listen(db.engine, "after_cursor_execute", meter.note_end)
    app.wsgi_app = meter  # type: ignore[assignment]
    server = create_server(app, listen="127.0.0.1:0", threads=THREADS)
    settle()
    print(server.effective_port, flush=True)
    server.run()


if __name__ == "__main__":
    main()
