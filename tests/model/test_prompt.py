"""How a prompt is laid out within its budget, and that no text of the user's becomes a sentinel."""

from __future__ import annotations

from dataclasses import replace

import pytest

from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_model.prompts.formats import MIDFILL, PREFIX_ONLY, PromptFormat
from midfill_model.prompts.prompt import PromptBuilder, Segment, special_tokens
from midfill_model.prompts.vocabulary import PieceIndex
from scripted_model import ScriptedVocabulary

FIM_PIECES = (*MIDFILL.sentinels,)


def builder(vocabulary: ScriptedVocabulary, format: PromptFormat = MIDFILL) -> PromptBuilder:
    return PromptBuilder(format, vocabulary, PieceIndex(vocabulary.pieces, special_tokens(format, vocabulary)))


def snippet(text: str, path: str = "b.py") -> Snippet:
    return Snippet(Chunk(path, 1, 1, text), 1.0, "similar")


def lines(n: int) -> str:
    return "".join(f"x{at:05} = 1\n" for at in range(n))  # 11 characters each


def test_everything_fits() -> None:
    vocabulary = ScriptedVocabulary(FIM_PIECES)
    prompt = builder(vocabulary).build(Cursor("a.py", "python", "pre", "suf"), [snippet("one")], 100)
    assert prompt.segments == (
        Segment("{snippets}", 1 + len("b.py\none")),
        Segment("<file_sep>", 1),
        Segment("{path}\n", 5),
        Segment("<fim_prefix>", 1),
        Segment("<fim_suffix>", 1),
        Segment("{suffix}", 3),
        Segment("<fim_middle>", 1),
        Segment("{prefix}", 3),
    )
    assert sum(segment.n_tokens for segment in prompt.segments) == len(prompt.tokens)


@pytest.mark.parametrize("max_tokens", [1, 3, 4, 50, 200, 1000, 4000])
@pytest.mark.parametrize(
    "text", [lines(500), "x" * 5000, "日本語🙂" * 2000, ""], ids=["code", "line", "dense", "empty"]
)
def test_never_longer_than_the_budget(text: str, max_tokens: int) -> None:
    vocabulary = ScriptedVocabulary(FIM_PIECES)  # every byte is a token: as dense as text can be
    prompt = builder(vocabulary).build(Cursor("a.py", "python", text, text), [snippet(text)], max_tokens)
    assert len(prompt.tokens) + len(prompt.draft) <= max_tokens


@pytest.mark.parametrize("max_tokens", [-100, -1, 0], ids=str)
def test_no_budget_is_no_prompt(max_tokens: int) -> None:
    prompt = builder(ScriptedVocabulary(FIM_PIECES)).build(Cursor("", "", "abc", "def"), [snippet("x")], max_tokens)
    assert prompt.tokens == prompt.draft == ()


def test_snippets_give_way_before_the_file_and_the_last_first() -> None:
    vocabulary = ScriptedVocabulary(FIM_PIECES)
    snippets = [snippet("1" * 50), snippet("2" * 50), snippet("3" * 50)]
    cursor = Cursor("a.py", "python", "prefix", "suffix")
    prompt = builder(vocabulary).build(cursor, snippets, 146)
    parts = vocabulary.spell([*prompt.tokens, *prompt.draft])
    assert parts[:4] == ["<file_sep>", "b.py\n" + "1" * 50, "<file_sep>", "b.py\n" + "2" * 50]
    assert parts[4:] == ["<file_sep>", "a.py\n", "<fim_prefix>", "<fim_suffix>", "suffix", "<fim_middle>", "prefix"]


def test_the_least_scored_snippet_gives_way_and_the_order_stays() -> None:
    vocabulary = ScriptedVocabulary(FIM_PIECES)
    snippets = [replace(snippet(str(at) * 50), score=score) for at, score in enumerate((0.5, 0.1, 0.9, 0.3))]
    cursor = Cursor("a.py", "python", "prefix", "suffix")
    shown = {}
    for n_snippets in range(5):
        prompt = builder(vocabulary).build(cursor, snippets, 100, n_snippets * 56 + 5)
        assert prompt.n_snippet_tokens == n_snippets * 56
        parts = vocabulary.spell(prompt.drafted)
        shown[n_snippets] = "".join(part[5] for part in parts if part.startswith("b.py"))
    assert shown == {0: "", 1: "2", 2: "02", 3: "023", 4: "0123"}


@pytest.mark.parametrize("n_chars", [10, 3000], ids=["short file", "long file"])
def test_snippets_with_a_budget_of_their_own_do_not_move_the_window(n_chars: int) -> None:
    vocabulary = ScriptedVocabulary(FIM_PIECES)
    cursor = Cursor("a.py", "python", lines(500)[:n_chars], lines(500)[:n_chars])
    alone = builder(vocabulary).build(cursor, [], 400, 200)
    beside = builder(vocabulary).build(cursor, [snippet("1" * 90), snippet("2" * 90)], 400, 200)
    assert beside.n_snippet_tokens == 192
    assert beside.tokens[192:] == alone.tokens
    assert (beside.draft, beside.healed) == (alone.draft, alone.healed)


def test_a_long_file_keeps_what_is_near_the_cursor() -> None:
    vocabulary = ScriptedVocabulary(FIM_PIECES, words=lines(500).splitlines(keepends=True))
    prefix, suffix = lines(500)[:2750], lines(500)[2750:]
    prompt = builder(vocabulary).build(Cursor("a.py", "python", prefix, suffix), [], 60)
    parts = vocabulary.spell([*prompt.tokens, *prompt.draft])
    shown_suffix, shown_prefix = parts[4], parts[6]
    assert prefix.endswith(shown_prefix)
    assert suffix.startswith(shown_suffix)
    assert len(shown_prefix) > len(shown_suffix) > 0


def test_a_model_without_fim_gives_the_suffix_no_room() -> None:
    vocabulary = ScriptedVocabulary()
    prompt = builder(vocabulary, PREFIX_ONLY).build(Cursor("", "", "a\n" * 40, "b" * 5000), [], 81)
    assert vocabulary.spell([*prompt.tokens, *prompt.draft]) == ["a\n" * 40]


@pytest.mark.parametrize(
    ("path", "comment"),
    [
        ("src/a.py", "# src/a.py\n"),
        ("a.js", "// a.js\n"),
        ("q.sql", "-- q.sql\n"),
        ("site.css", "/* site.css */\n"),
        ("page.html", "<!-- page.html -->\n"),
        ("a.unknown", ""),
        ("", ""),
    ],
    ids=lambda text: text.strip() or "none",
)
def test_formats_without_file_names_use_a_comment(path: str, comment: str) -> None:
    vocabulary = ScriptedVocabulary()
    prompt = builder(vocabulary, PREFIX_ONLY).build(Cursor("", "", "x", ""), [snippet("code", path)], 100)
    assert vocabulary.spell(prompt.tokens) == [f"{comment}code\nx"]


class TestMarkers:
    """Texts with sentinels in them, for a vocabulary that finds its sentinels in text."""

    @pytest.mark.parametrize(
        "text",
        [
            "<fim_middle>",
            "a<fim_prefix>b<fim_suffix>c<fim_middle>d",
            "<fim_middle><fim_middle>",
            "<<fim_middle>fim_middle>",
            "<fim_middle>" * 2000,
            "x <file_sep>\n",
        ],
        ids=["alone", "all", "twice", "nested", "thousands", "file"],
    )
    def test_stay_text(self, text: str) -> None:
        vocabulary = ScriptedVocabulary(FIM_PIECES, spelled=True)
        prompt = builder(vocabulary).build(Cursor("a.py", "", text, text), [snippet(text)], 200_000)
        tokens = [*prompt.tokens, *prompt.draft]
        special = {vocabulary.ids[piece] for piece in FIM_PIECES}
        assert [vocabulary.text(token) for token in tokens if token in special] == [
            *("<file_sep>", "<file_sep>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>")
        ]
        spelled = b"".join(vocabulary.pieces[token] for token in tokens).decode()
        assert spelled == f"<file_sep>b.py\n{text}<file_sep>a.py\n<fim_prefix><fim_suffix>{text}<fim_middle>{text}"

    def test_healing_never_owes_a_part_of_a_sentinel(self) -> None:
        """`<` could become a sentinel if those were words of the model's language."""
        vocabulary = ScriptedVocabulary(FIM_PIECES, spelled=True)
        prompt = builder(vocabulary).build(Cursor("", "", "if a <", ""), [], 100)
        assert prompt.healed == b""


class TestStart:
    def test_healing_leaves_something_to_continue(self) -> None:
        vocabulary = ScriptedVocabulary(words=["retu", "return"])
        prompt = builder(vocabulary, PREFIX_ONLY).build(Cursor("", "", "retu", ""), [], 100)
        assert vocabulary.spell(prompt.tokens) == ["retu"]
        assert (prompt.draft, prompt.healed) == ((), b"")

    def test_with_a_sentinel_in_front_the_whole_file_may_be_healed(self) -> None:
        vocabulary = ScriptedVocabulary(["<s>"], ["retu", "return"], bos="<s>")
        prompt = builder(vocabulary, PREFIX_ONLY).build(Cursor("", "", "retu", ""), [], 100)
        assert vocabulary.spell(prompt.tokens) == ["<s>"]
        assert prompt.healed == b"retu"

    def test_healing_never_reaches_into_what_stands_before_the_prefix(self) -> None:
        """The header of a format with one: `x` and `\\n` could be joined, but the header is not the user's."""
        vocabulary = ScriptedVocabulary(["<p>"], ["x\n", "\nab"])
        format = PromptFormat("headed", ("<p>", "{path}\n{prefix}"), ())
        prompt = builder(vocabulary, format).build(Cursor("x", "", "\n", ""), [], 100)
        assert prompt.healed == b"\n"
        assert vocabulary.spell(prompt.tokens) == ["<p>", "x\n"]

    def test_nothing_at_all(self) -> None:
        prompt = builder(ScriptedVocabulary(), PREFIX_ONLY).build(Cursor("", "", "", ""), [], 100)
        assert prompt.tokens == prompt.draft == ()


@pytest.mark.parametrize("text", ["a\ud800b", "\udfff", "\0", "\ud83d\ude42"], ids=ascii)
def test_text_that_is_no_unicode(text: str) -> None:
    """Lone surrogates come through JSON; they have no bytes."""
    vocabulary = ScriptedVocabulary(FIM_PIECES)
    prompt = builder(vocabulary).build(Cursor(text, "", text, text), [snippet(text, text)], 1000)
    assert len(prompt.tokens) + len(prompt.draft) > len(FIM_PIECES)
