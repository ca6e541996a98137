"""Names: computed from numbers, safe on every server, and never more than 500 to a folder."""
from __future__ import annotations

import re
from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from vault.layout import acknowledgement_name, commit_name, key_name, pack_name, part_name, run_folder, vault_folder

DIGEST = bytes.fromhex("0123456789abcdef") + bytes(24)


def test_names_are_golden() -> None:
    assert vault_folder(UUID(int=1)) == "00000000-0000-0000-0000-000000000001"
    assert key_name(DIGEST) == "k/0123456789abcdef.key"
    assert pack_name(8734, DIGEST) == "p/00/017/00008734-0123456789abcdef.ibp"
    assert pack_name(250_000, DIGEST) == "p/01/000/00250000-0123456789abcdef.ibp"
    assert part_name(123, "d", 0, DIGEST) == "s/00/002/00000123-d-p0000-0123456789abcdef.ibm"
    assert part_name(123, "x", 401, DIGEST) == "s/00/002/00000123-002/00000123-x-p0401-0123456789abcdef.ibm"
    assert commit_name(123) == "s/00/002/00000123.commit"
    assert acknowledgement_name(25_000) == "s/01/000/00025000.ack"


@given(st.integers(0, 2**32 - 1), st.integers(0, 9999), st.sampled_from("dfx"))
def test_names_hold_only_what_every_server_takes(number: int, index: int, kind: str) -> None:
    for name in (pack_name(number % 25_000_000, DIGEST), part_name(number % 2_500_000, kind, index, DIGEST),
                 commit_name(number % 2_500_000)):
        assert re.fullmatch("[0-9a-z.-]+(/[0-9a-z.-]+)*", name)
        assert all(len(step) < 43 and not step.startswith(".") for step in name.split("/"))


def test_no_folder_holds_more_than_500_entries() -> None:
    packs = Counter(pack_name(number, DIGEST).rpartition("/")[0] for number in range(260_000))
    assert max(packs.values()) <= 500
    inner = Counter(folder.rpartition("/")[0] for folder in packs)
    assert max(inner.values()) <= 500
    runs = Counter(run_folder(run) for run in range(60_000))
    assert max(runs.values()) == 50
    parts = Counter(part_name(1, "f", index, DIGEST).rpartition("/")[0] for index in range(2000))
    assert max(parts.values()) <= 200
