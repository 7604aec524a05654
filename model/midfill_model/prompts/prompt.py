"""Lays a cursor and its snippets out as the token ids of one prompt, within a token budget."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
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


class PromptBuilder:
    """Builds the prompts of one format with one vocabulary."""

    def __init__(self, format: PromptFormat, vocabulary: Vocabulary, index: PieceIndex) -> None:
        self.format = format
        self.stop = stop_tokens(format, vocabulary)
        self._sentinels = special_tokens(format, vocabulary)
        self._vocabulary = vocabulary
        self._index = index

    def build(self, cursor: Cursor, snippets: Sequence[Snippet], max_tokens: int) -> Prompt:
        """The prompt for `cursor`, with its draft at most `max_tokens` long; snippets give way before the file does."""
        max_chars = max(max_tokens, 0) * CHARS_PER_TOKEN
        while True:
            prompt = self._lay_out(self._cut(cursor, max_chars), snippets)
            if len(prompt.tokens) + len(prompt.draft) <= max_tokens:
                return prompt
            if snippets:
                snippets = snippets[:-1]
            elif max_chars:
                max_chars //= 2
            else:
                return Prompt((), (), b"", self.stop, ())

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

    def _cut(self, cursor: Cursor, max_chars: int) -> Cursor:
        n_suffix = int(max_chars * SUFFIX_SHARE) if self.format.has_suffix else 0
        prefix = prefix_window(cursor.prefix, max_chars - n_suffix)
        return Cursor(cursor.path, cursor.language, prefix, suffix_window(cursor.suffix, n_suffix))

    def _lay_out(self, cursor: Cursor, snippets: Sequence[Snippet]) -> Prompt:
        slots = file_slots(cursor.path) | {"prefix": cursor.prefix, "suffix": cursor.suffix}
        tokens: list[int] = []
        draft: list[int] = []
        segments: list[Segment] = []
        for part in self.format.layout:
            if part == "{snippets}":
                added = [token for each in snippets for token in self.document(each.chunk.path, each.chunk.text)]
            else:
                added = self._part(part, slots)
            if "{prefix}" in part:
                n_kept = self._n_safe(added, _leading_space(part) + cursor.prefix)
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
