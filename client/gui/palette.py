"""The colours of the window: the portal's tokens, or the system's own where the reader asked for high contrast."""
from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Palette:
    """One colour for each job; a pair is (ink, ground) of a state."""

    page: str = "#f4f6fa"
    card: str = "#ffffff"
    line: str = "#e4e7ec"
    heading: str = "#f9fafb"
    text: str = "#101828"
    secondary: str = "#475467"
    accent: str = "#175cd3"
    accent_hover: str = "#1d63dd"
    accent_pressed: str = "#1849a9"
    on_accent: str = "#ffffff"
    control: str = "#808a9c"
    hover: str = "#eef1f6"
    pressed: str = "#e4e7ec"
    disabled: str = "#475467"
    disabled_ground: str = "#eaecf0"
    selected: str = "#dbe8fd"
    selected_text: str = "#101828"
    nav: str = "#0f2340"
    nav_text: str = "#c9d3e3"
    nav_hover: str = "#182f55"
    nav_selected: str = "#1f3d6b"
    nav_selected_text: str = "#ffffff"
    nav_foot: str = "#8ea3c2"
    nav_focus: str = "#84adff"
    ok: tuple[str, str] = ("#067647", "#d1fadf")
    warn: tuple[str, str] = ("#93370d", "#fef0c7")
    error: tuple[str, str] = ("#b42318", "#fee4e2")
    info: tuple[str, str] = ("#175cd3", "#eff4ff")
    neutral: tuple[str, str] = ("#344054", "#f2f4f7")
    plain: bool = False

    def of_state(self, state: str) -> tuple[str, str]:
        """(ink, ground) of ok, warn, error, info or neutral; an unknown state is neutral."""
        found = getattr(self, state, self.neutral)
        return found if isinstance(found, tuple) else self.neutral


COLOURS = Palette()


def system_palette() -> Palette:
    """The system's own colours and no others: what the reader chose for text, grounds and selections."""
    if sys.platform == "win32":
        ground, text, chosen, on_chosen = "SystemWindow", "SystemWindowText", "SystemHighlight", "SystemHighlightText"
    else:
        ground, text, chosen, on_chosen = "#ffffff", "#000000", "#000000", "#ffffff"
    pair = (text, ground)
    return Palette(
        page=ground, card=ground, line=text, heading=ground, text=text, secondary=text, accent=chosen,
        accent_hover=chosen, accent_pressed=chosen, on_accent=on_chosen, control=text, hover=ground, pressed=ground,
        disabled=text, disabled_ground=ground, selected=chosen, selected_text=on_chosen, nav=ground, nav_text=text,
        nav_hover=ground, nav_selected=chosen, nav_selected_text=text, nav_foot=text, nav_focus=chosen,
        ok=pair, warn=pair, error=pair, info=pair, neutral=pair, plain=True,
    )
