"""Makes the bytes of the workload: text, programs, pictures, databases, seeded and alike on every machine."""
from __future__ import annotations

import random
import sqlite3
from itertools import accumulate
from pathlib import Path

MEGABYTE = 1_000_000
SYLLABLES = (
    "ka", "lo", "mi", "ta", "re", "so", "an", "ve", "du", "ri", "pol", "ser", "con", "tra", "men", "der", "ung", "ion",
    "est", "pre", "sta", "fil", "dat", "get", "set", "bak", "run", "key", "val", "ing", "tor", "nal",
)
LINES = 30_000
BLOCKS = 6_000


class Content:
    """A source of bytes with the compressibility of real files; the same seed gives the same bytes."""

    def __init__(self, seed: int) -> None:
        """Prepares what text and programs are put together from."""
        self.random = random.Random(seed)
        words = ["".join(self.random.choices(SYLLABLES, k=self.random.randint(1, 4))) for _ in range(4_000)]
        weights = list(accumulate(1 / (rank + 3) for rank in range(len(words))))
        self._lines = [self._line(self.random.choices(words, cum_weights=weights, k=self.random.randint(2, 12)))
                       for _ in range(LINES)]
        self._blocks = [self.random.randbytes(self.random.randint(3, 14)) for _ in range(BLOCKS)]
        self._block_weights = list(accumulate(1 / (rank + 20) for rank in range(BLOCKS)))

    def text(self, size: int) -> bytes:
        """Sources, documents and pages; a quarter to a third of it stays after compression."""
        parts = []
        left = size
        while left > 0:
            part = b"".join(self.random.choices(self._lines, k=max(1, left // 45)))
            parts.append(part)
            left -= len(part)
        return b"".join(parts)[:size]

    def program(self, size: int) -> bytes:
        """Libraries and object code: recurring instructions with odd bytes between; about half stays."""
        parts = []
        left = size
        while left > 0:
            blocks = self.random.choices(
                self._blocks, cum_weights=self._block_weights, k=max(1, min(left // 8, 100_000)))
            part = b"".join(blocks)
            parts.append(part)
            left -= len(part)
        return b"".join(parts)[:size]

    def picture(self, size: int) -> bytes:
        """What is compressed already."""
        return self.random.randbytes(size)

    def write_archive(self, path: Path, size: int) -> None:
        """Programs and some text one after the other, as in a tar file."""
        with path.open("wb") as file:
            while file.tell() < size:
                make = self.random.choice((self.program, self.program, self.program, self.text))
                file.write(make(min(size - file.tell(), self.random.randint(20_000, 2 * MEGABYTE))))

    def write_image(self, path: Path, size: int) -> None:
        """A disk image: programs, text, pictures, and stretches of zeros, in blocks of 4096 bytes."""
        with path.open("wb") as file:
            while file.tell() < size:
                length = min(size - file.tell(), 4096 * self.random.randint(1, 400))
                make = self.random.choice((self.program, self.program, self.text, self.picture, bytes))
                file.write(make(length))

    def write_noise(self, path: Path, size: int) -> None:
        """Nothing that compresses: films, encrypted containers."""
        with path.open("wb") as file:
            while file.tell() < size:
                file.write(self.picture(min(size - file.tell(), MEGABYTE)))

    def write_log(self, path: Path, size: int) -> None:
        """A web server's log."""
        pages = [self.random.choice(self._lines).split()[0].decode() for _ in range(500)]
        second = 0
        with path.open("w") as file:
            while file.tell() < size:
                for _ in range(2_000):
                    second += self.random.randrange(3)
                    file.write(f"192.0.2.{self.random.randrange(256)} - - [22/Nov/2026:{second // 3600 % 24:02}:"
                               f"{second // 60 % 60:02}:{second % 60:02} +0000] \"GET /{self.random.choice(pages)}"
                               f"?id={self.random.randrange(99_999)} HTTP/1.1\" 200 {self.random.randrange(90_000)}\n")
            file.truncate(size)

    def write_database(self, path: Path, size: int) -> None:
        """An application's SQLite file with an index."""
        database = sqlite3.connect(path)
        database.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; CREATE TABLE entry("
                               "id INTEGER PRIMARY KEY, customer INTEGER, amount REAL, note TEXT, token BLOB);")
        while path.stat().st_size < size * 0.87:  # the index takes the rest
            notes = self.random.choices(self._lines, k=40_000)
            database.executemany("INSERT INTO entry(customer, amount, note, token) VALUES(?,?,?,?)", (
                (self.random.randrange(40_000), self.random.randrange(10**6) / 100, note.decode(),
                 self.random.randbytes(16)) for note in notes))
            database.commit()
        database.execute("CREATE INDEX by_customer ON entry(customer, amount)")
        database.commit()
        database.close()

    def _line(self, words: list[str]) -> bytes:
        indent = " " * self.random.choice((0, 0, 4, 8))
        end = self.random.choice((";", "", ".", ",", " {", ");", f" = {self.random.randrange(10_000)};"))
        return f"{indent}{' '.join(words)}{end}\n".encode()
