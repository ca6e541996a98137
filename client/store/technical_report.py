"""The technical report: one file for whoever helps, without the token, the lease, or a password."""
from __future__ import annotations

import json
import os
import re
import zipfile
from pathlib import Path

from client.computer.about import describe
from client.errors import HomeUnusable
from client.store.activity import log_files
from client.store.agenda import NAME as AGENDA
from client.store.documents import Tell
from client.store.settings import SETTINGS
from client.store.technical_log import NAME as TECHNICAL_LOG

LOGS = 20
LARGEST = 8 << 20
SECRET = re.compile(r"(?i)(bearer\s+|token[\"'=:\s]+|password[\"'=:\s]+)[^\s\"'<>]+")


def save_report(home: Path, target: Path, tell: Tell) -> list[str]:
    """Write the report to `target` (.zip) and return the names of what is in it; raises HomeUnusable.

    It holds what `about` shows, the settings, the agenda, the newest activity logs and the technical log; these name
    folders, and files that had problems.
    """
    files = [home / SETTINGS, home / AGENDA, *log_files(home)[-LOGS:], *sorted(home.glob(f"{TECHNICAL_LOG}*"))]
    new = target.with_name(f".{target.name}.{os.getpid()}")
    names = []
    try:
        with zipfile.ZipFile(new, "x", zipfile.ZIP_DEFLATED) as report:
            report.writestr("about.json", json.dumps(describe(home, tell), indent=1))
            for file in files:
                if file.is_file():
                    text = file.read_bytes()[-LARGEST:].decode("utf-8", "replace")
                    name = file.relative_to(home).as_posix()
                    report.writestr(name, SECRET.sub(r"\1(left out)", text))
                    names.append(name)
        os.replace(new, target)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise HomeUnusable(home=target, reason=error.strerror or error) from error
    return ["about.json", *names]
