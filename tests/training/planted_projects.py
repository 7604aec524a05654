"""Projects with known defects: code made from a seed, licences, archives, and copies that differ by a known amount."""

from __future__ import annotations

import io
import random
import subprocess
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

WORDS = (
    *("alpha", "beta", "gamma", "delta", "width", "height", "total", "count", "index", "value"),
    *("items", "left", "right", "upper", "lower", "node", "edge", "path"),
)
VERBS = (
    *("load", "store", "merge", "split", "count", "find", "parse"),
    *("render", "clean", "shift", "fold", "trim", "scan", "pack"),
)

MIT = """MIT License

Copyright (c) 2024 The authors

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""
GPL = "                    GNU GENERAL PUBLIC LICENSE\n                       Version 3, 29 June 2007\n\nand so on\n"


def module(seed: int, n_functions: int = 8) -> str:
    """A Python module that nobody else has: names and shapes come from the seed."""
    chance = random.Random(seed)
    return f'"""Module {seed}."""\n\n' + "\n\n".join(_function(chance) for _ in range(n_functions)) + "\n"


def _function(chance: random.Random) -> str:
    name = f"{chance.choice(VERBS)}_{chance.choice(WORDS)}_{chance.randrange(10_000)}"
    one, other = chance.sample(WORDS, 2)
    lines = [f"def {name}({one}, {other}={chance.randrange(100)}):"]
    for _ in range(chance.randrange(4, 9)):
        a, b, c = (chance.choice(WORDS) for _ in range(3))
        lines.append(
            chance.choice(
                (
                    f"    {a} = {b} {chance.choice('+-*%')} {c}[{chance.randrange(90)}]",
                    f"    if {a} > {chance.randrange(900)} and {b}:\n        {c} = {chance.choice(VERBS)}({a}, {b})",
                    f"    for {a} in {b}:\n        {c}.append({a} - {chance.randrange(50)})",
                    f"    {a}, {b} = {chance.choice(VERBS)}({c}, key={chance.randrange(70)})",
                )
            )
        )
    return "\n".join([*lines, f"    return {one}, {other}"]) + "\n"


def with_lines_changed(text: str, share: float, seed: int) -> str:
    """A copy in which this share of the lines has been written anew."""
    chance = random.Random(seed)
    lines = text.splitlines()
    for at in chance.sample(range(len(lines)), round(share * len(lines))):
        lines[at] = (
            f"    renamed_{chance.randrange(10**6)} = other_{chance.randrange(10**6)} // {chance.randrange(10**6)}"
        )
    return "\n".join(lines) + "\n"


def write_project(folder: Path, files: Mapping[str, str], licence: str = MIT) -> Path:
    """A project as a folder."""
    for path, text in {**files, **({"LICENSE": licence} if licence else {})}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


def git(folder: Path, *arguments: str) -> None:
    """Run git with an author of its own."""
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, "-C", str(folder), *arguments], check=True, capture_output=True)


def write_zip(path: Path, files: Mapping[str, str | bytes]) -> Path:
    """A zip or a wheel."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=zipfile.ZIP_DEFLATED)
    return path


def write_tar(path: Path, files: Mapping[str, str | bytes], mode: str = "w:gz") -> Path:
    """A tarball of files."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            content = data.encode() if isinstance(data, str) else data
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path
