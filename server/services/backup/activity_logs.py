"""Copies of the computers' activity logs."""
from __future__ import annotations

import zlib
from datetime import datetime
from xml.parsers import expat

from protocol.errors import BadRequest, NotFound
from server.extensions import db
from server.models import Run, RunLog


class _Declared(Exception):
    """The document declares a type or an entity."""


def keep_log(vault_id: int, run_no: int, document: bytes, now: datetime) -> None:
    """Keep the activity log of a run; a later copy takes the place of an earlier one.

    Raises NotFound when there is no such run, BadRequest when `document` is not well-formed XML without declarations.
    """
    if db.session.get(Run, (vault_id, run_no)) is None:
        raise NotFound(what=f"run {run_no}")
    check_xml(document)
    log = db.session.get(RunLog, (vault_id, run_no))
    if log is None:
        log = RunLog(vault_id=vault_id, run_no=run_no)
        db.session.add(log)
    log.received_at, log.xml = now, zlib.compress(document)
    db.session.commit()


def read_log(vault_id: int, run_no: int) -> bytes | None:
    """The XML that keep_log was given; None when none has come."""
    log = db.session.get(RunLog, (vault_id, run_no))
    return None if log is None else zlib.decompress(log.xml)


def check_xml(document: bytes) -> None:
    """Raises BadRequest unless `document` is well-formed XML; document types and entities are refused unread."""

    def refuse(*_: object) -> int:
        raise _Declared

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(document, True)
    except (_Declared, expat.ExpatError, ValueError, LookupError) as error:
        reason = "it declares entities" if isinstance(error, _Declared) else str(error)
        raise BadRequest(reason=f"the activity log is not plain XML: {reason}") from error
