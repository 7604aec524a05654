"""What the model writes at a cursor when nothing ends it, and what any ending makes of that.

Greedy text does not depend on where it ends. So the model writes once, and every ending hears the same tokens one by
one, as it does in the worker: the comparison is paired, and an ending that was mended is judged again without the
model. Raw completions are kept in a file of JSON lines as soon as they are there; a run that was interrupted goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from midfill_context.cursor import Cursor
from midfill_model.ending import TextEnding, completion_of, ending_of
from midfill_model.engine import Completion, CompletionRequest, Ending, Limits, StopReason
from midfill_model.errors import EngineError
from midfill_model.files.catalogue import DEFAULT_MODEL, find_model
from midfill_model.local.decoding import n_branched_tokens
from midfill_model.local.llama_engine import LlamaEngine, loaded
from midfill_model.local.wire import EngineOptions

_WRITTEN = frozenset({StopReason.END_OF_TEXT, StopReason.MAX_TOKENS, StopReason.NOTHING_TO_CONTINUE})
_MIN_SHARE = 4  # a worker writes at most so small a part of its context
_CHECK_EVERY = 8


@dataclass(frozen=True)
class Origin:
    """What raw completions depend on besides their cursors."""

    model: str
    max_prompt_tokens: int
    max_tokens: int


@dataclass(frozen=True)
class Provenance:
    """Where figures come from. At `n_checked` cursors the engine was asked as in serving, too; `n_alike` of its answers
    were what the same ending makes of the raw completion.
    """

    origin: Origin
    n_checked: int
    n_alike: int

    def __str__(self) -> str:
        return (
            f"{self.origin.model}, prompts of {self.origin.max_prompt_tokens} tokens, {self.origin.max_tokens} written "
            f"at most. Asked as in serving at {self.n_checked} cursors: {self.n_alike} answers alike."
        )


@dataclass(frozen=True)
class RawCompletion:
    """All that the model wrote: after the n-th token there were `ends[n]` characters of `text`."""

    text: str
    ends: tuple[int, ...]
    logprobs: tuple[float, ...]
    stop_reason: StopReason

    def completion(self, ending: TextEnding, min_logprob: float | None = None) -> Completion:
        """What the worker would have answered with this ending."""
        if ending.needs_nothing:
            return Completion("", StopReason.NOTHING_NEEDED)
        for n_tokens, end in enumerate(self.ends, 1):
            found = ending.cut(self.text[:end])
            if found is not None:
                return completion_of(found, self.logprobs[:n_tokens], min_logprob)
        return completion_of(ending.finish(self.text, self.stop_reason), self.logprobs, min_logprob)


class Writer:
    """Asks a model, or the default model, and knows what was asked before; to be used in a `with`.

    Without a `path` nothing is kept. ModelError when the model cannot be had or its process ends, ValueError for a
    file of another origin.
    """

    def __init__(self, model: str, max_prompt_tokens: int, max_tokens: int, path: Path | None) -> None:
        self._model = find_model(model or DEFAULT_MODEL)
        self._origin = origin = Origin(self._model.name, max_prompt_tokens, max_tokens)
        self._known: dict[str, RawCompletion] = {}
        self._n_new = self._n_checked = self._n_alike = 0
        self._engine: LlamaEngine | None = None
        self._open = ExitStack()
        self._file: BinaryIO | None = None
        if path is not None:
            self._known = _read(path, origin)
            self._file = self._open.enter_context(path.open("ab", buffering=0))
            if not path.stat().st_size:
                self._keep(asdict(origin))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    @property
    def min_logprob(self) -> float | None:
        """How sure the model has to be in serving."""
        return self._model.entry.min_logprob if self._model.entry else None

    @property
    def provenance(self) -> Provenance:
        """Of what was written so far."""
        return Provenance(self._origin, self._n_checked, self._n_alike)

    def write(self, cursor: Cursor) -> RawCompletion:
        """What the model writes at a cursor."""
        key = _key(cursor)
        if key not in self._known:
            self._known[key] = raw = self._asked(cursor)
            self._keep({"key": key, **asdict(raw)})
            self._n_new += 1
            if self._n_new % _CHECK_EVERY == 1:
                self._check(cursor, raw)
        return self._known[key]

    def _check(self, cursor: Cursor, raw: RawCompletion) -> None:
        answer = self._ask(CompletionRequest(cursor, limits=Limits(self._origin.max_tokens)), [])
        made = raw.completion(ending_at(cursor, Ending.STRUCTURE))
        self._n_checked += 1
        self._n_alike += (answer.text, answer.n_replaced) == (made.text, made.n_replaced)

    def _asked(self, cursor: Cursor) -> RawCompletion:
        texts: list[str] = []
        request = CompletionRequest(cursor, limits=Limits(self._origin.max_tokens), ending=Ending.RAW)
        completion = self._ask(request, texts)
        if completion.stop_reason not in _WRITTEN:
            raise EngineError(f"the model process ended ({completion.stop_reason.value}); run again to go on")
        ends = tuple(len(text) for text in texts)
        return RawCompletion(completion.text, ends, completion.logprobs, completion.stop_reason)

    def _ask(self, request: CompletionRequest, texts: list[str]) -> Completion:
        if self._engine is None:
            self._engine = self._open.enter_context(loaded(_engine(self._model.path, self._origin)))
        return self._engine.submit(request, texts.append).result()

    def _keep(self, record: dict[str, object]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(record).encode() + b"\n")


def ending_at(cursor: Cursor, ending: Ending) -> TextEnding:
    """The ending that the worker would have there."""
    return ending_of(CompletionRequest(cursor, ending=ending))


def _engine(path: Path, origin: Origin) -> LlamaEngine:
    """An engine whose prompts are short because its context is small: of the file it sees as much as in serving."""
    n_ctx = origin.max_prompt_tokens + n_branched_tokens(origin.max_tokens)
    return LlamaEngine(path, EngineOptions(n_ctx=max(n_ctx, _MIN_SHARE * origin.max_tokens)))


def _key(cursor: Cursor) -> str:
    digest = hashlib.sha256()
    for text in (cursor.language, cursor.path, cursor.prefix, cursor.suffix):
        digest.update(f"{len(text)} {text}".encode(errors="surrogatepass"))
    return digest.hexdigest()


def _read(path: Path, origin: Origin) -> dict[str, RawCompletion]:
    """The raw completions of a file, if it is there; a last line that was cut short is taken back."""
    if not path.exists():
        return {}
    with path.open("rb+") as file:
        data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        found = _parsed(path, origin, whole.decode(errors="replace").splitlines()) if data else {}
        file.truncate(len(whole))
    return found


def _parsed(path: Path, origin: Origin, lines: Iterable[str]) -> dict[str, RawCompletion]:
    try:
        first, *others = map(json.loads, lines)
        known = Origin(**first)
        found = {
            row.pop("key"): RawCompletion(
                row["text"], tuple(row["ends"]), tuple(row["logprobs"]), StopReason(row["stop_reason"])
            )
            for row in others
        }
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{path} holds no raw completions; name another file") from error
    if known != origin:
        raise ValueError(f"{path} holds raw completions of {known}, not of {origin}; name another file")
    return found
