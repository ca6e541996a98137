"""The technical log: tracebacks of errors that nobody expected, for whoever repairs the program."""
from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

NAME = "technical.log"
SIZE = 2 << 20
COUNT = 5


def new_reference() -> str:
    """Something short to read out on the telephone, such as 8F3A-21."""
    digits = secrets.token_hex(3).upper()
    return f"{digits[:4]}-{digits[4:]}"


def note_unexpected(home: Path, error: BaseException, make_reference: Callable[[], str] = new_reference) -> str:
    """Write the traceback of `error` to home/technical.log and return the reference under which it stands there."""
    import logging
    from logging.handlers import RotatingFileHandler

    reference = make_reference()
    try:
        handler = RotatingFileHandler(home / NAME, maxBytes=SIZE, backupCount=COUNT, encoding="utf-8",
                                      errors="backslashreplace")
        record = logging.LogRecord(
            "client", logging.ERROR, __file__, 0, "Reference %s", (reference,),
            (type(error), error, error.__traceback__),
        )
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handler.emit(record)
        handler.close()
        (home / NAME).chmod(0o600)
    except OSError:
        return f"{reference} (the technical log could not be written)"
    return reference
