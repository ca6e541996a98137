"""The house keeps its plan: who may import whom, which files may do what, and how large anything gets.

Each rule is a function from a folder to a list of broken places, so that the rules themselves are tested on small
trees that break them. docs/architecture.md draws the same plan.
"""
from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGES = ("client", "protocol", "server", "vault")

WEB = {"flask", "werkzeug", "jinja2", "waitress", "urllib3", "urllib.request", "http", "requests", "socketserver"}
FORBIDDEN = {
    "vault": WEB | {"client", "server", "protocol", "tkinter", "sqlalchemy"},
    "protocol": WEB | {"client", "server", "tkinter", "sqlalchemy"},
    "client": {"server", "flask", "werkzeug", "sqlalchemy"},
    "server": {"client", "tkinter"},
    "server/models": {"server.services", "server.views", "server.access", "server.browser", "server.forms"},
    "server/services": {"server.views", "server.access", "server.browser", "server.forms", "server.app", "flask"},
    "server/views": {"sqlalchemy", "server.gateway", "server.extensions.db"},
}
"""Folder → what nothing in it imports, wherever in a file the import stands."""
EXCEPTIONS = {
    "server/views/exchange.py": {"sqlalchemy", "server.extensions.db"},  # repeats a call whose transaction lost a race
}

ALLOWED_ALONE = {
    "ftplib": {"vault/sessions.py", "vault/transfers.py", "vault/failures.py"},
    "ftputil": {"vault/sessions.py", "vault/transfers.py", "vault/failures.py"},
    "pyftpdlib": {"server/gateway.py"},
    "tkinter": {"client/gui"},
    "tktooltip": {"client/gui"},
    "ctypes": {"client/system"},
}
"""Library → the only files, or the only folder, that use it."""
FROM_VAULT_IN_PROTOCOL = {"vault.errors"}

EDGES = {
    "client/cli.py": "the last line of defence: whatever it is, a person gets one sentence and an exit code",
    "client/jobs/runner.py": "reads what a job's process prints, whatever that is",
    "server/cli.py": "like client/cli.py",
    "server/errors.py": "the table from error class to page",
    "server/gateway.py": "one session's failure must not end the others",
    "server/jobs.py": "one job's failure must not end the worker",
}
"""The files that may swallow any exception, and why."""
HANDED_OVER = {
    "client/run/backup.py": "every end of a run, whatever it is, is told to portal, log and caller",
    "client/run/entries.py": "raised again in the thread that adds entries",
    "client/run/pipeline.py": "raised again in the thread that uses the pipeline",
    "vault/writer.py": "raised again in the thread that waits for the pack",
}
"""The files that catch everything in one thread and raise it in another."""

MODULE_LINES = 300
TEST_LINES = 500
FUNCTION_LINES = 40
TEMPLATE_LINES = 120
LARGER_MODULES: dict[str, int] = {}
"""A ratchet: these may not grow, and leave this list when they fit."""
LARGER_FUNCTIONS = {"tests/client/talking_portal.py: __init__": 50}

Rule = Callable[[Path], list[str]]


def python_files(root: Path, *folders: str) -> Iterator[Path]:
    """Every module below these folders of `root`."""
    for folder in folders:
        yield from sorted((root / folder).rglob("*.py"))


def imports(file: Path, *, for_types: bool = True) -> set[str]:
    """The dotted names that a file imports anywhere; “from a.b import c” counts as a.b and as a.b.c.

    `for_types` includes those that stand under “if TYPE_CHECKING” and never happen when the program runs.
    """
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(file.read_text("utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING") and not for_types:
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("__import__", "importlib.import_module"):
            found.add(str(node.args[0].value) if isinstance(node.args[0], ast.Constant) else ast.unparse(node.args[0]))
    return found


def is_part_of(name: str, parent: str) -> bool:
    """Is a dotted name the other one, below it, or one of its extensions (flask_login of flask)?"""
    return name == parent or name.startswith((f"{parent}.", f"{parent}_"))


def forbidden_imports(root: Path) -> list[str]:
    """Imports against the direction of the layers, and relative ones."""
    broken = []
    for folder, names in FORBIDDEN.items():
        for file in python_files(root, folder):
            place = file.relative_to(root).as_posix()
            refused = names - EXCEPTIONS.get(place, set())
            broken += [f"{place} imports {name}" for name in sorted(imports(file))
                       if name.startswith(".") or any(is_part_of(name, forbidden) for forbidden in refused)]
    for file in python_files(root, "protocol"):
        broken += [f"{file.relative_to(root)} imports {name}" for name in sorted(imports(file))
                   if is_part_of(name, "vault") and not any(is_part_of(name, good) for good in FROM_VAULT_IN_PROTOCOL)]
    return broken


def misplaced_libraries(root: Path) -> list[str]:
    """Libraries used outside the files that own them."""
    broken = []
    for file in python_files(root, *PACKAGES):
        place = file.relative_to(root).as_posix()
        for library, owners in ALLOWED_ALONE.items():
            owned = any(place == owner or place.startswith(f"{owner}/") for owner in owners)
            if not owned and any(is_part_of(name, library) for name in imports(file)):
                broken.append(f"{place} imports {library}")
        if place.startswith("client/gui/presenters/") and any(is_part_of(name, "tkinter") for name in imports(file)):
            broken.append(f"{place} imports tkinter")
    return broken


def circles(root: Path) -> list[str]:
    """Modules that import each other, directly or around corners, also inside functions."""
    files = {file.relative_to(root).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"): file
             for file in python_files(root, *PACKAGES)}
    graph = {name: {other for other in imports(file, for_types=False) & files.keys()
                    if other != name and not _is_gate(file, other)}
             for name, file in files.items()}
    broken = []
    for start in sorted(graph):
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting += graph[name]
        if start in seen:
            broken.append(f"{start} imports itself by way of {', '.join(sorted(graph[start] & seen))}")
    return broken


def _is_gate(file: Path, name: str) -> bool:
    """A package's own __init__ is loaded before its modules anyway, so “from server.models import x” is no circle."""
    return file.name != "__init__.py" and name == ".".join(file.parts[-len(name.split(".")) - 1:-1])


def broad_excepts(root: Path) -> list[str]:
    """Handlers that swallow every exception outside the edges; cleaning up and raising again is fine anywhere."""
    broken = []
    for file in python_files(root, *PACKAGES):
        place = file.relative_to(root).as_posix()
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node) and place not in EDGES | HANDED_OVER:
                broken.append(f"{place}:{node.lineno} catches everything")
    return broken


def _is_broad(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    caught = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else None
    return caught is None or bool(caught & {"Exception", "BaseException"})


def oversized(root: Path) -> list[str]:
    """Modules, functions and templates that have found a second job; and ratchet entries that are no longer needed."""
    broken, larger = [], set()
    for file in python_files(root, *PACKAGES, "tests", "bench", "script"):
        place = file.relative_to(root).as_posix()
        text = file.read_text("utf-8")
        lines = text.count("\n")
        limit = TEST_LINES if place.startswith("tests/") else MODULE_LINES
        if lines > LARGER_MODULES.get(place, limit):
            broken.append(f"{place} has {lines} lines")
        if lines > limit:
            larger.add(place)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name, length = f"{place}: {node.name}", (node.end_lineno or 0) - node.lineno + 1
                if length > LARGER_FUNCTIONS.get(name, FUNCTION_LINES):
                    broken.append(f"{name} has {length} lines")
                if length > FUNCTION_LINES:
                    larger.add(name)
    for file in sorted((root / "templates").rglob("*.html")):
        if (lines := file.read_text("utf-8").count("\n")) > TEMPLATE_LINES:
            broken.append(f"{file.relative_to(root)} has {lines} lines")
    if root == CHECKOUT:
        broken += [f"{name} fits now; take it off the list" for name in LARGER_MODULES | LARGER_FUNCTIONS
                   if name not in larger]
    return broken


def unexplained(root: Path) -> list[str]:
    """Modules without a sentence of purpose, words that put work off, and modules named for nothing."""
    broken = []
    for file in python_files(root, *PACKAGES, "bench", "script"):
        place = file.relative_to(root).as_posix()
        text = file.read_text("utf-8")
        if text.strip() and not ast.get_docstring(ast.parse(text)):
            broken.append(f"{place} doesn't say what it is for")
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text):
            broken.append(f"{place} puts work off")
        if re.search(r"(^|_)(utils?|helpers?|common|manager|misc)$", file.stem):
            broken.append(f"{place} is named for no job")
    return broken


RULES: list[Rule] = [forbidden_imports, misplaced_libraries, circles, broad_excepts, oversized, unexplained]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_it_is_built_as_drawn(rule: Rule) -> None:
    assert rule(CHECKOUT) == []


@pytest.mark.parametrize(("rule", "place", "text"), [
    (forbidden_imports, "vault/chunks.py", "def cut():\n    from server.models import Run\n"),
    (forbidden_imports, "vault/chunks.py", "from protocol.messages import Entry\n"),
    (forbidden_imports, "protocol/messages/base.py", "import vault.keys\n"),
    (forbidden_imports, "client/run/scan.py", "class Scan:\n    def walk(self):\n        import server\n"),
    (forbidden_imports, "client/run/scan.py", "import importlib\nimportlib.import_module('server.app')\n"),
    (forbidden_imports, "client/run/scan.py", "from . import index\n"),
    (forbidden_imports, "server/app.py", "from client.store.index import Index\n"),
    (forbidden_imports, "server/services/backup/runs.py", "def open():\n    from flask_login import current_user\n"),
    (forbidden_imports, "server/views/files.py", "from server.extensions import db\n"),
    (misplaced_libraries, "vault/doctor.py", "def probe():\n    import ftplib\n"),
    (misplaced_libraries, "server/app.py", "from pyftpdlib.servers import FTPServer\n"),
    (misplaced_libraries, "client/run/backup.py", "import tkinter.ttk\n"),
    (misplaced_libraries, "client/gui/presenters/home.py", "import tkinter\n"),
    (broad_excepts, "client/run/scan.py", "try:\n    pass\nexcept Exception:\n    pass\n"),
    (broad_excepts, "client/run/scan.py", "try:\n    pass\nexcept (OSError, Exception) as error:\n    print(error)\n"),
    (broad_excepts, "vault/packs.py", "try:\n    pass\nexcept:\n    pass\n"),
    (oversized, "vault/packs.py", "\n" * 301),
    (oversized, "vault/packs.py", "def fill():\n" + "    pass\n" * 40),
    (oversized, "templates/home/index.html", "\n" * 121),
    (unexplained, "vault/packs.py", "import os\n"),
    (unexplained, "vault/packs.py", '"""Packs."""\n# TODO later\n'),
    (unexplained, "vault/pack_utils.py", '"""Packs."""\n'),
])
def test_it_notices_what_breaks_the_plan(rule: Rule, place: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert [broken for broken in rule(tmp_path) if place in broken]


def test_it_notices_modules_that_import_each_other_in_a_circle(tmp_path: Path) -> None:
    (tmp_path / "vault").mkdir()
    (tmp_path / "vault/keys.py").write_text("import vault.packs\n")
    (tmp_path / "vault/packs.py").write_text("from vault import blobs\n")
    (tmp_path / "vault/blobs.py").write_text("def seal():\n    from vault.keys import derive\n")
    (tmp_path / "vault/errors.py").write_text("import os\n")
    assert [line.split()[0] for line in circles(tmp_path)] == ["vault.blobs", "vault.keys", "vault.packs"]


@pytest.mark.parametrize(("place", "text"), [
    ("vault/sessions.py", "import ftplib\n"),
    ("client/cli.py", "try:\n    pass\nexcept Exception:\n    pass\n"),
    ("vault/packs.py", "try:\n    pass\nexcept BaseException:\n    print('undone')\n    raise\n"),
    ("protocol/errors.py", "from vault.errors import BackupError\n"),
    ("server/services/backup/runs.py", "from server.extensions import db\n"),
])
def test_it_lets_pass_what_the_plan_allows(place: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / place
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert [broken for rule in RULES for broken in rule(tmp_path) if "say what" not in broken] == []
