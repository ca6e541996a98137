"""The folders that are backed up: many small files, a few large ones, a day's changes, a million files."""
from __future__ import annotations

import math
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

from bench.content import MEGABYTE, Content

SMALL_FILES, SMALL_BYTES, SMALL_LARGEST = 20_000, 369 * MEGABYTE, 1_000_000
LARGE = {"archive.tar": 400, "application.sqlite": 225, "film.bin": 210, "machine.img": 140, "access.log": 100}
"""Name → megabytes; 1,075 together."""
MANY_FILES = 1_000_000
FILES_PER_FOLDER = 12
OVERWRITTEN, INSERTED, INSERTED_AT = 1_000_000, 100_000, 65_536
OLD = 1_700_000_000
"""When everything was last changed: long before the first backup, as most files are."""


class Workload:
    """The trees below one folder, made when they are missing. `scale` shrinks them to try the measurement out."""

    def __init__(self, folder: Path, scale: float) -> None:
        """The trees are kept from run to run, each scale apart."""
        self.folder = folder / f"workload-{scale:g}"
        self.scale = scale
        self.small, self.large = self.folder / "small", self.folder / "large"
        self.many, self.few = self.folder / "many", self.folder / "many" / "tenth"
        self._originals = self.folder / "originals"

    def make_small(self) -> None:
        """20,000 files of 369 MB in nested folders."""
        with made_once(self.small) as folder:
            if folder:
                self._write_small(folder)

    def make_large(self) -> None:
        """Five files of 1.08 GB."""
        with made_once(self.large) as folder:
            if folder:
                self._write_large(folder)

    def make_many(self) -> None:
        """1,000,000 names, a tenth of them in the folder `few`; few contents, so that they fit on any disk."""
        with made_once(self.many) as folder:
            if folder:
                self._write_many(folder)

    def change_small(self) -> None:
        """Edit 1 % of the small files: half of them keep their size, half of them grow."""
        chosen = random.Random(3)
        files = sorted(path for path in self.small.rglob("*") if path.is_file())
        for number, path in enumerate(chosen.sample(files, max(2, len(files) // 100))):
            self._keep(path)
            with path.open("r+b") as file:
                if number % 2 and path.stat().st_size > 64:
                    file.seek(path.stat().st_size // 2)
                    file.write(chosen.randbytes(min(200, path.stat().st_size // 2)))
                else:
                    file.seek(0, os.SEEK_END)
                    file.write(b"\nedited %d\n" % chosen.randrange(10**9))

    def change_large(self) -> None:
        """Overwrite 1 MB in the middle of the database, insert 100 KB near the beginning of the image."""
        chosen = random.Random(4)
        database, image = self.large / "application.sqlite", self.large / "machine.img"
        self._keep(database)
        self._keep(image)
        with database.open("r+b") as file:
            file.seek(database.stat().st_size // 2)
            file.write(chosen.randbytes(self._scaled(OVERWRITTEN)))
        content = image.read_bytes()
        image.write_bytes(content[:INSERTED_AT] + chosen.randbytes(self._scaled(INSERTED)) + content[INSERTED_AT:])

    def undo_changes(self) -> None:
        """Everything as it was, times included."""
        for kept in list(files_in(self._originals)):
            shutil.copy2(kept, self.folder / kept.relative_to(self._originals))
        shutil.rmtree(self._originals, ignore_errors=True)

    def _scaled(self, size: float) -> int:
        return max(1, int(size * self.scale))

    def _keep(self, path: Path) -> None:
        kept = self._originals / path.relative_to(self.folder)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, kept)

    def _write_small(self, folder: Path) -> None:
        content, sizes = Content(1), self._small_sizes()
        kinds = ((content.text, ".txt .py .h .js .html .md"), (content.text, ".c .css .json .xml .rst"),
                 (content.program, ".so .o .pyc"), (content.picture, ".png .gz"))
        for number, size in enumerate(sizes):
            make, endings = content.random.choices(kinds, (50, 30, 14, 6))[0]
            group = number // FILES_PER_FOLDER
            place = folder / f"area{group % 7}" / f"project{group % 61}" / f"part{group}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"file{number}{content.random.choice(endings.split())}").write_bytes(make(size))

    def _small_sizes(self) -> list[int]:
        """Many tiny files, few big ones, in total what the workload promises."""
        chosen = random.Random(2)
        count, total = self._scaled(SMALL_FILES), self._scaled(SMALL_BYTES)
        sizes = [min(SMALL_LARGEST, chosen.lognormvariate(math.log(3_500), 1.75)) for _ in range(count)]
        factor = total / sum(sizes)
        return [min(SMALL_LARGEST, int(size * factor)) for size in sizes]

    def _write_large(self, folder: Path) -> None:
        content = Content(5)
        for name, write in (("archive.tar", content.write_archive), ("application.sqlite", content.write_database),
                            ("film.bin", content.write_noise), ("machine.img", content.write_image),
                            ("access.log", content.write_log)):
            write(folder / name, self._scaled(LARGE[name] * MEGABYTE))

    def _write_many(self, folder: Path) -> None:
        count, contents = self._scaled(MANY_FILES), folder / "contents"
        contents.mkdir()
        originals = [contents / str(number) for number in range(max(1, count // 1_000))]
        for original in originals:
            original.write_text(f"the content of {original.name}\n")
        for number in range(count - len(originals)):
            group = number // 1_000
            place = folder / ("tenth" if group % 10 == 0 else "rest") / f"group{group}"
            if number % 1_000 == 0:
                place.mkdir(parents=True)
            os.link(originals[group % len(originals)], place / f"document {number}.txt")


class made_once:  # noqa: N801 - read like a word in a with statement
    """Gives a new folder to fill, or None when it was filled before; half-filled ones are made anew."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where the tree will be."""
        self._folder, self._unfinished = folder, folder.with_name(f"{folder.name}.unfinished")

    def __enter__(self) -> Path | None:
        if self._folder.exists():
            return None
        shutil.rmtree(self._unfinished, ignore_errors=True)
        self._unfinished.mkdir(parents=True)
        return self._unfinished

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._unfinished.exists():
            for path in [*self._unfinished.rglob("*"), self._unfinished]:
                os.utime(path, (OLD, OLD), follow_symlinks=False)
            self._unfinished.rename(self._folder)


def files_in(folder: Path) -> Iterator[Path]:
    """Every file below a folder."""
    for place, _, names in os.walk(folder):
        for name in names:
            yield Path(place, name)


def read_all(folder: Path) -> None:
    """Has everything below a folder in the system's memory, so that the disk's mood is not what gets measured."""
    for path in files_in(folder):
        with path.open("rb", buffering=0) as file:
            while file.read(MEGABYTE):
                pass


def stored_bytes(folder: Path) -> int:
    """The bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in files_in(folder))


def same_trees(one: Path, other: Path) -> bool:
    """Do two folders hold the same names with the same bytes?"""
    names, others = ({path.relative_to(top) for path in files_in(top)} for top in (one, other))
    return names == others and bool(names) and all((one / name).read_bytes() == (other / name).read_bytes()
                                                   for name in names)
