"""QR codes as drawings that stand in a page: attributes only, since the policy forbids styles in it."""
from __future__ import annotations

import io

import segno

SCALE, MARGIN = 4, 4
"""The side of a module in pixels, and how many modules of white the standard asks for around the code."""


def draw(text: str) -> str:
    """An SVG of the QR code (ISO 18004) of `text`, black on white whatever the page's colours are."""
    code = segno.make(text, error="m", micro=False)
    side = code.symbol_size(scale=SCALE, border=MARGIN)[0]
    drawing = io.BytesIO()
    code.save(drawing, kind="svg", border=MARGIN, xmldecl=False, svgns=False, svgclass="qr", lineclass=None,
              omitsize=True, dark="#000", light="#fff", nl=False)
    plain = drawing.getvalue().decode()
    return plain.replace("<svg ", f'<svg width="{side}" height="{side}" aria-hidden="true" focusable="false" ', 1)
