"""How likely a model finds a text that is already known: the measure of what a prompt is worth.

For benchmarks. As in the engine, llama.cpp runs in a process of its own: `scoring_worker`.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType

from midfill_context.cursor import Cursor, Snippet
from midfill_model.errors import EngineError
from midfill_model.local.waiting import waiting_environment

MAX_TEXT_TOKENS = 256
WORKER = "midfill_model.local.scoring_worker"
_N_COUNTED = 1 << 15  # texts whose token count is kept


@dataclass(frozen=True)
class Score:
    """`logprob` is the natural logarithm of the probability of a text of `n_tokens` behind a prompt.

    What token healing takes back from the end of the prompt belongs to the text.
    """

    logprob: float
    n_tokens: int
    n_prompt_tokens: int
    n_snippet_tokens: int


@dataclass(frozen=True)
class Question:
    """What to score; or, without a cursor, a text whose tokens to count."""

    text: str
    cursor: Cursor | None = None
    snippets: tuple[Snippet, ...] = ()
    max_tokens: int = 0


class Scorer:
    """One model in a process, with prompts and texts of `n_ctx` tokens together at most; to be used in a `with`.

    EngineError says that the process has ended.
    """

    def __init__(self, path: Path, n_ctx: int) -> None:
        command = [sys.executable, "-I", "-m", WORKER, str(path), str(n_ctx)]
        pipe, environment = subprocess.PIPE, waiting_environment()
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment)
        self.count_tokens = lru_cache(_N_COUNTED)(self._count_tokens)

    def __enter__(self) -> Scorer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def score(self, cursor: Cursor, snippets: Sequence[Snippet], text: str, max_tokens: int) -> Score:
        """The score of `text` at a cursor behind a prompt in the model's own layout, at most `max_tokens` long.

        The cursor's file gets what the snippets leave of that.
        """
        found = self._ask(Question(text, cursor, tuple(snippets), max_tokens))
        assert isinstance(found, Score)
        return found

    def _count_tokens(self, text: str) -> int:
        found = self._ask(Question(text))
        assert isinstance(found, int)
        return found

    def _ask(self, question: Question) -> object:
        assert self._process.stdin
        assert self._process.stdout
        try:
            pickle.dump(question, self._process.stdin)
            self._process.stdin.flush()
            return pickle.load(self._process.stdout)
        except (OSError, EOFError) as error:
            raise EngineError("the process that scores has ended; what it said is above") from error
