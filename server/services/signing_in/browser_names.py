"""What to call a browser: two words made from what it says of itself."""
from __future__ import annotations

BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser/", "Samsung Internet"), ("Firefox/", "Firefox"),
            ("FxiOS/", "Firefox"), ("CriOS/", "Chrome"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
            ("curl/", "curl"))
"""Signs and names in the order in which they are looked for: many browsers say that they are others, too."""
SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"),
           ("CrOS", "ChromeOS"), ("Mac OS X", "macOS"), ("Macintosh", "macOS"), ("Linux", "Linux"))


def browser_name(said: str) -> str:
    """A short name for a User-Agent header.

    >>> browser_name("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
    'Firefox on Linux'
    >>> browser_name("")
    'Unknown browser'
    """
    name = next((word for sign, word in BROWSERS if sign in said), "Unknown browser")
    system = next((word for sign, word in SYSTEMS if sign in said), "")
    return f"{name} on {system}" if system else name
