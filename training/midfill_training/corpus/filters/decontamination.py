"""What a model is judged by is kept out of what it learns: files and projects that share code with benchmarks.

The code of all benchmarks is a sorted array of hashes, one for every run of `n_tokens` tokens; a file is out when
enough of its own runs are among them. Runs of hardly anything but numbers and brackets do not count, nor do lines that
are comments alone: `[1, 2, 3, 4]` and licences are everybody's.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.verdict import Verdict
from midfill_training.errors import BadInput

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class DecontaminationSettings:
    """Which benchmarks, and how much a file may share with them."""

    # Files of JSON lines, plain or gzipped, or folders of such files.
    benchmarks: tuple[str, ...] = ()
    # Measured on the development splits of SantaCoder-FIM, HumanEval-infilling and CrossCodeEval against 4,785 files of
    # the standard library and of packages: 3 runs of 16 tokens with 4 names flag 0.2% of these, and all whole problems,
    # 99% of halves of them, 99% of problems whose most frequent name was changed. With no names asked for 5 runs of 16
    # flag 0.8% and 5 runs of 13 flag 1.9%.
    n_tokens: int = 16
    min_names: int = 4
    min_shared: int = 3
    # A project of which so much is a benchmark's was copied from it or is where it comes from.
    max_share_of_files: float = 0.2


@dataclass(frozen=True)
class Index:
    """`hashes` is sorted; `sources[source[i]]` is the benchmark of `hashes[i]`. `repositories` are bare names."""

    hashes: Hashes
    source: NDArray[np.uint16]
    sources: tuple[str, ...]
    repositories: frozenset[str]


@dataclass(frozen=True)
class Decontamination:
    """Drops files, and all files of a project that is a benchmark's."""

    settings: DecontaminationSettings
    index: Index

    def __call__(self, files: Sequence[SourceFile]) -> Iterator[Verdict]:
        shared = [self._shared(file.text) for file in files]
        out = [sum(counts.values()) >= self.settings.min_shared for counts in shared]
        whole = self._whole_project(files, out)
        for file, counts, is_out in zip(files, shared, out, strict=True):
            if is_out:
                reason = f"shares {sum(counts.values())} runs of {self.settings.n_tokens} tokens with {max(counts)}"
                yield Verdict(None, reason, dict.fromkeys(counts, 1))
            elif whole:
                yield Verdict(None, whole, {"project": 1})
            else:
                yield Verdict(file)

    def _whole_project(self, files: Sequence[SourceFile], out: Sequence[bool]) -> str:
        """Why all of the project is out; empty when it is not. One file alone condemns no small project."""
        if files and project_name(files[0].project) in self.index.repositories:
            return f"project {files[0].project} is one that a benchmark is made from"
        if sum(out) > max(1, self.settings.max_share_of_files * len(files)):
            return f"{sum(out)} of the {len(files)} files of the project share code with benchmarks"
        return ""

    def _shared(self, text: str) -> Counter[str]:
        """How many different runs of tokens the text shares with each benchmark."""
        known = self.index.hashes
        hashes = np.unique(run_hashes(text, self.settings.n_tokens, self.settings.min_names))
        if not len(known) or not len(hashes):
            return Counter()
        places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        sources = self.index.source[places[known[places] == hashes]]
        return Counter(self.index.sources[source] for source in sources)


def decontamination_filter(settings: DecontaminationSettings) -> Decontamination:
    """The filter with the index of its benchmarks. Raises BadInput."""
    paths = [path for name in settings.benchmarks for path in _files(Path(name))]
    hashes, sources = [np.empty(0, np.uint64)], [np.empty(0, np.uint16)]
    repositories: set[str] = set()
    for number, path in enumerate(paths):
        for row in _rows(path):
            repositories |= repository_names(_repository(row))
            for text in _texts(row, path):
                hashes.append(run_hashes(text, settings.n_tokens, settings.min_names))
                sources.append(np.full(len(hashes[-1]), number, np.uint16))
    unique, first = np.unique(np.concatenate(hashes), return_index=True)
    names = tuple(path.name.partition(".")[0] for path in paths)
    return Decontamination(settings, Index(unique, np.concatenate(sources)[first], names, frozenset(repositories)))


# --- benchmarks ---

_PREFIXES, _MIDDLES = ("prompt", "eval_prompt"), ("canonical_solution", "groundtruth", "ground_truth")
_SUFFIXES, _OTHERS = ("suffix", "right_context"), ("test",)
_HOLE = "{{completion}}"  # SAFIM has prefix and suffix in one text


def _files(path: Path) -> list[Path]:
    found = sorted([*path.glob("*.jsonl"), *path.glob("*.jsonl.gz")]) if path.is_dir() else [path]
    if not found:
        raise BadInput(f"{path}: holds no benchmark (*.jsonl, *.jsonl.gz)")
    return found


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError("a line is no JSON object")
                yield row
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as a benchmark ({error}); it takes JSON lines, plain or .gz") from error


def _texts(row: Mapping[str, Any], path: Path) -> Iterator[str]:
    """The code of a case: as a whole, with the newlines that some sets strip and without, its tests, its context."""
    parts = [_field(row, names) for names in (_PREFIXES, _MIDDLES, _SUFFIXES)]
    if not parts[0]:
        raise BadInput(f"{path}: has no field {' or '.join(_PREFIXES)}, so it is no benchmark that is known here")
    if _HOLE in parts[0]:
        parts = [*parts[0].split(_HOLE, 1), parts[1]]
        parts = [parts[0], parts[2], parts[1]]
    yield "".join(parts)
    yield "\n".join(parts)
    yield _field(row, _OTHERS)
    context = row.get("crossfile_context")
    for chunk in context.get("list", ()) if isinstance(context, dict) else ():
        yield _field(chunk, ("retrieved_chunk",))


def _field(row: Mapping[str, Any], names: Sequence[str]) -> str:
    return next((value for name in names if isinstance(value := row.get(name), str)), "")


def _repository(row: Mapping[str, Any]) -> str:
    metadata = row.get("metadata")
    return _field(metadata, ("repository",)) if isinstance(metadata, dict) else ""


_REVISION = re.compile(r"-[0-9a-f]{7,40}$|[-@]v?\d+(?:\.\w+)*$")


def project_name(project: str) -> str:
    """`Owner/tool`, `owner-tool-0a1b2c3` and `owner_tool-1.2` are all `owner-tool`."""
    return _REVISION.sub("", project.strip("/").lower()).replace("_", "-").replace("/", "-")


def repository_names(repository: str) -> frozenset[str]:
    """What a project may be called that is this repository: `owner-tool` or, without its owner, `tool`.

    CrossCodeEval joins owner, name and commit by hyphens; an owner has none more often than a name has.
    """
    owner_and_name = project_name(repository)
    return frozenset(filter(None, (owner_and_name, owner_and_name.partition("-")[2])))


# --- hashes ---

_COMMENT_LINE = re.compile(r"^[ \t]*(?:#|//|/?\*|--|;).*$", re.M)
_TOKEN = re.compile(r"[^\W\d]\w*|\d+|[^\w\s]")
_BASE = np.uint64(0x9E3779B97F4A7C15)


def run_hashes(text: str, n: int, min_names: int) -> Hashes:
    """A hash for each run of `n` tokens of code with `min_names` names and keywords among them, in their order."""
    tokens = _TOKEN.findall(_COMMENT_LINE.sub("", text))
    if len(tokens) < n:
        return np.empty(0, np.uint64)
    numbers = {token: (_number(token), token[0].isalpha() or token[0] == "_") for token in set(tokens)}
    ids = np.fromiter((numbers[token][0] for token in tokens), np.uint64, len(tokens))
    names = np.cumsum(np.fromiter((numbers[token][1] for token in tokens), np.int64, len(tokens)))
    runs = np.zeros(len(ids) - n + 1, np.uint64)
    for i in range(n):  # a polynomial, modulo 2**64
        runs = runs * _BASE + ids[i : len(ids) - n + 1 + i]
    in_run = names[n - 1 :] - np.concatenate([[0], names[:-n]])
    kept: Hashes = runs[in_run >= min_names]
    return kept


def _number(token: str) -> int:
    return zlib.crc32(token.encode("utf-8", "replace"))
