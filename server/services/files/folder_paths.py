"""From a folder's number to its path and back, over all restore points of a vault."""
from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import FromClause, and_, literal, select

from server.extensions import db
from server.models import Folder, Run
from server.models.runs import COMMITTED
from server.services.files.bulk import slices

Path = tuple[bytes, ...]
DEEPEST = 200
"""No path of a file system is longer; a tree that runs in a circle ends here."""
STEPS_TOGETHER = 12


def paths_of(vault_id: int, nodes: Collection[int], roots: Collection[int]) -> dict[int, Path]:
    """The path of each of these folders from one of the `roots`, () for a root; what hangs elsewhere is left out.

    One query, however deep they lie.
    """
    above = select(
        Folder.node_no.label("start"), literal(0).label("height"), Folder.parent_no.label("parent"),
        Folder.name.label("name"),
    ).where(Folder.vault_id == vault_id, Folder.node_no.in_(nodes)).cte("above", recursive=True)  # fmt: skip
    above = above.union_all(
        select(above.c.start, above.c.height + 1, Folder.parent_no, Folder.name)
        .join(above, Folder.node_no == above.c.parent)
        .where(Folder.vault_id == vault_id, above.c.height < DEEPEST)
    )
    steps: dict[int, list[bytes]] = {}
    tops: dict[int, int] = {}
    for start, _, parent, name in db.session.execute(select(above).order_by(above.c.start, above.c.height)):
        steps.setdefault(start, []).append(name)
        tops[start] = parent
    found = {start: tuple(reversed(names)) for start, names in steps.items() if tops[start] in roots}
    return found | {node: () for node in nodes if node in roots}


def folders_at(vault_id: int, path: Path) -> list[int]:
    """The numbers of all folders that ever stood at this path: one is made anew when the computer starts afresh."""
    nodes: Iterable[int] = _roots(vault_id)
    for steps in slices(path, STEPS_TOGETHER):
        nodes = _below(vault_id, list(nodes), tuple(steps))
    return sorted(nodes)


def _roots(vault_id: int) -> set[int]:
    return set(db.session.scalars(
        select(Run.root_node).where(Run.vault_id == vault_id, Run.state == COMMITTED, Run.root_node.is_not(None))
        .distinct()))


def _below(vault_id: int, nodes: Collection[int], steps: Path) -> list[int]:
    """The folders that lie `steps` below any of `nodes`."""
    table = Folder.__table__
    levels = [table.alias(f"step_{depth}") for depth in range(len(steps))]
    way: FromClause = levels[0]
    for above, level, name in zip(levels, levels[1:], steps[1:], strict=False):
        way = way.join(level, and_(level.columns.vault_id == vault_id, level.columns.name == name,
                                   level.columns.parent_no == above.columns.node_no))
    first = levels[0].columns
    query = select(levels[-1].columns.node_no).select_from(way).where(
        first.vault_id == vault_id, first.name == steps[0], first.parent_no.in_(nodes))
    # There is one good order for the database to go, and finding it anew takes its time.
    return list(db.session.scalars(query.prefix_with("STRAIGHT_JOIN", dialect="mysql")))
