"""llama.cpp in a process of its own, for one job at a time: ggml aborts its process on what it does not like.

The process is `llama_jobs`. Jobs and answers are JSON over its stdin and stdout; large arrays go through files.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midfill_model.local.waiting import waiting_environment
from midfill_training.errors import LlamaFailure

MODULE = "midfill_training.export.llama_jobs"


@dataclass(frozen=True)
class Trial:
    """How one way of tokenising did: whether it loaded, how many texts came out wrong, the first of them."""

    name: str
    error: str
    n_wrong: int
    first_wrong: int
    first_ids: tuple[int, ...]


def tokenizer_trials(
    gguf: Path, trials: Mapping[str, Mapping[str, str | bool]], texts: Sequence[str], expected: Sequence[Sequence[int]]
) -> list[Trial]:
    """Tokenise `texts` with the vocabulary of `gguf` under each set of changed keys, and count what is not `expected`.

    Markers in the texts are taken for markers. A trial that crashes llama.cpp is reported as one that did not load.
    """
    left = dict(trials)
    done: list[Trial] = []
    while left:
        job = {"path": str(gguf), "trials": left, "texts": texts, "expected": [list(ids) for ids in expected]}
        try:
            answers = _run("tokenise", job)
        except LlamaFailure as failure:  # nobody knows which one it was: one at a time then
            if len(left) == 1:
                return [*done, Trial(next(iter(left)), str(failure), len(texts), 0, ())]
            for name, changes in left.items():
                done += tokenizer_trials(gguf, {name: changes}, texts, expected)
            return done
        for answer in answers:
            done.append(Trial(**{**answer, "first_ids": tuple(answer["first_ids"])}))
            left.pop(answer["name"])
    return done


def tokenise(gguf: Path, texts: Sequence[str], *, special: bool) -> list[list[int]]:
    """Token ids of each text, without BOS; the file's own keys decide about everything else."""
    (ids,) = _run("encode", {"path": str(gguf), "texts": list(texts), "special": [special]})
    return list(ids)


def tokenise_both(gguf: Path, texts: Sequence[str]) -> dict[bool, list[list[int]]]:
    """Token ids of each text with markers taken for markers (True) and for text (False)."""
    plain, special = _run("encode", {"path": str(gguf), "texts": list(texts), "special": [False, True]})
    return {False: plain, True: special}


def logits(gguf: Path, tokens: Sequence[int], *, lora: Path | None = None) -> NDArray[np.float32]:
    """Logits after each token, shape (len(tokens), n_vocab)."""
    with TemporaryDirectory(prefix="midfill-") as folder:
        out = Path(folder) / "logits.npy"
        job = {"path": str(gguf), "tokens": list(tokens), "lora": str(lora) if lora else None, "out": str(out)}
        _run("logits", job)
        values: NDArray[np.float32] = np.load(out)
        return values


def greedy(gguf: Path, prompts: Sequence[Sequence[int]], n_new: int, *, lora: Path | None = None) -> list[list[int]]:
    """The `n_new` most likely tokens after each prompt, one after the other."""
    job = {"path": str(gguf), "prompts": [list(ids) for ids in prompts], "n_new": n_new}
    written: list[list[int]] = _run("greedy", {**job, "lora": str(lora) if lora else None})
    return written


def quantise(
    source: Path,
    target: Path,
    file_type: int,
    *,
    imatrix: Path | None = None,
    n_threads: int = 0,
    dry_run: bool = False,
) -> str:
    """Quantise a GGUF to llama.cpp's file type number `file_type`; returns llama.cpp's log."""
    job = {"path": str(source), "target": str(target), "file_type": file_type, "dry_run": dry_run}
    log: str = _run("quantise", {**job, "imatrix": str(imatrix) if imatrix else None, "n_threads": n_threads})
    return log


def _run(name: str, job: Mapping[str, Any]) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", MODULE],
        env=waiting_environment(),
        input=json.dumps({"job": name, **job}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip() or "it gives no reason").splitlines()[-1]
        raise LlamaFailure(f"llama.cpp crashed on {job['path']} (exit code {done.returncode}): {last}") from None
    if "error" in answer:
        raise LlamaFailure(answer["error"])
    return answer["value"]
