"""The client installed for everybody: a person who may not read the computer's token signs in to look and restore."""
from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from client.api.portal import Portal
from client.api.restore_access import TOKEN, load_access
from client.store.settings import load_identity
from protocol.errors import TokenRejected
from tests.client.conftest import Client, Ended
from tests.client.running_portal import PASSWORD, RunningPortal

pytestmark = pytest.mark.xdist_group("running_portal")

STRANGER = 65534
WITHOUT_POWER = ["setpriv", "--bounding-set", "-all"]
"""Root without root's powers: what another user keeps for themselves can't be read."""
AsPerson = Callable[..., Ended]


@pytest.fixture
def as_person(protected: Client, tmp_path: Path) -> AsPerson:
    """Runs a command of the store as a user who may only read it, and not its token."""
    assert protected("backup").code == 0
    for place in (protected.home, *protected.home.rglob("*")):  # another user's, who lets everybody read but the token
        os.chown(place, STRANGER, STRANGER)
        place.chmod(0o755 if place.is_dir() else 0o600 if place.name.startswith("identity") else 0o644)
    variables = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state"), "PYTHONUTF8": "1"}

    def run(*words: str, stdin: str = "") -> Ended:
        done = subprocess.run([*WITHOUT_POWER, *protected.command(*words)], input=stdin.encode(), capture_output=True,
                              check=False, env=os.environ | variables)
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


def test_who_may_not_read_the_token_signs_in_and_restores_with_their_own_rights(
    as_person: AsPerson, protected: Client, source: Path, tmp_path: Path,
) -> None:
    refused = as_person("snapshots", "--json")
    assert refused.code == 1
    assert refused.json["error"]["code"] == "IBS-1108"
    wrong = as_person("sign-in", "--user", "alice", "--password-stdin", "--json", stdin="not it\n")
    assert wrong.json["error"]["code"] == "IBS-1101"
    signed = as_person("sign-in", "--user", "alice", "--password-stdin", "--json", stdin=PASSWORD + "\n")
    assert datetime.fromisoformat(signed.json["until"]) > datetime.now(UTC)
    assert [point["number"] for point in as_person("snapshots", "--json").json] == [1]
    assert as_person("find", "one.txt", "--json").json["found"]
    restored = as_person("restore", "--to", str(tmp_path / "back"), "--json")
    assert restored.code == 0, restored.complained
    copy = tmp_path / "back" / (source / "letters" / "one.txt").relative_to("/")
    assert copy.read_text() == "one\n"
    own = tmp_path / "state/ibs-window" / TOKEN
    assert own.stat().st_mode & 0o077 == 0
    assert PASSWORD not in own.read_text()
    assert load_identity(protected.home, print).token not in (protected.home / "access.xml").read_text()


def test_such_a_token_backs_nothing_up(
    as_person: AsPerson, protected: Client, running_portal: RunningPortal, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert as_person("sign-in", "--user", "alice", stdin=PASSWORD + "\n").code == 0
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    access = load_access(protected.home)
    assert access is not None
    portal = Portal(running_portal.address, access.token)
    assert portal.snapshots().snapshots
    with pytest.raises(TokenRejected):
        portal.wishes()
    with pytest.raises(TokenRejected):
        portal.send_log(1, b"<activity/>")
    forged = Portal(running_portal.address, access.token[:-4] + "0000")
    with pytest.raises(TokenRejected):
        forged.snapshots()
    assert load_access(protected.home, lambda: datetime(2099, 1, 1, tzinfo=UTC)) is None


def test_a_store_that_is_not_enrolled_says_so_to_everybody(as_person: AsPerson, protected: Client) -> None:
    (protected.home / "access.xml").unlink()
    refused = as_person("sign-in", "--user", "alice", stdin=PASSWORD + "\n")
    assert "(IBS-1108)" in refused.complained
