"""Functions of SQL over file names that mean the same on every database.

Names are bytes. MySQL compares them with a collation that knows neither case nor accents; SQLite knows only ASCII, so
it gets functions written in Python, which prepare_engine gives to every connection.
"""
from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from sqlalchemy import Boolean, ColumnElement, String, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

LONGEST_ENDING = 8
_LIKE_SIGNS = str.maketrans({"!": "!!", "%": "!%", "_": "!_"})


class folded_name(GenericFunction[str]):  # noqa: N801  # a function of SQL
    """A name as it is sorted for people: large and small letters alike."""

    type = String()
    inherit_cache = True


class name_has(GenericFunction[bool]):  # noqa: N801  # a function of SQL
    """Whether a name holds some words, in any case; made by holds_words()."""

    type = Boolean()
    inherit_cache = True


class name_ending(GenericFunction[str]):  # noqa: N801  # a function of SQL
    """What follows the last dot of a name, in small letters; "" for nothing, or for more than a type's ending."""

    type = String()
    inherit_cache = True


def holds_words(name: ColumnElement[bytes], words: str) -> ColumnElement[bool]:
    """The condition that `name` holds `words`, whatever their case and accents."""
    like = f"%{unicodedata.normalize('NFC', words).translate(_LIKE_SIGNS)}%"
    return name_has(name, literal(like), literal(fold(words.encode("utf-8", "replace"))))


def fold(name: bytes) -> str:
    """A name without case and accents."""
    text = unicodedata.normalize("NFKD", name.decode("utf-8", "replace"))
    return "".join(sign for sign in text if not unicodedata.combining(sign)).casefold()


@compiles(folded_name, "mysql")
def _folded_in_mysql(element: folded_name, compiler: Any, **options: Any) -> str:
    return f"{_text(compiler.process(element.clauses, **options))} COLLATE utf8mb4_unicode_520_ci"


@compiles(name_has, "mysql")
def _has_in_mysql(element: name_has, compiler: Any, **options: Any) -> str:
    name, like, _ = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({_text(name)} COLLATE utf8mb4_unicode_520_ci LIKE {like} ESCAPE '!')"


@compiles(name_has, "sqlite")
def _has_in_sqlite(element: name_has, compiler: Any, **options: Any) -> str:
    name, _, folded = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(instr(folded_name({name}), {folded}) > 0)"


@compiles(name_ending, "mysql")
def _ending_in_mysql(element: name_ending, compiler: Any, **options: Any) -> str:
    name = compiler.process(element.clauses, **options)
    ending = f"SUBSTRING_INDEX({name}, '.', -1)"
    return (f"(CASE WHEN LOCATE('.', {name}) > 0 AND LENGTH({ending}) <= {LONGEST_ENDING}"
            f" THEN LOWER(CONVERT({ending} USING latin1)) ELSE '' END)")


def _text(name: str) -> str:
    return f"CONVERT({name} USING utf8mb4)"


def _ending(name: bytes) -> str:
    _, dot, ending = name.rpartition(b".")
    return ending.decode("latin-1").lower() if dot and len(ending) <= LONGEST_ENDING else ""


SQLITE_FUNCTIONS: dict[str, Callable[[bytes], str]] = {"folded_name": fold, "name_ending": _ending}
"""What SQLite lacks of the above, each of one argument."""
