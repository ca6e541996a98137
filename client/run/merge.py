"""The merge of disk and index: one pass over both in the same order tells what is new, changed, the same or gone."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from client.run.scan import ProtectedTree, Scanned, Scanner
from client.store.index import FOLDER, Indexed
from client.system.kinds import ELSEWHERE

SAME, NEW, CHANGED, GONE, KEPT, LEAVE = "same", "new", "changed", "gone", "kept", "leave"
"""What became of an entry. KEPT: it could not be looked at, so what the last snapshot has of it stays. LEAVE ends a
folder that was SAME, NEW, CHANGED or KEPT."""
RACY_NS = 3 * 10**9
"""A file written this shortly before it was scanned may change again without a new time (FAT keeps two seconds)."""

Suspect = Callable[[Scanned, Indexed], bool]


class Step(NamedTuple):
    """One finding. `node` is the entry's number in the catalogue, `parent` that of its folder."""

    action: str
    parent: int
    node: int
    scanned: Scanned | None
    indexed: Indexed | None


class _Frame(NamedTuple):
    """A folder under way: its entries on the disk, and whether the index has it, too."""

    node: int
    entries: Iterator[tuple[Scanned, ProtectedTree | None]]
    complete: bool
    indexed: bool


class Merge:
    """Iterates over the findings, folders before what they hold. `next_node` is the first number not yet given."""

    def __init__(
        self,
        tree: ProtectedTree,
        scanner: Scanner,
        index: Iterator[Indexed | None] | None,
        root: int,
        next_node: int,
        suspect: Suspect,
    ) -> None:
        """`index` None means that everything is new. `suspect` decides of a file or link whose size and times are
        the same whether it is to be read all the same."""
        self.next_node = next_node
        self._tree, self._scanner, self._root, self._suspect = tree, scanner, root, suspect
        self._index = index or iter(())
        self._has_index = index is not None
        self._ahead: Indexed | None = None

    def __iter__(self) -> Iterator[Step]:
        frames = [self._open(self._root, self._tree, "", self._has_index)]
        waiting: tuple[Scanned, ProtectedTree | None] | None = None
        if self._has_index:
            self._advance()
        pending: list[tuple[Scanned, ProtectedTree | None] | None] = [next(frames[0].entries, None)]
        while frames:
            frame, waiting = frames[-1], pending[-1]
            known = self._ahead if frame.indexed else None
            if waiting is None and known is None:
                frames.pop()
                pending.pop()
                if frames:
                    if frame.indexed:
                        self._advance()
                    yield Step(LEAVE, 0, frame.node, None, None)
                continue
            if known is None or (waiting is not None and waiting[0].name < known.name):
                assert waiting is not None
                pending[-1] = next(frame.entries, None)
                if waiting[0].kind == ELSEWHERE:
                    continue
                step = self._new(frame, waiting[0])
                yield step
                opened = self._enter(step, waiting, indexed=False)
            elif waiting is None or waiting[0].name > known.name:
                yield from self._missing(frame)
                continue
            elif waiting[0].kind != known.kind:
                yield from self._drop(frame.node, KEPT if waiting[0].kind == ELSEWHERE else GONE)
                continue
            else:
                pending[-1] = next(frame.entries, None)
                step = self._compare(frame, waiting[0], known)
                self._advance()
                yield step
                opened = self._enter(step, waiting, indexed=True)
            if opened is not None:
                frames.append(opened)
                pending.append(next(opened.entries, None))

    def _advance(self) -> None:
        self._ahead = next(self._index, None)

    def _open(self, node: int, tree: ProtectedTree | None, path: str, indexed: bool) -> _Frame:
        if tree is not None:
            listed, complete = self._scanner.list_tree(tree)
            return _Frame(node, iter(listed), complete, indexed)
        entries, complete = self._scanner.list_folder(path)
        return _Frame(node, ((entry, None) for entry in entries), complete, indexed)

    def _enter(self, step: Step, found: tuple[Scanned, ProtectedTree | None], *, indexed: bool) -> _Frame | None:
        entry, tree = found
        return self._open(step.node, tree, entry.path, indexed) if entry.kind == FOLDER else None

    def _new(self, frame: _Frame, entry: Scanned) -> Step:
        node = self.next_node
        self.next_node += 1
        return Step(NEW, frame.node, node, entry, None)

    def _compare(self, frame: _Frame, entry: Scanned, known: Indexed) -> Step:
        status = entry.status
        if entry.kind == FOLDER:
            same = status[1:3] == known[4:6]
        else:
            same = status == known[3:8] and not known.racy and not self._suspect(entry, known)
        return Step(SAME if same else CHANGED, frame.node, known.node, entry, known)

    def _missing(self, frame: _Frame) -> Iterator[Step]:
        """What only the index has: gone, unless its folder could not be listed completely."""
        return self._drop(frame.node, GONE if frame.complete else KEPT)

    def _drop(self, parent: int, action: str) -> Iterator[Step]:
        """Consumes an index entry with all below it."""
        parents = [parent]
        while True:
            entry = self._ahead
            self._advance()
            if entry is None:
                folder = parents.pop()
                if action == KEPT:
                    yield Step(LEAVE, 0, folder, None, None)
            else:
                yield Step(action, parents[-1], entry.node, None, entry)
                if entry.kind == FOLDER:
                    parents.append(entry.node)
            if len(parents) == 1:
                return
