"""2,000 lines of code in ten languages: the lines of the sample with other names, numbers and indentation."""

from __future__ import annotations

import random
import re
from itertools import cycle, islice

from midfill_training.export.sample_code import sample_lines

N_LINES = 2000
PARTS = (
    *("read", "Write", "http", "XML", "node", "user", "Index", "max", "is", "to", "Größe", "数", "cache", "Buffer"),
    *("parse", "tmp", "ID", "v2", "x", "i", "Async", "handler", "_private", "count", "элемент", "str", "json"),
)


def code_lines() -> list[str]:
    """The same lines every time, the languages in turn; none is empty."""
    rng = random.Random(0)
    by_language = [[line for line in lines if line.strip()] for lines in sample_lines().values()]
    languages = islice(cycle(by_language), N_LINES)
    return [_varied(rng.choice(language), rng) for language in languages]


def _varied(line: str, rng: random.Random) -> str:
    line = re.sub(r"[^\W\d]\w{3,}", lambda word: word[0] if rng.random() < 0.5 else _name(rng), line)
    line = re.sub(r"\d+", lambda _: str(rng.randrange(10 ** rng.randrange(1, 12))), line)
    return rng.choice(("", "    ", "\t", "\t\t", "        ", "            ", "  ")) + line.lstrip()


def _name(rng: random.Random) -> str:
    return rng.choice(("", "_")).join(rng.choices(PARTS, k=rng.randrange(1, 4)))
