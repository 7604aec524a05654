"""Whatever a model writes at whatever place: what is left breaks no file, and costs a bounded number of parses."""

from __future__ import annotations

import random
import sys
import sysconfig
from pathlib import Path

import pytest

from midfill_context.cursor import Cursor
from midfill_model.ending import adds_syntax_error
from midfill_model.ending.ended import Ended
from midfill_model.ending.structure import MAX_PARSES, StructureEnding
from midfill_model.engine import StopReason

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

GOLDEN = Path(__file__).parent / "golden"
MODULES = ("textwrap", "sched", "bisect", "shlex", "queue", "tomllib/_parser", "json/decoder", "wave")
N_CUTS = 30


def python_files() -> list[str]:
    folder = Path(sysconfig.get_paths()["stdlib"])
    files = (folder / f"{name}.py" for name in MODULES)
    return [file.read_text(encoding="utf-8") for file in files if file.is_file()]


def golden_file(language: str) -> str:
    """The places of the golden cases, one after the other: a file, though one with errors."""
    cases = tomllib.loads((GOLDEN / f"{language}.toml").read_text(encoding="utf-8"))
    return "\n".join(case["place"].replace("‸", "") for case in cases.values())


FILES = {"python": python_files()} | {
    file.stem: [golden_file(file.stem)] for file in sorted(GOLDEN.glob("*.toml")) if file.stem != "python"
}


def anything(rng: random.Random, text: str, start: int, end: int) -> str:
    """What a model might write in place of `text[start:end]`, from the right thing to garbage."""
    elsewhere = rng.randrange(len(text))
    return rng.choice(
        [
            text[start:],
            text[end:],
            text[start:end][::-1],
            text[start:end] + rng.choice([")", "}", '"', "\n", "(", "{", "'''", " if ", "/*"]),
            text[elsewhere : elsewhere + 300],
            rng.randbytes(200).decode(errors="replace"),
            "".join(rng.choices("ab(){}[]\"'`\n :;,.=+#/*\\", k=80)),
            rng.choice(["x", "( ", "\n", "a b\n", "    ", '"']) * 300,
        ]
    )


def written(ending: StructureEnding, text: str, n_chars: int) -> Ended:
    """As decoding does it, `n_chars` at a time."""
    for end in range(n_chars, len(text), n_chars):
        ended = ending.cut(text[:end])
        if ended is not None:
            return ended
    return ending.finish(text, StopReason.END_OF_TEXT)


@pytest.mark.parametrize("language", FILES)
def test_no_completion_breaks_a_file(language: str) -> None:
    rng = random.Random(language)
    n_answered = 0
    for _ in range(N_CUTS):
        text = rng.choice(FILES[language])
        start = rng.randrange(len(text))
        end = min(start + rng.choice([0, 0, 10, 60]), len(text))
        prefix, suffix = text[:start], text[end:]
        ending = StructureEnding(Cursor("", language, prefix, suffix))
        ended = written(ending, anything(rng, text, start, end), rng.choice([3, 50]))
        n_answered += bool(ended.text)
        replaced = suffix[: ended.n_replaced]
        assert "\n" not in replaced
        # What is replaced is first put back at its place: taking it away alone must not count as an improvement.
        if not replaced:
            assert not adds_syntax_error(language, prefix, ended.text, suffix), (prefix[-80:], ended, suffix[:80])
        assert ended.text == "" or ended.text.strip()
        assert ending.n_parses < MAX_PARSES + 100
    assert n_answered


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "(" * 1_000_000, "a = 1\n" * 200_000, "\n" * 1_000_000, '"' * 1_000_000, "()" * 500_000],
    ids=["word", "brackets", "lines", "line ends", "quotes", "pairs"],
)
@pytest.mark.parametrize("language", ["python", "java"])
def test_a_million_characters_at_once(language: str, text: str) -> None:
    ending = StructureEnding(Cursor("", language, "x = ", "\ny = 1\n"))
    ended = ending.cut(text)
    assert ended is not None
    assert not adds_syntax_error(language, "x = ", ended.text, "\ny = 1\n")
    assert ending.n_parses < MAX_PARSES + 100


def test_a_lone_surrogate_is_no_problem() -> None:
    ending = StructureEnding(Cursor("", "python", 'x = "\ud800', '"\n'))
    assert ending.finish("a\udfff", StopReason.END_OF_TEXT).text == "a\udfff"
