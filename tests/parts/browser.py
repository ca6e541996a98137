"""A customer's browser without a screen: signs in over HTTP, follows links, downloads; pages must be strict HTML5."""
from __future__ import annotations

import http.client
import io
import zipfile
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urljoin, urlsplit
from xml.etree.ElementTree import Element

import html5lib
from html5lib.html5parser import ParseError


@dataclass
class Page:
    """An answer: `body` is complete, or its transfer raised http.client.IncompleteRead."""

    address: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes
    tree: Element | None = None

    @property
    def text(self) -> str:
        """The words a person sees."""
        assert self.tree is not None, self.address
        return " ".join(" ".join(self.tree.itertext()).split())

    @property
    def links(self) -> list[tuple[str, str]]:
        """Its links: what is written on each or, on an icon, what it is called; and where it leads."""
        assert self.tree is not None, self.address
        return [
            (" ".join("".join(link.itertext()).split()) or link.get("aria-label", ""),
             urljoin(self.address, link.get("href", "")))
            for link in self.tree.iter("a")
        ]

    def link(self, words: str) -> str:
        """Where the last link leads on which this is written; those before may be the way back."""
        return next(address for written, address in reversed(self.links) if written == words)

    @property
    def zip(self) -> dict[str, bytes]:
        """The files in an archive; every checksum is verified."""
        with zipfile.ZipFile(io.BytesIO(self.body)) as archive:
            return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


@dataclass
class Browser:
    """Cookies and a way to the portal at `portal`."""

    portal: str
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, address: str) -> Page:
        """A page or a download; redirects are followed."""
        return self._ask("GET", urljoin(self.portal, address))

    def sign_in(self, name: str, password: str) -> Page:
        """Fill in the form and send it; the page that comes then."""
        form = self.get("/sign-in")
        assert form.tree is not None
        token = next(box.get("value", "") for box in form.tree.iter("input") if box.get("name") == "csrf_token")
        return self._ask("POST", form.address, {"name": name, "password": password, "csrf_token": token})

    def fill(self, address: str, fields: dict[str, str]) -> Page:
        """Open the page at `address`, fill in its form in the middle of the page and send it; the page that comes then.
        """
        page = self.get(address)
        assert page.tree is not None
        middle = page.tree.find(".//main")
        assert middle is not None, address
        form = next(form for form in middle.iter("form") if form.get("method") == "post")
        hidden = (box for box in form.iter("input") if box.get("type") == "hidden")
        given = {box.get("name", ""): box.get("value", "") for box in hidden}
        return self._ask("POST", urljoin(page.address, form.get("action", "")), given | fields)

    def _ask(self, method: str, address: str, fields: dict[str, str] | None = None) -> Page:
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.netloc, timeout=30)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""),
                               urlencode(fields) if fields else None, headers)
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie", ()):
                self.cookies |= {name: held.value for name, held in SimpleCookie(cookie).items()}
            page = Page(address, answer.status, answer.headers, answer.read())
        finally:
            connection.close()
        if page.status in {301, 302, 303, 308}:
            return self._ask("GET", urljoin(address, page.headers["Location"]))
        if page.headers.get_content_type() == "text/html":
            try:
                page.tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page.body)
            except ParseError as error:
                raise AssertionError(f"{address} is not strict HTML5: {error!r}") from error
        return page
