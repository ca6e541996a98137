"""Signs that nobody sees and that no name needs: control characters, and those that turn the text after them."""
from __future__ import annotations

import unicodedata

TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that make the text after them run the other way, so that a name can pretend to be another."""
UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's categories of control characters, halves of characters, and ends of lines and paragraphs."""


def hidden_sign(text: str, allowed: str = "") -> str:
    """The first such sign in `text` beside the allowed ones; "" when there is none."""
    for sign in text:
        if sign in TURNING or (unicodedata.category(sign) in UNSEEN and sign not in allowed):
            return sign
    return ""
