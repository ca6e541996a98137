"""Which folders of a tree are ticked: pure functions from a set of paths and a click to the next set."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from client.gui.presenters.first_run import is_inside
from client.gui.presenters.words import name_of, readable

Chosen = frozenset[str]


def box_of(path: str, chosen: Chosen) -> str:
    """on when the folder is protected with all it holds, part when something in it is, else off."""
    if any(is_inside(path, one) for one in chosen):
        return "on"
    return "part" if any(is_inside(one, path) for one in chosen) else "off"


def toggle(path: str, chosen: Chosen) -> tuple[Chosen, str]:
    """The choice after a click on that folder's box, and a sentence when the click could not do what was meant."""
    if path in chosen:
        return chosen - {path}, ""
    outer = next((one for one in sorted(chosen) if is_inside(path, one)), "")
    if outer:
        return chosen, (f"“{name_of(path)}” is part of “{name_of(outer)}”. Untick that one and tick what you want of "
                        "it, or leave things out by a pattern on the page Folders.")
    return frozenset(one for one in chosen if not is_inside(one, path)) | {path}, ""


def place_name(place: Mapping[str, Any]) -> str:
    """What a row of the tree is called."""
    name = readable(str(place["name"]))
    if place.get("kind") == "home":
        return f"{name} (your own folder)"
    return "This computer (/)" if place["path"] == "/" else name
