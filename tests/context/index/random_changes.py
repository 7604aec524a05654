"""Random changes of a workspace: what people and tools do to files and open buffers."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol


class Told(Protocol):
    """What hears of the changes; see `Indexer`."""

    def changed(self, paths: Iterable[str]) -> None: ...
    def open(self, path: str, text: str) -> None: ...
    def edit(self, path: str, start: int, end: int, new: str) -> None: ...
    def close(self, path: str) -> None: ...


class Hand:
    """Changes a workspace at random, on disk and in the editor, and says what it touched."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.rng = random.Random(seed)
        self.buffers: dict[str, str] = {}

    def change(self, index: Told) -> None:
        kind = self.rng.choice(
            ["write"] * 5 + ["edit"] * 4 + ["delete", "rename", "folder", "open", "close", "rules", "odd"]
        )
        index.changed(getattr(self, kind)(index))

    def path(self) -> str:
        folder = self.rng.choice(["", "a/", "b/", "a/b/", "made/", "node_modules/", "made/deep/"])
        return (
            folder + self.rng.choice(["m", "n", "o", "main"]) + self.rng.choice([".py", ".ts", ".go", ".json", ".png"])
        )

    def code(self) -> str:
        number = self.rng.randrange(1000)
        return self.rng.choice(
            [
                f"import m{number}\n\ndef f{number}(x):\n    return x\n",
                f"class C{number}:\n    def put(self): ...\n",
                f"export const v{number} = {{ a: 1 }};\n",
                f"def broken{number}(:\n",
                "",
            ]
        )

    def write(self, index: Told) -> Iterator[str]:
        path = self.path()
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_dir():
            place.write_text(self.code())
        yield path

    def odd(self, index: Told) -> Iterator[str]:
        path = self.path()
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        data = self.rng.choice([b"\0\0", b"# @generated\n", b"x = '\xff'\n", b"var a = 1;" * 900])
        (self.root / path).write_bytes(data)
        yield path

    def delete(self, index: Told) -> Iterator[str]:
        path = self.path()
        (self.root / path).unlink(missing_ok=True)
        yield path

    def rename(self, index: Told) -> Iterator[str]:
        old, new = self.path(), self.path()
        if (self.root / old).is_file():
            (self.root / new).parent.mkdir(parents=True, exist_ok=True)
            (self.root / old).replace(self.root / new)
        yield from (old, new)

    def folder(self, index: Told) -> Iterator[str]:
        """Moves or removes a folder with all that is in it."""
        old, new = self.rng.sample(["a", "b", "made", "a/b", "c", "b/x"], 2)
        if (self.root / old).is_dir():
            if self.rng.random() < 0.3 or (self.root / new).exists() or new.startswith(old):
                shutil.rmtree(self.root / old)
            else:
                (self.root / new).parent.mkdir(parents=True, exist_ok=True)
                (self.root / old).rename(self.root / new)
        yield from (old, new)

    def rules(self, index: Told) -> Iterator[str]:
        path = self.rng.choice(["", "a/"]) + self.rng.choice([".gitignore", ".midfillignore"])
        if (self.root / path).parent.is_dir():
            (self.root / path).write_text(self.rng.choice(["", "made/\n", "*.ts\n", "!m.ts\n", "b\n", "n.*\n"]))
        yield path

    def open(self, index: Told) -> Iterator[str]:
        path = self.path()
        self.buffers[path] = self.code()
        index.open(path, self.buffers[path])
        yield from ()

    def edit(self, index: Told) -> Iterator[str]:
        for path in self.rng.sample(sorted(self.buffers), min(1, len(self.buffers))):
            text = self.buffers[path]
            start = self.rng.randrange(len(text) + 1)
            end = min(len(text), start + self.rng.randrange(9))
            new = self.rng.choice(["x", "\n", "(", "é", '"', "def g(): ...\n"])
            self.buffers[path] = text[:start] + new + text[end:]
            index.edit(path, start, end, new)
        yield from ()

    def close(self, index: Told) -> Iterator[str]:
        for path in self.rng.sample(sorted(self.buffers), min(2, len(self.buffers))):
            self.save(index, path)
        yield from ()

    def save(self, index: Told, path: str) -> None:
        """As editors do: what was typed goes to the disk, or is thrown away."""
        text = self.buffers.pop(path)
        place = self.root / path
        if self.rng.random() < 0.7 and place.parent.is_dir():
            place.write_text(text, newline="")
            index.changed([path])
        index.close(path)
