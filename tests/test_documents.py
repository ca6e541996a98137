"""What the documents promise is there, and what is there is in the documents."""
from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

from client.cli import COMMANDS
from server.cli import build_parser

CHECKOUT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted(
    path.name for path in (CHECKOUT / "script").iterdir() if path.is_file() and os.access(path, os.X_OK))
PAGES = [*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md"), *(CHECKOUT / "bench").glob("*.md")]


@pytest.fixture(scope="module")
def error_reference() -> Any:
    """The script that writes docs/errors.md."""
    loader = SourceFileLoader("error_reference", str(CHECKOUT / "script/error-reference"))
    spec = spec_from_loader("error_reference", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_each_error_has_a_code_a_sentence_and_a_hint_of_its_own(error_reference: Any) -> None:
    classes = error_reference.error_classes()
    assert len(classes) > 50
    assert [code for code, count in Counter(error.code for error in classes).items() if count > 1] == []
    assert [error for error in classes if "code" not in vars(error)] == []
    assert [error for error in classes if not re.fullmatch(r"IBS-[1-59]\d{3}", error.code)] == []
    assert [error for error in classes if not re.fullmatch(r".+[.!?]", error_reference.sentence(error))] == []
    assert [error for error in classes if not re.fullmatch(r".+[.!?)”]", error.hint)] == []


def test_each_error_is_in_the_reference(error_reference: Any) -> None:
    written = (CHECKOUT / "docs/errors.md").read_text("utf-8")
    assert written == error_reference.reference(), "run script/error-reference"
    for error in error_reference.error_classes():
        assert f"| {error.code} | {error_reference.escaped(error_reference.sentence(error))}" in written


def test_codes_in_documents_and_programs_are_those_of_errors(error_reference: Any) -> None:
    known = {error.code for error in error_reference.error_classes()}
    for page in [*PAGES, *(path for package in ("client", "server", "vault", "protocol")
                           for path in (CHECKOUT / package).rglob("*.py"))]:
        unknown = set(re.findall(r"IBS-\d{4}", page.read_text("utf-8"))) - known
        assert not unknown, f"{page.relative_to(CHECKOUT)}: {unknown}"


def words_of(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command with its options: (("storage", "add"), "--pin") and (("storage", "add"), "")."""
    yield path, ""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from words_of(below, (*path, name))
        else:
            yield from ((path, option) for option in action.option_strings if option.startswith("--"))


def section_of(page: str, command: tuple[str, ...]) -> str:
    """The part of a page whose heading begins with the command's words; the longest match, "" when there is none."""
    for length in range(len(command), 0, -1):
        wanted = " ".join(command[:length])
        for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
            heading = part.splitlines()[0].replace("`", "")
            if any(words.strip().startswith(wanted) for words in heading.split("|")):
                return part
    return ""


def client_words() -> Iterator[tuple[tuple[str, ...], str]]:
    for name in COMMANDS:
        parser = argparse.ArgumentParser()
        import_module(f"client.commands.{name.replace('-', '_')}").add_arguments(parser)
        yield from words_of(parser, (name,))


@pytest.mark.parametrize(("page", "words"), [
    ("client-commands.md", list(client_words())), ("server-commands.md", list(words_of(build_parser())))])
def test_each_command_and_option_is_described(page: str, words: list[tuple[tuple[str, ...], str]]) -> None:
    text = (CHECKOUT / "docs" / page).read_text("utf-8")
    missing = [(*command, option) for command, option in words
               if command and option != "--help" and (not (section := section_of(text, command))
                                                      or not re.search(rf"{option}\b", section))]
    assert [words for words in missing if words[-1] != "--data"] == []
    assert "--home" in text or "--data" in text


def test_each_command_of_the_documents_exists() -> None:
    known = {"ibs-client": {command[0] for command, _ in client_words()},
             "ibs-server": {command[0] for command, _ in words_of(build_parser()) if command}}
    found = set()
    for page in PAGES:
        text = page.read_text("utf-8")
        shell = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)).splitlines()
        for snippet in [*shell, *re.findall(r"`([^`\n]+)`", text)]:
            found |= set(re.findall(r"(?:^|\| )(ibs-client|ibs-server)(?: --(?:data|home) \S+)* ([a-z-]+)", snippet))
    assert len(found) > 10
    assert {(program, command) for program, command in found if command not in known[program]} == set()


def test_each_link_leads_somewhere() -> None:
    broken = []
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text):
            path, _, anchor = target.partition("#")
            if "://" in target or target.startswith("mailto:"):
                continue
            found = page if not path else (page.parent / path)
            if not found.exists() or (anchor and found.suffix == ".md" and anchor not in anchors_of(found)):
                broken.append(f"{page.relative_to(CHECKOUT)}: {target}")
    assert broken == []


def anchors_of(page: Path) -> set[str]:
    """The names under which a page's headings can be linked."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_each_file_that_is_named_exists() -> None:
    broken = []
    sources = [path for package in ("client", "server", "vault", "protocol", "script", "bench")
               for path in (CHECKOUT / package).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    for page in [*PAGES, *sources]:
        try:
            text = page.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        for name in re.findall(r"\b((?:docs|script|bench|tests)/[\w./-]*\w)", text):
            found = CHECKOUT / name
            if not found.exists() and not found.with_name(f"{found.name}.py").exists() and ".venv" not in name:
                broken.append(f"{page.relative_to(CHECKOUT)}: {name}")
    assert broken == []


def test_each_page_is_found_from_the_index() -> None:
    reachable, waiting = set(), [CHECKOUT / "README.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in reachable or not page.exists() or page.suffix != ".md":
            continue
        reachable.add(page)
        waiting += [page.parent / target.partition("#")[0]
                    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")) if "://" not in target]
    assert [str(page.relative_to(CHECKOUT)) for page in PAGES if page.resolve() not in reachable] == []


@pytest.mark.parametrize("package", ["vault", "protocol", "client", "server"])
def test_each_module_is_on_the_map(package: str) -> None:
    text = (CHECKOUT / "docs/architecture.md").read_text("utf-8")
    room = next(part for part in text.split("\n\n") if part.startswith(f"**{package}/**"))
    named = set(re.findall(r"`([\w/]+)`", room))
    there = {path.stem if path.is_file() else f"{path.name}/" for path in (CHECKOUT / package).iterdir()
             if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()}
    assert named == there


@pytest.mark.parametrize("package", ["client", "server/services"])
def test_each_room_of_the_map_names_its_modules(package: str) -> None:
    rows = re.findall(r"^\| `(\w+)/` \| (.*) \|$", (CHECKOUT / "docs/architecture.md").read_text("utf-8"), re.MULTILINE)
    named = {room: set(re.findall(r"`(\w+)`", words)) for room, words in rows if (CHECKOUT / package / room).is_dir()}
    assert named
    for room, modules in named.items():
        assert modules == {path.stem for path in (CHECKOUT / package / room).glob("*.py")} - {"__init__"}, room


def test_documents_hold_no_trace_of_the_machine_they_were_written_on() -> None:
    traces = re.compile(r"/work\b|/tmp/plan|/root/|\.\./shared")
    for page in PAGES:
        assert not traces.search(page.read_text("utf-8")), page.name


@pytest.mark.parametrize("script", SCRIPTS)
def test_each_script_says_what_it_is_for(script: str) -> None:
    head = (CHECKOUT / "script" / script).read_text("utf-8").splitlines()
    assert head[0].startswith("#!")
    assert head[1].startswith(("# ", '"""'))
    assert script in (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8")


def test_the_reference_can_be_checked_without_writing() -> None:
    assert subprocess.run([sys.executable, CHECKOUT / "script/error-reference", "--check"], check=False).returncode == 0
