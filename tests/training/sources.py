"""Files of real code in six languages that parse, of what is installed wherever these tests run."""

from __future__ import annotations

import sysconfig
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from midfill_context.syntax.grammars import parse
from midfill_training.export.sample_code import sample_lines

EXAMPLES = Path(__file__).parents[2] / "examples" / "inventory"
MIN_BYTES, MAX_BYTES, MAX_FILES = 400, 7_000, 40


@cache
def sources() -> dict[str, tuple[str, ...]]:
    """Texts by language: small files, so that a test can use many."""
    include, torch = Path(sysconfig.get_path("include")), _package("torch") / "include"
    javascript = (_package("matplotlib") / "backends/web_backend/js", _package("sklearn"), _package("torch"))
    found = {
        "python": [*EXAMPLES.rglob("*.py"), *Path(sysconfig.get_path("stdlib")).glob("*.py")],
        "javascript": [file for folder in javascript for file in folder.rglob("*.js")],
        "typescript": list(EXAMPLES.rglob("*.ts")),
        "java": list(EXAMPLES.rglob("*.java")),
        "c": list(include.rglob("*.h")),
        "cpp": list((torch / "c10/util").glob("*.h")) + list((torch / "torch").rglob("*.h")),
    }
    texts = {
        language: (*_texts(sorted(files)), "\n".join(sample_lines()[language]) + "\n")
        for language, files in found.items()
    }
    return {language: tuple(text for text in each if _parses(language, text)) for language, each in texts.items()}


def _parses(language: str, text: str) -> bool:
    tree = parse(language, text.encode())
    return tree is not None and not tree.root_node.has_error


def _package(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None, f"{name} is not installed"
    assert spec.origin is not None
    return Path(spec.origin).parent


def _texts(files: list[Path]) -> tuple[str, ...]:
    sized = [file for file in files if MIN_BYTES <= file.stat().st_size <= MAX_BYTES]
    return tuple(file.read_text(encoding="utf-8") for file in sized[:MAX_FILES])
