"""The merge of disk and index tells exactly what changed, whatever the names are."""
from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from client.run.merge import CHANGED, GONE, KEPT, LEAVE, NEW, SAME, Merge, Step
from client.run.scan import FolderLost, Scanner, plant_tree
from client.store.index import FILE, FOLDER, Indexed
from vault.errors import BackupError

ROOT = 1
NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)
TREES = st.recursive(
    st.binary(max_size=5), lambda child: st.dictionaries(NAMES, child, max_size=6), max_leaves=25
).filter(lambda tree: isinstance(tree, dict))


def make(folder: Path, tree: dict[bytes, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in tree.items():
        path = os.path.join(os.fsencode(folder), name)
        if isinstance(content, dict):
            make(Path(os.fsdecode(path)), content)
        else:
            with open(path, "wb") as file:
                file.write(content)  # type: ignore[arg-type]


def run(
    folders: tuple[str, ...], index: list[Indexed | None] | None, *, excludes: tuple[str, ...] = (), next_node: int = 2
) -> tuple[list[Step], list[BackupError]]:
    problems: list[BackupError] = []
    scanner = Scanner(excludes, problems.append)
    merge = Merge(plant_tree(folders), scanner, None if index is None else iter(index), ROOT, next_node, never)
    return list(merge), problems


def never(*_: object) -> bool:
    return False


def as_index(steps: list[Step]) -> Iterator[Indexed | None]:
    """The index that a run with these findings would write."""
    for step in steps:
        if step.action == LEAVE:
            yield None
        elif step.action == KEPT:
            yield step.indexed
        elif step.action in (NEW, SAME, CHANGED):
            assert step.scanned is not None
            status = step.scanned.status
            if step.scanned.kind == FOLDER:
                status = (0, status[1], status[2], 0, 0)
            yield Indexed(step.scanned.kind, step.scanned.name, step.node, *status, False, b"")


def names(steps: list[Step], action: str) -> list[str]:
    found = []
    for step in steps:
        if step.action == action:
            entry = step.scanned or step.indexed
            assert entry is not None
            found.append(os.fsdecode(entry.name))
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES)
def test_f21_a_tree_merged_with_itself_shows_no_change(tmp_path: Path, tree: dict[bytes, object]) -> None:
    folder = tmp_path / f"tree-{time.monotonic_ns()}"
    make(folder, tree)
    first, _ = run((str(folder),), None)
    second, problems = run((str(folder),), list(as_index(first)))
    assert not problems
    assert {step.action for step in second} <= {SAME, LEAVE}
    assert [step.node for step in second] == [step.node for step in first]


def test_f21_a_folder_beside_names_that_sort_around_its_slash(tmp_path: Path) -> None:
    make(tmp_path / "t", {b"a": {b"x": b"1"}, b"a b": {b"y": b"2"}, b"a-b": b"3", b"a.b": {b"z": b"4"}})
    first, _ = run((str(tmp_path / "t"),), None)
    second, _ = run((str(tmp_path / "t"),), list(as_index(first)))
    assert {step.action for step in second} == {SAME, LEAVE}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=TREES, after=TREES)
def test_it_turns_any_snapshot_into_any_other(
    tmp_path: Path, before: dict[bytes, object], after: dict[bytes, object]
) -> None:
    one, two = tmp_path / f"{time.monotonic_ns()}" / "t", tmp_path / f"{time.monotonic_ns()}" / "t"
    make(one, before)
    first, _ = run((str(one),), None)
    make(two, after)
    one_above, moved = one.parent, one.parent.with_name(one.parent.name + "-old")
    one_above.rename(moved)
    two.parent.rename(one_above)
    second, _ = run((str(one),), list(as_index(first)), next_node=1000)
    expected, _ = run((str(one),), None)
    after_names = [entry and (entry.kind, entry.name) for entry in as_index(second)]
    assert after_names == [entry and (entry.kind, entry.name) for entry in as_index(expected)]


def test_it_names_what_is_new_changed_and_gone(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    make(folder, {b"kept": b"1", b"edited": b"1", b"deleted": b"1", b"old": {b"inner": b"1"}})
    first, _ = run((str(folder),), None)
    (folder / "edited").write_bytes(b"longer")
    (folder / "deleted").unlink()
    (folder / "old" / "inner").unlink()
    (folder / "old").rmdir()
    (folder / "added").write_bytes(b"2")
    second, _ = run((str(folder),), list(as_index(first)), next_node=50)
    assert names(second, NEW) == ["added"]
    assert "edited" in names(second, CHANGED)
    assert names(second, GONE) == ["deleted", "old", "inner"]
    assert names(second, SAME)[-1] == "kept"


def test_a_file_that_became_a_folder_is_gone_and_new(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    make(folder, {b"thing": b"1"})
    first, _ = run((str(folder),), None)
    (folder / "thing").unlink()
    make(folder / "thing", {b"inner": b"2"})
    second, _ = run((str(folder),), list(as_index(first)), next_node=50)
    assert names(second, GONE) == ["thing"]
    assert names(second, NEW) == ["thing", "inner"]


def test_a_missing_protected_folder_keeps_what_was_backed_up(tmp_path: Path) -> None:
    make(tmp_path / "one", {b"a": b"1"})
    make(tmp_path / "two", {b"b": {b"c": b"1"}})
    folders = (str(tmp_path / "one"), str(tmp_path / "two"))
    first, _ = run(folders, None)
    (tmp_path / "two").rename(tmp_path / "unplugged")
    second, problems = run(folders, list(as_index(first)), next_node=50)
    assert [type(problem) for problem in problems] == [FolderLost]
    assert names(second, KEPT) == ["two", "b", "c"]
    assert names(second, GONE) == []
    third, _ = run(folders, list(as_index(second)), next_node=50)
    assert names(third, KEPT) == ["two", "b", "c"]


def test_a_folder_that_cannot_be_listed_keeps_what_was_backed_up(tmp_path: Path) -> None:
    """Root reads everything, so the folder is swapped for a link loop, which even root cannot list."""
    make(tmp_path / "t", {b"locked": {b"inner": b"1"}, b"open": b"2"})
    first, _ = run((str(tmp_path / "t"),), None)
    index = list(as_index(first))

    class Denying(Scanner):
        def list_folder(self, path: str) -> tuple[list, bool]:  # type: ignore[type-arg]
            return super().list_folder(path + "/denied" if path.endswith("locked") else path)

    problems: list[BackupError] = []
    merge = Merge(plant_tree((str(tmp_path / "t"),)), Denying((), problems.append), iter(index), ROOT, 50, never)
    steps = list(merge)
    assert names(steps, KEPT) == ["inner"]
    assert len(problems) == 1


def test_excluded_names_and_paths_are_passed_over(tmp_path: Path) -> None:
    make(tmp_path / "t", {b"a.tmp": b"1", b"b.txt": b"1", b"cache": {b"x": b"1"}, b"docs": {b"c.tmp": b"1"}})
    steps, _ = run((str(tmp_path / "t"),), None, excludes=("*.tmp", f"{tmp_path}/t/cache"))
    assert names(steps, NEW)[-3:] == ["t", "b.txt", "docs"]


def test_pipes_sockets_and_link_loops_do_no_harm(tmp_path: Path) -> None:
    make(tmp_path / "t", {b"file": b"1"})
    os.mkfifo(tmp_path / "t" / "pipe")
    (tmp_path / "t" / "loop").symlink_to(tmp_path / "t")
    steps, problems = run((str(tmp_path / "t"),), None)
    assert names(steps, NEW)[-2:] == ["file", "loop"]
    assert not problems
    assert [step.scanned.kind for step in steps if step.scanned and step.scanned.name == b"file"] == [FILE]
