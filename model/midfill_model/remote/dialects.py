"""What is said to an endpoint, and how its answers are read: llama-server's own requests and OpenAI's.

llama-server lays out the FIM prompt itself (`/infill`) and knows how; everywhere else the prompt is text, and
code of the user's that spells a special token of the remote model is read as one there.

Token healing needs the model's vocabulary, which is out of reach here. What comes nearest: the end of the
prefix is taken back by characters, and the answer has to begin with it. llama-server is held to that by a
grammar; elsewhere only white space is taken back, and where the answer does not bring it back the question is
asked again without healing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from midfill_context.cursor import Cursor, Snippet
from midfill_model.engine import CompletionRequest, Sampling, StopReason
from midfill_model.prompts.formats import PREFIX_ONLY, PromptFormat
from midfill_model.prompts.prompt import CHARS_PER_TOKEN, SUFFIX_SHARE, file_slots
from midfill_model.prompts.window import prefix_window, suffix_window
from midfill_model.remote.http import JsonObject

MAX_OWED_CHARS = 256
# Tokens an endpoint may write beside the completion's own, to bring back what was taken.
MAX_OVERHANG = 16

_OWED_SPACE = re.compile(r"\s+\Z")
# A word that is cut in two, with what a token may join to its front, or white space.
_OWED = re.compile(r"(?:\s*|[^\w\s])\w+\Z|\s+\Z")


@dataclass(frozen=True)
class Question:
    """What an endpoint is asked. The cursor's prefix ends where `owed` begins, and so has the answer to."""

    cursor: Cursor
    snippets: tuple[Snippet, ...]
    sampling: Sampling
    max_tokens: int
    owed: str
    model: str
    prompt_format: PromptFormat

    def unhealed(self) -> Question:
        """The same with the whole prefix."""
        cursor = replace(self.cursor, prefix=self.cursor.prefix + self.owed)
        return replace(self, cursor=cursor, owed="", max_tokens=self.max_tokens - MAX_OVERHANG)


@dataclass(frozen=True)
class Delta:
    """One event of an answer. Token counts are totals so far, 0 where unsaid; the last one has a `stop`."""

    text: str
    n_completion_tokens: int = 0
    n_prompt_tokens: int = 0
    n_reused_tokens: int = 0
    logprobs: tuple[float, ...] = ()
    stop: StopReason | None = None


@dataclass(frozen=True)
class Dialect:
    """One way of asking. An HTTP status in `unsupported` means that endpoint or model do not know it."""

    path: str
    is_fim: bool
    can_constrain: bool
    body: Callable[[Question], JsonObject]
    read: Callable[[JsonObject], Delta]
    unsupported: frozenset[int] = frozenset()


def question_from(
    request: CompletionRequest,
    dialect: Dialect,
    model: str,
    prompt_format: PromptFormat,
    max_prompt_tokens: int,
) -> Question | None:
    """The request cut to the prompt's budget, snippets first; None if there is nothing to continue."""
    max_chars = max_prompt_tokens * CHARS_PER_TOKEN
    is_fim = dialect.is_fim or prompt_format.has_suffix
    n_suffix = int(max_chars * SUFFIX_SHARE) if is_fim else 0
    prefix = prefix_window(request.cursor.prefix, max_chars - n_suffix)
    suffix = suffix_window(request.cursor.suffix, n_suffix)
    if not prefix and not suffix.strip():
        return None
    pattern = _OWED if dialect.can_constrain else _OWED_SPACE
    found = pattern.search(prefix[-MAX_OWED_CHARS:])
    owed = found[0] if found and (is_fim or len(found[0]) < len(prefix)) else ""
    return Question(
        cursor=replace(request.cursor, prefix=prefix[: len(prefix) - len(owed)], suffix=suffix),
        snippets=_fitting(request.snippets, max_chars - len(prefix) - len(suffix)),
        sampling=request.sampling,
        max_tokens=request.limits.max_tokens + (MAX_OVERHANG if owed else 0),
        owed=owed,
        model=model,
        prompt_format=prompt_format,
    )


def rendered(prompt_format: PromptFormat, cursor: Cursor, snippets: Sequence[Snippet]) -> str:
    """The prompt as text; a BOS is the server's to add."""
    laid_out = (_filled(prompt_format.snippet, each.chunk.path, code=each.chunk.text) for each in snippets)
    slots = {"prefix": cursor.prefix, "suffix": cursor.suffix, "snippets": "".join(laid_out), "bos": ""}
    return _filled(prompt_format.layout, cursor.path, **slots)


def _filled(parts: Sequence[str], path: str, **slots: str) -> str:
    slots |= file_slots(path)
    return "".join(part.format_map(slots) if "{" in part else part for part in parts)


def _fitting(snippets: Sequence[Snippet], max_chars: int) -> tuple[Snippet, ...]:
    """The first snippets that fit together."""
    fitting: list[Snippet] = []
    for snippet in snippets:
        max_chars -= len(snippet.chunk.path) + len(snippet.chunk.text)
        if max_chars < 0:
            break
        fitting.append(snippet)
    return tuple(fitting)


def _llama_options(question: Question) -> dict[str, Any]:
    sampling = question.sampling
    options: dict[str, Any] = {
        "n_predict": question.max_tokens,
        "temperature": sampling.temperature,
        "top_k": 0,
        "top_p": sampling.top_p,
        "min_p": sampling.min_p,
        "seed": sampling.seed,
        "repeat_penalty": 1.0,
        "n_probs": 1,
        "cache_prompt": True,
        "timings_per_token": True,
        "return_progress": True,  # it notices that nobody listens any more only when it writes
        "stream": True,
    }
    if question.model:
        options["model"] = question.model
    if question.owed:
        options["grammar"] = f'root ::= "{_gbnf(question.owed)}" [^\\x00]*'
    return options


def _gbnf(text: str) -> str:
    """`text` inside the quotes of llama.cpp's grammar notation."""
    return "".join(f"\\x{ord(c):02X}" if c < " " or c in '"\\' else c for c in text)


def _infill(question: Question) -> JsonObject:
    cursor = question.cursor
    extra = [{"filename": each.chunk.path, "text": each.chunk.text} for each in question.snippets]
    parts = {"input_prefix": cursor.prefix, "input_suffix": cursor.suffix, "input_extra": extra, "prompt": ""}
    return parts | _llama_options(question)


def _completion(question: Question) -> JsonObject:
    prompt = rendered(question.prompt_format, question.cursor, question.snippets)
    return {"prompt": prompt} | _llama_options(question)


def _openai(question: Question) -> dict[str, Any]:
    sampling = question.sampling
    body: dict[str, Any] = {
        "model": question.model,
        "prompt": rendered(question.prompt_format, question.cursor, question.snippets),
        "max_tokens": question.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "stream": True,
    }
    if sampling.temperature:
        body["seed"] = sampling.seed
    if sampling.min_p:  # not OpenAI's, but of all servers that run models
        body["min_p"] = sampling.min_p
    return body


def _openai_with_suffix(question: Question) -> JsonObject:
    body = _openai(replace(question, prompt_format=PREFIX_ONLY))
    if question.cursor.suffix.strip():
        body["suffix"] = question.cursor.suffix
    return body


def _read_llama(event: JsonObject) -> Delta:
    timings = event.get("timings", {})
    n_reused = _n(timings.get("cache_n"))
    logprobs = (each["logprob"] for each in event.get("completion_probabilities", ()))
    stop = None
    if event["stop"]:
        is_limit = event.get("stop_type") == "limit" or event.get("stopped_limit", False)
        stop = StopReason.MAX_TOKENS if is_limit else StopReason.END_OF_TEXT
    return Delta(
        text=_text(event["content"]),
        n_completion_tokens=_n(event.get("tokens_predicted")),
        n_prompt_tokens=n_reused + _n(timings.get("prompt_n")),
        n_reused_tokens=n_reused,
        logprobs=tuple(float(logprob) for logprob in logprobs if logprob is not None),
        stop=stop,
    )


def _read_openai(event: JsonObject) -> Delta:
    usage = event.get("usage") or {}
    n_prompt_tokens = _n(usage.get("prompt_tokens"))
    if not event["choices"]:
        return Delta("", n_prompt_tokens=n_prompt_tokens)
    choice = event["choices"][0]
    finish = choice.get("finish_reason")
    stop = StopReason.MAX_TOKENS if finish == "length" else StopReason.END_OF_TEXT if finish else None
    return Delta(_text(choice["text"] or ""), _n(usage.get("completion_tokens")), n_prompt_tokens, stop=stop)


def _n(value: object) -> int:
    return value if isinstance(value, int) else 0


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


_NO_SUCH_PATH = frozenset({404, 405, 501})
INFILL = Dialect("/infill", True, True, _infill, _read_llama, _NO_SUCH_PATH)
COMPLETION = Dialect("/completion", False, True, _completion, _read_llama)
OPENAI_SUFFIX = Dialect("/v1/completions", True, False, _openai_with_suffix, _read_openai, frozenset({400, 422, 501}))
OPENAI = Dialect("/v1/completions", False, False, _openai, _read_openai)


def llama_server_dialects(prompt_format: PromptFormat) -> tuple[Dialect, ...]:
    """How to ask llama-server, the best way first."""
    return (COMPLETION,) if prompt_format.has_suffix else (INFILL, COMPLETION)


def openai_dialects(prompt_format: PromptFormat) -> tuple[Dialect, ...]:
    """How to ask any other endpoint, the best way first."""
    return (OPENAI,) if prompt_format.has_suffix else (OPENAI_SUFFIX, OPENAI)
