"""Which format a GGUF gets, and every layout written out: sentinels in order, the text between them joined."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_model.errors import UnsupportedModel
from midfill_model.prompts.formats import (
    AIXCODER,
    BY_NAME,
    CODEGEMMA,
    CODELLAMA,
    DEEPSEEK,
    GRANITE,
    GRANITE4,
    MELLUM,
    MIDFILL,
    PREFIX_ONLY,
    QWEN,
    STARCODER2,
    PromptFormat,
    find_format,
    named_format,
)
from midfill_model.prompts.prompt import PromptBuilder, special_tokens
from midfill_model.prompts.vocabulary import PieceIndex
from scripted_model import ScriptedVocabulary

AIX = ("<s>", "</s>", "▁<AIX-SPAN-PRE>", "▁<AIX-SPAN-MIDDLE>", "▁<AIX-SPAN-POST>", "▁<AIX-END-TURN>")
STARCODER = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
PIPED = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
DEEPSEEK_PIECES = ("<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>")
CODELLAMA_PIECES = ("▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>")


@pytest.mark.parametrize(
    ("pieces", "architecture", "name", "found"),
    [
        (AIX, "llama", "aixcoder-7b-base", AIXCODER),
        (AIX, "llama", "", AIXCODER),
        ((*STARCODER, "<file_sep>"), "llama", "midfill-135m", MIDFILL),
        ((*STARCODER, "<file_sep>"), "llama", "Midfill 135M", MIDFILL),
        ((*PIPED, "<|file_sep|>"), "qwen2", "Qwen2.5 Coder 1.5B", QWEN),
        ((*PIPED, "<|file_sep|>"), "qwen3moe", "Qwen3 Coder", QWEN),
        ((*STARCODER, "<file_sep>"), "starcoder2", "starcoder2-3b", STARCODER2),
        ((*STARCODER, "<file_sep>"), "gpt2", "", STARCODER2),
        (CODELLAMA_PIECES, "llama", "codellama_codellama-7b-hf", CODELLAMA),
        (DEEPSEEK_PIECES, "llama", "deepseek-coder-6.7b-base", DEEPSEEK),
        (DEEPSEEK_PIECES, "deepseek2", "DeepSeek-Coder-V2-Lite", DEEPSEEK),
        ((*PIPED, "<|file_separator|>"), "gemma", "codegemma-2b", CODEGEMMA),
        (STARCODER, "llama", "Granite 3b Code Base", GRANITE),
        (STARCODER, "granite", "", GRANITE),
        (PIPED, "granite", "granite-4.0-350m-base", GRANITE4),
        ((*STARCODER, "<filename>"), "llama", "Mellum-4b-base", MELLUM),
        (("a", "b"), "llama", "SmolLM2 135M", PREFIX_ONLY),
        # a family's sentinels that are not all there
        (STARCODER[:2], "starcoder2", "", PREFIX_ONLY),
        (AIX[:3], "llama", "aixcoder-7b", PREFIX_ONLY),
        # a family's name without its sentinels
        (STARCODER, "llama", "mellum", PREFIX_ONLY),
        (PIPED, "llama", "unknown", PREFIX_ONLY),
    ],
)
def test_found_by_pieces_architecture_and_name(
    pieces: tuple[str, ...], architecture: str, name: str, found: PromptFormat
) -> None:
    assert find_format(pieces, architecture, name) is found


def test_fim_ids_of_the_metadata_are_the_fallback() -> None:
    fim = ("[PREFIX]", "[SUFFIX]", "[MIDDLE]")
    found = find_format(fim, "llama", "some model", fim)
    assert found.layout == ("{bos}", "{snippets}", "[PREFIX]", "{prefix}", "[SUFFIX]", "{suffix}", "[MIDDLE]")
    assert found.stop == fim
    assert found.has_suffix


def test_a_known_family_beats_the_fim_ids() -> None:
    assert find_format(AIX, "llama", "aixcoder", STARCODER) is AIXCODER


@pytest.mark.parametrize("name", BY_NAME)
def test_named_format(name: str) -> None:
    assert named_format(name, BY_NAME[name].sentinels).name == name


def test_named_formats_that_cannot_be() -> None:
    with pytest.raises(UnsupportedModel, match=r"'gpt5'; there are aixcoder, midfill, .*prefix-only"):
        named_format("gpt5", ())
    with pytest.raises(UnsupportedModel, match=r"no ▁<AIX-SPAN-PRE> for prompt format aixcoder"):
        named_format("aixcoder", ("<s>", "</s>"))


def test_only_prefix_only_hides_the_suffix() -> None:
    assert [name for name, each in BY_NAME.items() if not each.has_suffix] == ["prefix-only"]


@dataclass(frozen=True)
class Layout:
    """What a prompt must read like: for a file `src/a.py` with `x = (` and `)`, and the snippet `src/b.py`."""

    format: PromptFormat
    extra_pieces: tuple[str, ...]
    bos: str | None
    expected: tuple[str, ...]


HEADER_A = "# the file path is: src/a.py\n# the code file is written by Python\n"
HEADER_B = "# the file path is: src/b.py\n# the code file is written by Python\n"
FIM = find_format(("[P]", "[S]", "[M]"), "llama", "", ("[P]", "[S]", "[M]"))

LAYOUTS = [
    Layout(
        AIXCODER,
        AIX,
        None,
        (
            *("<s>", f" {HEADER_B}def b(): ...", "</s>"),
            *("<s>", "▁<AIX-SPAN-PRE>", "▁<AIX-SPAN-POST>", ")\n", "▁<AIX-SPAN-MIDDLE>", f" {HEADER_A}x = ("),
        ),
    ),
    Layout(
        MIDFILL,
        (),
        None,
        (
            *("<file_sep>", "src/b.py\ndef b(): ...", "<file_sep>", "src/a.py\n"),
            *("<fim_prefix>", "<fim_suffix>", ")\n", "<fim_middle>", "x = ("),
        ),
    ),
    Layout(
        QWEN,
        (),
        None,
        (
            *("<|file_sep|>", "src/b.py\ndef b(): ...\n"),
            *("<|fim_prefix|>", "x = (", "<|fim_suffix|>", ")\n", "<|fim_middle|>"),
        ),
    ),
    Layout(
        STARCODER2,
        (),
        None,
        (
            *("<file_sep>", "src/b.py\ndef b(): ..."),
            *("<fim_prefix>", "x = (", "<fim_suffix>", ")\n", "<fim_middle>"),
        ),
    ),
    Layout(
        CODELLAMA,
        (*CODELLAMA_PIECES, "<s>"),
        "<s>",
        ("<s>", "# src/b.py\ndef b(): ...\n", "▁<PRE>", " x = (", "▁<SUF>", ")\n", "▁<MID>"),
    ),
    Layout(
        DEEPSEEK,
        ("<bos>",),
        "<bos>",
        (
            *("<bos>", "# src/b.py\ndef b(): ...\n"),
            *("<｜fim▁begin｜>", "x = (", "<｜fim▁hole｜>", ")\n", "<｜fim▁end｜>"),
        ),
    ),
    Layout(
        CODEGEMMA,
        ("<bos>",),
        "<bos>",
        (
            *("<bos>", "src/b.py\ndef b(): ...", "<|file_separator|>"),
            *("<|fim_prefix|>", "x = (", "<|fim_suffix|>", ")\n", "<|fim_middle|>"),
        ),
    ),
    Layout(
        GRANITE,
        (),
        None,
        ("# src/b.py\ndef b(): ...\n", "<fim_prefix>", "x = (", "<fim_suffix>", ")\n", "<fim_middle>"),
    ),
    Layout(
        GRANITE4,
        (),
        None,
        ("# src/b.py\ndef b(): ...\n", "<|fim_prefix|>", "x = (", "<|fim_suffix|>", ")\n", "<|fim_middle|>"),
    ),
    Layout(
        MELLUM,
        (),
        None,
        (
            *("<filename>", "src/b.py\ndef b(): ...\n"),
            *("<filename>", "src/a.py\n", "<fim_suffix>", ")\n", "<fim_prefix>", "x = (", "<fim_middle>"),
        ),
    ),
    Layout(PREFIX_ONLY, ("<s>",), "<s>", ("<s>", "# src/b.py\ndef b(): ...\nx = (")),
    Layout(FIM, ("<s>",), "<s>", ("<s>", "# src/b.py\ndef b(): ...\n", "[P]", "x = (", "[S]", ")\n", "[M]")),
    Layout(FIM, (), None, ("# src/b.py\ndef b(): ...\n", "[P]", "x = (", "[S]", ")\n", "[M]")),
]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.format.name}-{layout.bos}")
def test_layout(layout: Layout, seed: int) -> None:
    """Whatever ids the sentinels have."""
    pieces = tuple(dict.fromkeys((*layout.format.sentinels, *layout.format.stop, *layout.extra_pieces)))
    vocabulary = ScriptedVocabulary(pieces, bos=layout.bos, seed=seed)
    builder = PromptBuilder(layout.format, vocabulary, PieceIndex(vocabulary.pieces))
    snippet = Snippet(Chunk("src/b.py", 1, 1, "def b(): ..."), 1.0, "imported")
    prompt = builder.build(Cursor("src/a.py", "python", "x = (", ")\n"), [snippet], 4096)
    assert prompt.draft == ()
    assert vocabulary.spell(prompt.tokens) == list(layout.expected)
    assert prompt.stop == {vocabulary.ids[piece] for piece in layout.format.stop}


@pytest.mark.parametrize("format", BY_NAME.values(), ids=BY_NAME)
def test_completions_end_at_every_sentinel_that_a_model_could_write(format: PromptFormat) -> None:
    assert {*format.sentinels} <= {*format.stop}


def test_stop_tokens_the_vocabulary_lacks_are_left_out() -> None:
    vocabulary = ScriptedVocabulary((*STARCODER, "<file_sep>", "<|endoftext|>"), ends=["<|endoftext|>"])
    builder = PromptBuilder(STARCODER2, vocabulary, PieceIndex(vocabulary.pieces))
    spelled = {vocabulary.text(token) for token in builder.stop}
    assert spelled == {*STARCODER, "<file_sep>", "<|endoftext|>"}
    assert special_tokens(STARCODER2, vocabulary) == builder.stop
    qwen = ScriptedVocabulary((*PIPED, "<|file_sep|>"))
    assert len(PromptBuilder(QWEN, qwen, PieceIndex(qwen.pieces)).stop) == 4
