"""Lays a cursor and its snippets out as the token ids of one prompt, within a token budget."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from midfill_context.cursor import Cursor, Snippet
from midfill_context.languages import language_of
from midfill_model.prompts.aixcoder_header import header
from midfill_model.prompts.formats import PromptFormat
from midfill_model.prompts.healing import n_safe_tokens
from midfill_model.prompts.vocabulary import PieceIndex, Vocabulary
from midfill_model.prompts.window import prefix_window, suffix_window

# Code runs at 3 to 4 characters a token. A window of this many characters a token rarely overflows its budget,
# and when it does (dense or non-Latin text) it is halved.
CHARS_PER_TOKEN = 3
SUFFIX_SHARE = 0.25
# From keystroke to keystroke most snippets stay; tokenising them takes half of the time that a prompt takes.
N_KEPT_SNIPPETS = 64

Parts = list[tuple[str, list[int]]]  # the parts of a layout with their tokens


@dataclass(frozen=True)
class Segment:
    """A part of a prompt: what it is and how many tokens it took."""

    kind: str
    n_tokens: int


@dataclass(frozen=True)
class Prompt:
    """Token ids up to where the model begins to write.

    `draft` are the tokens that healing took back from the end of the prefix and `healed` their bytes: the model has
    to write these bytes first, and the draft is how the tokenizer would write them.
    """

    tokens: tuple[int, ...]
    draft: tuple[int, ...]
    healed: bytes
    stop: frozenset[int]
    segments: tuple[Segment, ...]

    @property
    def drafted(self) -> tuple[int, ...]:
        """All that is read at once: the tokens and the draft behind them."""
        return (*self.tokens, *self.draft)

    @property
    def n_snippet_tokens(self) -> int:
        """How many of the tokens are other files'."""
        return sum(segment.n_tokens for segment in self.segments if segment.kind == "{snippets}")


class PromptBuilder:
    """Builds the prompts of one format with one vocabulary."""

    def __init__(self, format: PromptFormat, vocabulary: Vocabulary, index: PieceIndex) -> None:
        self.format = format
        self.stop = stop_tokens(format, vocabulary)
        self._sentinels = special_tokens(format, vocabulary)
        self._vocabulary = vocabulary
        self._index = index
        self._snippet = lru_cache(N_KEPT_SNIPPETS)(self.document)

    def build(
        self, cursor: Cursor, snippets: Sequence[Snippet], max_tokens: int, max_snippet_tokens: int | None = None
    ) -> Prompt:
        """The prompt for `cursor`: with its draft at most `max_tokens` of the file, whatever snippets there are.

        Snippets have `max_snippet_tokens` of their own or, without, what the file leaves of `max_tokens`. The one with
        the lowest score gives way first, and the others keep their order.
        """
        prefix, parts = self._file_parts(cursor, max_tokens)
        if max_snippet_tokens is None:
            max_snippet_tokens = max_tokens - sum(len(tokens) for _, tokens in parts)
        shown = self._fitting(snippets, max_snippet_tokens)
        return self._join([(part, shown if part == "{snippets}" else tokens) for part, tokens in parts], prefix)

    def document(self, path: str, text: str) -> list[int]:
        """Tokens of another file's text, and in training of a file without a hole."""
        slots = file_slots(path) | {"code": text}
        return [token for part in self.format.snippet for token in self._part(part, slots)]

    def encode(self, text: str) -> list[int]:
        """Tokens of `text` without any sentinel.

        Vocabularies whose converter marked the sentinels as ordinary or user-defined pieces find them in text too: such
        places are cut after their first character and the parts are tokenised apart.
        """
        tokens = self._vocabulary.encode(text)
        found = [self._vocabulary.text(token) for token in self._sentinels.intersection(tokens)]
        spelled = "|".join(re.escape(spelling) for text in found for spelling in (text, text.replace("▁", " ")))
        cuts = [marker.start() + 1 for marker in re.finditer(spelled, text)] if found else []
        if cuts:
            parts = (text[start:end] for start, end in pairwise((0, *cuts, len(text))))
            return [token for part in parts for token in self.encode(part)]
        return [token for token in tokens if token not in self._sentinels]

    def _file_parts(self, cursor: Cursor, max_tokens: int) -> tuple[str, Parts]:
        """The largest window on the prefix that fits, and the layout over it without snippets; nothing if none fits."""
        max_chars = max(max_tokens, 0) * CHARS_PER_TOKEN
        while True:
            n_suffix = int(max_chars * SUFFIX_SHARE) if self.format.has_suffix else 0
            prefix, suffix = prefix_window(cursor.prefix, max_chars - n_suffix), suffix_window(cursor.suffix, n_suffix)
            slots = file_slots(cursor.path) | {"prefix": prefix, "suffix": suffix, "snippets": ""}
            parts = [(part, self._part(part, slots)) for part in self.format.layout]
            if sum(len(tokens) for _, tokens in parts) <= max_tokens:
                return prefix, parts
            if not max_chars:
                return "", []
            max_chars //= 2

    def _fitting(self, snippets: Sequence[Snippet], max_tokens: int) -> list[int]:
        """The tokens of as many snippets as fit."""
        documents = [(each.score, self._snippet(each.chunk.path, each.chunk.text)) for each in snippets]
        while documents and sum(len(tokens) for _, tokens in documents) > max_tokens:
            lowest = min(score for score, _ in documents)
            last = max(at for at, (score, _) in enumerate(documents) if score == lowest)
            del documents[last]
        return [token for _, tokens in documents for token in tokens]

    def _join(self, parts: Parts, prefix: str) -> Prompt:
        tokens: list[int] = []
        draft: list[int] = []
        segments: list[Segment] = []
        for part, added in parts:
            if "{prefix}" in part:
                n_kept = self._n_safe(added, _leading_space(part) + prefix)
                added, draft = added[:n_kept], added[n_kept:]
            tokens += added
            segments.append(Segment(part, len(added)))
        if not tokens:  # a model needs something to continue, even if it is half a token
            tokens, draft = draft, []
        healed = b"".join(self._vocabulary.pieces[token] for token in draft)
        return Prompt(tuple(tokens), tuple(draft), healed, self.stop, tuple(s for s in segments if s.n_tokens))

    def _n_safe(self, tokens: list[int], prefix: str) -> int:
        n_bytes = len(prefix.encode(errors="replace"))
        return n_safe_tokens(tokens, self._vocabulary.pieces, self._index, max_bytes=n_bytes)

    def _part(self, part: str, slots: dict[str, str]) -> list[int]:
        if part == "{bos}":
            return [] if self._vocabulary.bos is None else [self._vocabulary.bos]
        if "{" not in part:
            return [self._vocabulary.ids[part]]
        text = part.lstrip(" ").format_map(slots)
        return self.encode(_leading_space(part) + text) if text else []


def stop_tokens(format: PromptFormat, vocabulary: Vocabulary) -> frozenset[int]:
    """Tokens at which a completion ends."""
    named = (vocabulary.ids.get(piece) for piece in format.stop)
    return vocabulary.ends | {token for token in named if token is not None}


def special_tokens(format: PromptFormat, vocabulary: Vocabulary) -> frozenset[int]:
    """Tokens that never stand for text, whatever type the converter gave them."""
    return stop_tokens(format, vocabulary) | {vocabulary.ids[piece] for piece in format.sentinels}


def _leading_space(part: str) -> str:
    return part[: len(part) - len(part.lstrip(" "))]


def file_slots(path: str) -> dict[str, str]:
    """What a layout can say of a file by its path: the slots `path`, `header` and `comment`."""
    return {"path": path, "header": header(path), "comment": _comment(path)}


def _comment(path: str) -> str:
    """The path as a comment line, for formats that know no better way to name a file."""
    language = language_of(path)
    if language is None or not (language.line_comment or language.block_comment):
        return ""
    before, after = (language.line_comment, "") if language.line_comment else language.block_comment or ("", "")
    return f"{before} {path} {after}".rstrip() + "\n"
