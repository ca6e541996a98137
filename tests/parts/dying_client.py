"""`ibs-client` that dies at a chosen step, as if its plug were pulled.

`python -m tests.parts.dying_client STEP WORDS…`; steps are numbered from 0: before and after each object that is
stored, each question to the portal and each change of the journal or the index. When all of them were passed, it ends
as ever and says how many there were.
"""
from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable
from typing import Any

import client.store.documents
import client.store.index
from client.api.transport import Transport
from client.cli import main
from vault.ftp import FtpStorage

DIED = 99


def die_at(step: int) -> Callable[[], int]:
    """Lets this process end at `step`; the answer tells how many steps there were."""
    steps = itertools.count()
    passed = 0

    def tick() -> None:
        nonlocal passed
        passed = next(steps)
        if passed == step:
            os._exit(DIED)

    def between_ticks(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def watched(*arguments: Any, **more: Any) -> Any:
            tick()
            answer = real(*arguments, **more)
            tick()
            return answer

        setattr(owner, name, watched)

    between_ticks(FtpStorage, "put_new")
    between_ticks(FtpStorage, "put_small")
    between_ticks(Transport, "ask")
    between_ticks(client.store.documents, "replace")
    between_ticks(client.store.index.IndexWriter, "finish")
    return lambda: passed + 1


if __name__ == "__main__":
    count = die_at(int(sys.argv[1]))
    code = main(sys.argv[2:])
    sys.stderr.write(f"steps {count()}\n")
    sys.exit(code)
