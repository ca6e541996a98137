"""The portal behind waitress, as it is run."""
from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from flask import Flask
from waitress.server import create_server


@contextlib.contextmanager
def serve(app: Flask) -> Iterator[tuple[str, int]]:
    """Serve `app` on a free port of loopback while the block runs; host and port."""
    server = create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield "127.0.0.1", server.effective_port
    finally:
        server.task_dispatcher.shutdown()
        server.trigger.pull_trigger(server.close)
        thread.join(10)
