"""How fast the filters are on the standard library, one core; `pytest -s` shows the table."""

from __future__ import annotations

import sysconfig
import time
from pathlib import Path
from random import Random

from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.filters import FILTERS

SAMPLE = 120


def sample() -> list[SourceFile]:
    root = Path(sysconfig.get_paths()["stdlib"])
    paths = sorted(path for path in root.rglob("*.py") if "site-packages" not in path.parts)
    chosen = Random(0).sample(paths, min(SAMPLE, len(paths)))
    return [SourceFile("stdlib", path.name, "python", path.read_text("utf-8", "replace")) for path in chosen]


def test_the_chain_makes_a_megabyte_a_second() -> None:
    """The bound is a third of that, for loaded machines; analysers are programs of their own and left out."""
    files = sample()
    n_mb = sum(len(file.text) for file in files) / 1e6
    total = 0.0
    for name, kind in FILTERS.items():
        if name == "analysis":
            continue
        judge = kind.build(kind.settings())
        list(judge(files[:2]))  # grammars, patterns and detect-secrets are loaded once
        started = time.process_time()
        list(judge(files))
        took = time.process_time() - started
        total += took
        print(f"{name}: {n_mb / took:.1f} MB/s")
    print(f"all: {n_mb / total:.2f} MB/s over {n_mb:.1f} MB")
    assert n_mb / total > 0.33
