"""Cuts a FIM-Eval set out of repositories: files with one hole each, every kind and language as often as asked."""

from __future__ import annotations

import gzip
import hashlib
import heapq
import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from midfill_context.languages import language, language_of
from midfill_context.syntax.grammars import grammar
from midfill_training.corpus.documents import SUFFIX, SourceFile, read_projects
from midfill_training.corpus.members import FOREIGN_FOLDERS
from midfill_training.errors import BadInput
from midfill_training.evaluation.scenarios import SCENARIOS, Hole, find_holes
from midfill_training.output import replacing

LANGUAGES = ("python", "java", "cpp", "javascript", "typescript", "go", "rust")
MAX_FILE_BYTES = 256 << 10
MAX_LINE_BYTES = 1000  # longer ones are in files that nobody wrote by hand
MAX_HOLE_BYTES = 1500  # the paper's harness lets a model write 512 tokens


@dataclass(frozen=True)
class CutSettings:
    """`per_scenario` None is as many as the paper has."""

    languages: Sequence[str] = LANGUAGES
    per_scenario: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class CutSet:
    """The rows of a set, and how many there are by language and scenario."""

    rows: Sequence[Mapping[str, str]]
    counts: Mapping[tuple[str, str], int]


def wanted_languages(names: Sequence[str]) -> tuple[str, ...]:
    """The ids of languages that people named. Raises BadInput for one without a grammar."""
    found = {name: language(name) for name in names}
    for name, row in found.items():
        if row is None or grammar(row.id) is None:
            raise BadInput(f"{name!r} is no language with a grammar; the set is usually cut in {', '.join(LANGUAGES)}")
    return tuple(dict.fromkeys(row.id for row in found.values() if row))


def cut_set(sources: Sequence[Path], settings: CutSettings) -> CutSet:
    """The rows that a seed draws from folders or corpora. Raises BadInput when nothing can be cut there.

    A place is drawn by a hash of the seed, its file and itself, so that the order of files does not matter; of a file
    at most one place of a kind is taken, of equal files one.
    """
    from tqdm import tqdm

    drawn: dict[tuple[str, str], list[tuple[int, Mapping[str, str]]]] = defaultdict(list)
    seen: set[bytes] = set()
    files = (file for source in sources for file in _files(source, settings.languages))
    for file in tqdm(files, desc="cut", unit="file", disable=None):
        digest = hashlib.sha256(file.text.encode(errors="replace")).digest()
        if digest in seen:
            continue
        seen.add(digest)
        for rank, row in _draw(file, f"{settings.seed} {digest.hex()}"):
            key = (file.language, row["task_type"])
            heapq.heappush(drawn[key], (-rank, row))
            if len(drawn[key]) > (settings.per_scenario or SCENARIOS[row["task_type"]]):
                heapq.heappop(drawn[key])
    rows = [
        row
        for wanted in settings.languages
        for scenario in SCENARIOS
        for _, row in sorted(drawn.get((wanted, scenario), ()), key=lambda drawn: -drawn[0])
    ]
    if not rows:
        where, what = ", ".join(map(str, sources)), ", ".join(settings.languages)
        raise BadInput(f"{where}: no place to cut in {what}; give folders with code, or other --languages")
    return CutSet(rows, Counter((row["language"], row["task_type"]) for row in rows))


def write_set(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """JSON lines, compressed if the name says so. Raises OutputError."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    data = text.encode(errors="surrogatepass")
    with replacing(path) as draft:
        draft.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def _draw(file: SourceFile, seed: str) -> Iterator[tuple[int, Mapping[str, str]]]:
    """The first place of each kind by its hash, as a row."""
    source = file.text.encode(errors="replace")
    best: dict[str, tuple[int, Hole]] = {}
    for hole in find_holes(file.language, source):
        if hole.end - hole.start > MAX_HOLE_BYTES:
            continue
        place = f"{seed} {hole.scenario} {hole.start}"
        rank = int.from_bytes(hashlib.sha256(place.encode()).digest()[:8], "big")
        if hole.scenario not in best or rank < best[hole.scenario][0]:
            best[hole.scenario] = (rank, hole)
    for scenario, (rank, hole) in best.items():
        yield (
            rank,
            {
                "task_id": f"{file.language}/{scenario}/{rank:016x}",
                "task_type": scenario,
                "pre_mask_code": source[: hole.start].decode(),
                "post_mask_code": source[hole.end :].decode(),
                "canonical_solution": source[hole.start : hole.end].decode(),
                "language": file.language,
                "path": file.path,
            },
        )


def _files(source: Path, languages: Sequence[str]) -> Iterator[SourceFile]:
    """The files of a corpus, or of a folder, that were written by hand as far as one can see."""
    if not source.is_dir():
        raise BadInput(f"{source}: is no folder; give folders with code, or a corpus")
    is_corpus = any(source.glob(f"*{SUFFIX}"))
    files = (file for project in read_projects(source) for file in project.files) if is_corpus else _walk(source)
    return (file for file in files if file.language in languages and _is_by_hand(file.text.encode(errors="replace")))


def _is_by_hand(data: bytes) -> bool:
    return len(data) <= MAX_FILE_BYTES and max(map(len, data.split(b"\n"))) <= MAX_LINE_BYTES


def _walk(folder: Path) -> Iterator[SourceFile]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in FOREIGN_FOLDERS)
        for name in sorted(names):
            path = Path(parent, name)
            known = language_of(name)
            if known is None or not known.grammar or not path.is_file():
                continue
            try:
                with path.open(encoding="utf-8") as file:
                    text = file.read(MAX_FILE_BYTES + 1)
            except (OSError, UnicodeDecodeError):
                continue
            yield SourceFile(folder.name, path.relative_to(folder).as_posix(), known.id, text)
