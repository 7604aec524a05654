"""Prompt formats: how each family of models was trained to see a hole in a file. One table, for serving and training.

A layout is a row of parts, each either a sentinel, spelled as the vocabulary spells it and looked up there, or a
text with slots, tokenised by itself so that no code of the user's can become a sentinel:

    {bos}       the vocabulary's BOS, for models whose GGUF asks for one
    {snippets}  the snippets of other files, each in the layout `snippet`
    {prefix}    the text before the cursor      {suffix}  the text after it
    {header}    aiXcoder's path and language lines (`aixcoder_header`)
    {path}      the path of the file            {comment} the path as a comment of the file's language
    {code}      the code of a snippet

SentencePiece puts a space before a text; engines switch that off, and a layout that wants it begins with a space.

Sources: aixcoder PAPER.md section 7 and, for the context documents, the follow-up's layout of section 6; CodeGemma and
Code Llama their published prompt guides; Qwen2.5-Coder, StarCoder2, DeepSeek-Coder, Granite and Mellum model cards.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass

from midfill_model.errors import UnsupportedModel


@dataclass(frozen=True)
class PromptFormat:
    """How a prompt is laid out, and the pieces at which a completion ends besides the vocabulary's own ends.

    For training: `psm` has the parts of `layout` in the other order, `end` is the piece after a middle and after a
    file without a hole, which is laid out like a snippet. Empty where the family was not trained here.
    """

    name: str
    layout: tuple[str, ...]
    snippet: tuple[str, ...]
    stop: tuple[str, ...] = ()
    psm: tuple[str, ...] = ()
    end: str = ""

    @property
    def has_suffix(self) -> bool:
        """Whether the model sees the text after the cursor (FIM)."""
        return "{suffix}" in self.layout

    @property
    def sentinels(self) -> tuple[str, ...]:
        """The pieces the vocabulary must have."""
        parts = (*self.layout, *self.snippet)
        return tuple(dict.fromkeys(part for part in parts if "{" not in part))


_STARCODER = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
_PIPED = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")


def _psm(sentinels: tuple[str, str, str], *, before: tuple[str, ...] = ("{snippets}",)) -> tuple[str, ...]:
    prefix, suffix, middle = sentinels
    return (*before, prefix, "{prefix}", suffix, "{suffix}", middle)


AIXCODER = PromptFormat(
    "aixcoder",
    (
        "{snippets}",
        "<s>",
        "▁<AIX-SPAN-PRE>",
        "▁<AIX-SPAN-POST>",
        "{suffix}",
        "▁<AIX-SPAN-MIDDLE>",
        " {header}{prefix}",
    ),
    ("<s>", " {header}{code}", "</s>"),
    # the stop set of the official Megatron session (the HF one stops at </s> alone) and the roles of a chat
    (
        *("</s>", "<s>", "▁<AIX-SPAN-PRE>", "▁<AIX-SPAN-MIDDLE>", "▁<AIX-SPAN-POST>"),
        *("▁<AIX-END-TURN>", "▁<AIX-SYSTEM>", "▁<AIX-USER>"),
    ),
    psm=(
        "{snippets}",
        "<s>",
        "▁<AIX-SPAN-PRE>",
        " {header}{prefix}",
        "▁<AIX-SPAN-POST>",
        "{suffix}",
        "▁<AIX-SPAN-MIDDLE>",
    ),
    end="</s>",
)
# Suffix first, because typing then changes nothing but the prompt's tail. Files are named as llama.cpp's /infill names
# them, so that its clients can run the model, in PSM order; the path says the language too.
MIDFILL = PromptFormat(
    "midfill",
    ("{snippets}", "<file_sep>", "{path}\n", "<fim_prefix>", "<fim_suffix>", "{suffix}", "<fim_middle>", "{prefix}"),
    ("<file_sep>", "{path}\n{code}"),
    ("<file_sep>", *_STARCODER),
    psm=_psm(_STARCODER, before=("{snippets}", "<file_sep>", "{path}\n")),
    end="<|endoftext|>",
)
QWEN = PromptFormat(
    "qwen2.5-coder",
    _psm(_PIPED),
    ("<|file_sep|>", "{path}\n{code}\n"),
    ("<|file_sep|>", "<|repo_name|>", "<|fim_pad|>", *_PIPED),
)
STARCODER2 = PromptFormat("starcoder2", _psm(_STARCODER), ("<file_sep>", "{path}\n{code}"), ("<file_sep>", *_STARCODER))
CODELLAMA = PromptFormat(
    "codellama",
    ("{bos}", "{snippets}", "▁<PRE>", " {prefix}", "▁<SUF>", "{suffix}", "▁<MID>"),
    ("{comment}{code}\n",),
    ("▁<EOT>", "▁<PRE>", "▁<SUF>", "▁<MID>"),
)
DEEPSEEK = PromptFormat(
    "deepseek-coder",
    _psm(("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"), before=("{bos}", "{snippets}")),
    ("{comment}{code}\n",),
    ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
)
CODEGEMMA = PromptFormat(
    "codegemma",
    _psm(_PIPED, before=("{bos}", "{snippets}")),
    ("{path}\n{code}", "<|file_separator|>"),
    ("<|file_separator|>", *_PIPED),
)
GRANITE = PromptFormat("granite", _psm(_STARCODER), ("{comment}{code}\n",), _STARCODER)
GRANITE4 = PromptFormat("granite4", _psm(_PIPED), ("{comment}{code}\n",), _PIPED)
MELLUM = PromptFormat(
    "mellum",
    (
        "{snippets}",
        "<filename>",
        "{path}\n",
        "<fim_suffix>",
        "{suffix}",
        "<fim_prefix>",
        "{prefix}",
        "<fim_middle>",
    ),
    ("<filename>", "{path}\n{code}\n"),
    ("<filename>", *_STARCODER),
)
PREFIX_ONLY = PromptFormat("prefix-only", ("{bos}", "{snippets}", "{prefix}"), ("{comment}{code}\n",))

# The first rule that holds decides: many families share their sentinels, so architecture and name come in.
_RULES: tuple[tuple[PromptFormat, Callable[[str, str], bool]], ...] = (
    (AIXCODER, lambda architecture, name: True),
    (MIDFILL, lambda architecture, name: "midfill" in name),
    (MELLUM, lambda architecture, name: "mellum" in name),
    (QWEN, lambda architecture, name: architecture.startswith("qwen")),
    (CODEGEMMA, lambda architecture, name: architecture.startswith("gemma")),
    (GRANITE4, lambda architecture, name: "granite" in architecture),
    (GRANITE, lambda architecture, name: "granite" in architecture or "granite" in name),
    (DEEPSEEK, lambda architecture, name: True),
    (CODELLAMA, lambda architecture, name: True),
    (STARCODER2, lambda architecture, name: True),
)

BY_NAME = {rule[0].name: rule[0] for rule in _RULES} | {PREFIX_ONLY.name: PREFIX_ONLY}


def named_format(name: str, pieces: Container[str]) -> PromptFormat:
    """The format called `name`; UnsupportedModel if there is none or the vocabulary lacks its sentinels."""
    if name not in BY_NAME:
        raise UnsupportedModel(f"there is no prompt format {name!r}; there are {', '.join(BY_NAME)}")
    missing = [piece for piece in BY_NAME[name].sentinels if piece not in pieces]
    if missing:
        raise UnsupportedModel(f"the model has no {missing[0]} for prompt format {name}; leave the format open")
    return BY_NAME[name]


def find_format(
    pieces: Container[str], architecture: str, name: str, fim: tuple[str, str, str] | None = None
) -> PromptFormat:
    """The format for a GGUF: `pieces` of its vocabulary, `general.architecture`, `general.name`.

    `fim` is the text of the prefix, suffix and middle tokens that the GGUF's own metadata names, if it does: a model
    of no known family is then prompted in the common PSM order. Without any FIM tokens it runs prefix-only.
    """
    for candidate, applies in _RULES:
        if applies(architecture.lower(), name.lower()) and all(piece in pieces for piece in candidate.sentinels):
            return candidate
    if fim is not None:
        return PromptFormat("fim", _psm(fim, before=("{bos}", "{snippets}")), ("{comment}{code}\n",), fim)
    return PREFIX_ONLY
