"""ibs-client versions: how one file changed from snapshot to snapshot."""
from __future__ import annotations

import argparse

from client.api.connection import connect
from client.console import amount, complain, count, moment, say, say_json
from client.names import steps_of
from client.outcomes import DONE
from protocol.messages import FileVersion, ListVersions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The words of `versions`."""
    parser.add_argument("path", metavar="PATH", help="the file's path on this computer")
    parser.add_argument("--page", type=int, default=1, metavar="N", help="50 versions are a page")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """List them, newest first."""
    with connect(arguments.home, complain) as (_, portal):
        page = portal.list_versions(ListVersions(path=steps_of(arguments.path), page=arguments.page))
    if arguments.json:
        say_json({
            "path": arguments.path, "total": page.total, "pages": page.pages,
            "versions": [_as_fields(version) for version in page.versions],
        })
        return DONE
    for version in page.versions:
        say(f"{version.last:6}  {moment(version.modified)}  {amount(version.size):>10}  in "
            f"{count(version.snapshots, 'snapshot')}, the last of {moment(version.last_at)}")
    return DONE


def _as_fields(version: FileVersion) -> dict[str, object]:
    return {
        "snapshot": version.last, "snapshots": version.snapshots, "size": version.size,
        "modified": version.modified.isoformat(), "first_at": version.first_at.isoformat(),
        "last_at": version.last_at.isoformat(), "still": version.still,
    }
