"""What a computer finds among its own files: by name over all snapshots, and the versions of one file."""
from __future__ import annotations

from protocol.errors import BadRequest
from protocol.messages import FileVersion, FileVersions, FindFiles, FoundFile, FoundFiles, ListVersions
from server.services.files.file_history import history_of
from server.services.files.file_search import SHORTEST, read_cursor, search, usable


def find_files(vault_id: int, message: FindFiles) -> FoundFiles:
    """One page. Raises BadRequest for words that are too short and for a cursor of somebody else's making."""
    words, after = usable(message.words), read_cursor(message.cursor) if message.cursor else None
    if len(words) < SHORTEST:
        raise BadRequest(reason=f"a search needs at least {SHORTEST} letters")
    if message.cursor and after is None:
        raise BadRequest(reason="the cursor is not one of this portal's")
    result = search(vault_id, words, after)
    found = tuple([
        FoundFile(one.path, one.kind, one.size, one.modified, one.versions, one.first, one.last_run, one.last,
                  one.still)
        for one in result.rows
    ])  # fmt: skip
    return FoundFiles(found=found, cursor="" if result.next is None else str(result.next))


def list_versions(vault_id: int, message: ListVersions) -> FileVersions:
    """One page of a file's versions. Raises NotFound."""
    history = history_of(vault_id, message.path, message.page)
    versions = tuple([
        FileVersion(one.points[-1], len(one.points), one.size, one.modified, one.first, one.last, one.still)
        for one in history.rows
    ])  # fmt: skip
    return FileVersions(versions=versions, total=history.total, pages=history.pages)
