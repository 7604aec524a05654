"""Near-duplicates by datatrove's MinHash, over tokens of code.

datatrove lowers case, drops punctuation and cuts words of natural languages; in code all of that tells files apart. So
it gets tokens (names, numbers, single signs) without comments, since a licence header is half of many small files,
and hashes of their runs. Its buckets find pairs; clusters and the choice of what stays are ours.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from loguru import logger
from numpy.typing import NDArray

from midfill_context.languages import language
from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.records import Decisions, Record
from midfill_training.corpus.settings import NearSettings

if "MIDFILL_DATATROVE_LOG" not in os.environ:  # here, because every process that runs tasks imports this module
    logger.disable("datatrove")

CHUNK = 2048  # runs hashed at a time: 112 hashes of them stay in a processor's cache
PAIR = struct.Struct("<4I")
_FACTOR = 0x9E3779B97F4A7C15  # odd, so that multiplying by it loses nothing


def code_tokens(file: SourceFile) -> list[str]:
    """Names, numbers and signs of a file, in order and without comments.

    By regular expressions, not by a grammar: `//` in a string cuts its line short, alike in every copy.
    """
    return [token for token in _lexer(file.language).findall(file.text) if token]


@cache
def _lexer(language_id: str) -> re.Pattern[str]:
    known = language(language_id)
    comments = []
    if known and known.block_comment:
        start, end = (re.escape(each) for each in known.block_comment)
        comments.append(f"{start}(?s:.*?){end}")
    if known and known.line_comment:
        comments.append(f"{re.escape(known.line_comment)}[^\n]*")
    return re.compile("|".join([*comments, r"(\w+|[^\w\s])"]))


def runs(tokens: Sequence[str], length: int) -> NDArray[np.uint64]:
    """A hash for every different run of `length` tokens, sorted; shape (n,). The same on every machine."""
    if len(tokens) < length:
        return np.empty(0, dtype=np.uint64)
    ids = np.fromiter((_token_hash(token) for token in tokens), dtype=np.uint64, count=len(tokens))
    n_runs = len(tokens) - length + 1
    hashes = np.zeros(n_runs, dtype=np.uint64)
    for at in range(length):
        hashes = (hashes ^ ids[at : at + n_runs]) * np.uint64(_FACTOR)
        hashes ^= hashes >> np.uint64(29)
    return np.unique(hashes)


@lru_cache(maxsize=2**18)
def _token_hash(token: str) -> int:
    return int.from_bytes(blake2b(token.encode(errors="replace"), digest_size=8).digest(), "little")


def minhash_config(settings: NearSettings) -> Any:
    """datatrove's configuration."""
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.utils.hashing import HashConfig

    return MinhashConfig(
        n_grams=settings.n_tokens,
        num_buckets=settings.n_buckets,
        hashes_per_bucket=settings.hashes_per_bucket,
        hash_config=HashConfig(hash_fc="sha1"),  # not called: the runs come hashed
    )


def sign(files: Iterable[SourceFile], folder: Path, rank: int, settings: NearSettings) -> None:
    """Write the signatures of a shard's files, in their order, as datatrove's buckets read them."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import MinhashDedupSignature
    from datatrove.utils.word_tokenizers import WhitespaceTokenizer

    step = MinhashDedupSignature(str(folder), minhash_config(settings), language=WhitespaceTokenizer())
    whole = step.get_signature

    def signature(hashes: NDArray[np.uint64]) -> list[list[int]]:
        parts = [whole(hashes[at : at + CHUNK]) for at in range(0, len(hashes), CHUNK)]
        return np.min(np.array(parts, dtype=np.uint64), axis=0).tolist()  # type: ignore[no-any-return]

    step.get_shingles = lambda text: runs(text.split("\n"), settings.n_tokens).reshape(-1, 1)
    step.get_signature = signature
    step.run((Document(text="\n".join(code_tokens(file)), id=file.path) for file in files), rank)


def find_pairs(signatures: Path, pairs: Path, bucket: int, settings: NearSettings) -> None:
    """Write the pairs of files that agree in one bucket."""
    from datatrove.pipeline.dedup.minhash import MinhashDedupBuckets

    step = MinhashDedupBuckets(str(signatures), str(pairs), config=minhash_config(settings), lines_to_buffer=4096)
    step.run(None, bucket, settings.n_buckets)


def read_pairs(folder: Path) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Pairs of (shard, place) that `find_pairs` wrote."""
    for path in sorted(folder.glob("*.dups")):
        for one_shard, one, other_shard, other in PAIR.iter_unpack(path.read_bytes()):
            yield (one_shard, one), (other_shard, other)


def drop_near(
    records: Sequence[Record], pairs: Iterable[tuple[tuple[int, int], tuple[int, int]]], decisions: Decisions
) -> None:
    """Of files that pairs connect, keep the first one that is still there. `records`: the best first."""
    cluster = _clusters(pairs)
    first: dict[tuple[int, int], str] = {}
    for record in records:
        for file in decisions.remaining(record):
            root = cluster.get((record.shard, file.place))
            if root is None:
                continue
            here = f"{record.key}/{file.path}"
            if (original := first.setdefault(root, here)) != here:
                decisions.drop_file(record, file, "near", f"near-duplicate: of {original}")


def _clusters(pairs: Iterable[tuple[tuple[int, int], tuple[int, int]]]) -> dict[tuple[int, int], tuple[int, int]]:
    """The root of every file that is in a pair; files have one root when a chain of pairs leads from one to another."""
    roots: dict[tuple[int, int], tuple[int, int]] = {}

    def root_of(file: tuple[int, int]) -> tuple[int, int]:
        while (above := roots.setdefault(file, file)) != file:
            roots[file] = roots[above]
            file = above
        return file

    for one, other in pairs:
        roots[root_of(one)] = root_of(other)
    return {file: root_of(file) for file in list(roots)}
