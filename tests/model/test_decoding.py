"""Writing a completion: with models that know a text by heart, then with the real one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from midfill_context.cursor import Cursor
from midfill_model.engine import CompletionRequest, Ending, Limits, Sampling, StopReason
from midfill_model.local import sampling as sampling_module
from midfill_model.local.decoding import MAX_OVERHANG, Decoder
from midfill_model.local.interrupt import Interrupt
from midfill_model.local.kv_cache import BRANCH, MAIN, QUICK, KvCache
from midfill_model.local.llama import LlamaContext
from midfill_model.local.prompt_choice import PromptChoice, PromptSizes
from midfill_model.prompts.formats import MIDFILL, PREFIX_ONLY, PromptFormat
from midfill_model.prompts.prompt import PromptBuilder, special_tokens
from midfill_model.prompts.vocabulary import PieceIndex, Vocabulary
from scripted_model import NextToken, ScriptedContext, ScriptedVocabulary, knowing

TEXT = '''"""Prices and stock."""

from decimal import Decimal


class Größe:
\t"""Tabs, too."""


def total(items, *, currency="€"):
    if not items:
        return Decimal("0.00")
    label = f"{currency} naïve 🙂 名前 {len(items):>10}"
    print(label, items[0][1], sep="\\n")


    return sum((item.price * item.amount for item in items), start=Decimal())
'''
DEEP = "x = {\n" + " " * 200 + "'key': 1,\n"


@dataclass(frozen=True)
class Scripted:
    decoder: Decoder
    context: ScriptedContext
    vocabulary: Vocabulary
    interrupt: Interrupt

    def complete(self, prefix: str, suffix: str = "", **changes: object) -> object:
        return self.decoder.complete(replace(request(prefix, suffix), **changes))  # type: ignore[arg-type]


def request(prefix: str, suffix: str = "", *, max_tokens: int = 300, path: str = "a.py") -> CompletionRequest:
    return CompletionRequest(Cursor(path, "python", prefix, suffix), limits=Limits(max_tokens), ending=Ending.LINE)


def scripted(
    vocabulary: Vocabulary,
    next_token: NextToken,
    *,
    format: PromptFormat = PREFIX_ONLY,
    n_ctx: int = 4096,
    max_prompt_tokens: int = 2048,
) -> Scripted:
    context = ScriptedContext(next_token, len(vocabulary.pieces), n_micro_batch=16, n_ctx=n_ctx)
    index = PieceIndex(vocabulary.pieces, special_tokens(format, vocabulary))
    interrupt = Interrupt()
    cache = KvCache(context, 0)
    choice = PromptChoice(PromptBuilder(format, vocabulary, index), cache, PromptSizes(n_ctx, max_prompt_tokens))
    decoder = Decoder(cache, choice, vocabulary.pieces, index, interrupt, n_ctx)
    return Scripted(decoder, context, vocabulary, interrupt)


@pytest.fixture(scope="module", params=["smollm2", "sentencepiece", "words"])
def vocabulary(request: pytest.FixtureRequest) -> Vocabulary:
    """Three ways to cut a text into tokens."""
    if request.param == "words":
        return ScriptedVocabulary(
            words=["re", "ret", "return", " re", "  ", "    ", "\n\n", "):", "\n    ", "item", "s)"]
        )
    name = {"smollm2": "loaded_llama", "sentencepiece": "other_model"}[request.param]
    llama: LlamaContext = request.getfixturevalue(name)
    return llama.vocabulary


def first_line(text: str) -> str:
    """Of what follows the cursor at the end of a file: up to the end of the first line that is not blank."""
    blank = len(text) - len(text.lstrip())
    return text[: text.index("\n", blank)] if "\n" in text[blank:] else text


@pytest.mark.parametrize("longest_bytes", [99, 3, 1])
@pytest.mark.parametrize("text", [TEXT, DEEP], ids=["code", "deep"])
def test_every_place_of_a_text_known_by_heart(vocabulary: Vocabulary, text: str, longest_bytes: int) -> None:
    """Whatever was taken back comes once, and the line goes on as if it had never been cut."""
    model = scripted(vocabulary, knowing(text, vocabulary.pieces, longest_bytes))
    n_checked = 0
    for cut in range(1, len(text) - 1):
        if not text[cut:].strip():
            break
        completion = model.complete(text[:cut])
        assert completion.text == first_line(text[cut:]), repr(text[max(cut - 20, 0) : cut])
        assert completion.stop_reason is StopReason.LINE
        n_checked += 1
    assert n_checked > 200


def test_raw_completions_go_on_past_the_line(vocabulary: Vocabulary) -> None:
    """From the middle of a word to the end of the budget, with what was taken back written once."""
    cut = TEXT.index("bel, items[0]")
    model = scripted(vocabulary, knowing(TEXT, vocabulary.pieces))
    completion = model.complete(TEXT[:cut], TEXT[cut:], ending=Ending.RAW)
    assert completion.text.rstrip("\n") == TEXT[cut:].rstrip("\n")
    assert completion.stop_reason is StopReason.MAX_TOKENS


def test_bytes_spelled_in_crumbs_are_bounded(vocabulary: Vocabulary) -> None:
    """A model that writes an indentation blank by blank must not cost a decoding step for each."""
    model = scripted(vocabulary, knowing(DEEP, vocabulary.pieces, longest_bytes=1))
    completion = model.complete(DEEP[:206], limits=Limits(max_tokens=4))
    assert completion.text == "'key"
    # the prompt with its draft, the crumbs, the draft again, the completion
    assert model.context.n_decoded <= 2 * completion.timings.n_prompt_tokens + MAX_OVERHANG + 4


@pytest.mark.parametrize("seed", range(5))
def test_healed_bytes_come_back_however_tokens_are_drawn(vocabulary: Vocabulary, seed: int) -> None:
    rng = random.Random(seed)
    model = scripted(vocabulary, lambda cells: {rng.randrange(len(vocabulary.pieces)): 5.0 for _ in range(50)})
    for cut in rng.sample(range(1, len(TEXT)), 12):
        prefix = TEXT[:cut]
        model.complete(prefix, limits=Limits(8), sampling=Sampling(1.5, seed=seed), n_candidates=rng.choice((1, 3)))
        for sequence in model.context.sequences.values():
            cached = b"".join(vocabulary.pieces[token] for token in sequence)
            n_shared = min(len(cached), len(prefix.encode()))
            assert cached[:n_shared] == prefix.encode()[:n_shared]


class TestEnds:
    def test_at_a_stop_token(self) -> None:
        vocabulary = ScriptedVocabulary(["<s>", "<end>"], bos="<s>", ends=["<end>"])
        script = [*vocabulary.encode("ab"), vocabulary.ids["<end>"]]
        model = scripted(vocabulary, lambda cells: script[len(cells) - 2])
        completion = model.complete("x")
        assert (completion.text, completion.stop_reason) == ("ab", StopReason.END_OF_TEXT)
        assert len(completion.logprobs) == completion.timings.n_completion_tokens == 2

    @pytest.mark.parametrize(("max_tokens", "text"), [(-1, ""), (0, ""), (1, "t"), (5, "total")])
    def test_at_the_token_budget(self, max_tokens: int, text: str) -> None:
        vocabulary = ScriptedVocabulary()
        model = scripted(vocabulary, knowing(TEXT, vocabulary.pieces))
        cut = TEXT.index("total")
        completion = model.complete(TEXT[:cut], limits=Limits(max_tokens))
        assert (completion.text, completion.stop_reason) == (text, StopReason.MAX_TOKENS)

    @pytest.mark.parametrize("max_tokens", range(1, 9))
    def test_never_in_the_middle_of_a_character(self, max_tokens: int) -> None:
        vocabulary = ScriptedVocabulary()
        model = scripted(vocabulary, knowing("x = 'é🙂'\n", vocabulary.pieces))
        completion = model.complete("x = '", limits=Limits(max_tokens))
        whole = ["", "é", "é", "é", "é", "é🙂", "é🙂'", "é🙂'"][max_tokens - 1]
        assert completion.text == whole

    def test_where_the_rest_of_the_line_begins(self) -> None:
        vocabulary = ScriptedVocabulary()
        model = scripted(vocabulary, knowing("f(a, (b))\n", vocabulary.pieces))
        completion = model.complete("f(", ")\nnext\n")
        assert (completion.text, completion.stop_reason) == ("a, (b)", StopReason.SUFFIX)

    def test_nothing_to_continue(self) -> None:
        vocabulary = ScriptedVocabulary()
        model = scripted(vocabulary, lambda cells: 0)
        assert model.complete("").stop_reason is StopReason.NOTHING_TO_CONTINUE
        assert model.complete("", "suffix alone\n").stop_reason is StopReason.NOTHING_TO_CONTINUE
        assert model.context.n_decoded == 0

    def test_an_empty_file_after_a_beginning(self) -> None:
        vocabulary = ScriptedVocabulary(["<s>"], bos="<s>")
        model = scripted(vocabulary, knowing("import os\n", vocabulary.pieces))
        assert model.complete("").text == "import os"

    def test_a_vocabulary_that_cannot_spell_what_is_owed(self) -> None:
        """`(` is taken back, because of `()`; every other way to write it is special."""
        vocabulary = ScriptedVocabulary(words=["()"])
        decoder = scripted(vocabulary, lambda cells: 0).decoder
        decoder._index = PieceIndex([])
        assert decoder.complete(request("f(")).text == ""


class TestInterrupts:
    def model(self) -> Scripted:
        vocabulary = ScriptedVocabulary()
        return scripted(vocabulary, knowing(TEXT, vocabulary.pieces))

    @pytest.mark.parametrize("reason", [StopReason.CANCELLED, StopReason.SUPERSEDED, StopReason.DEADLINE])
    def test_in_the_prompt(self, reason: StopReason) -> None:
        model = self.model()
        model.interrupt.trip(reason)
        model.context.interrupt_at = 3
        completion = model.complete(TEXT[:200])
        assert (completion.text, completion.stop_reason) == ("", reason)
        assert completion.timings.decode_ms == 0 < completion.timings.prompt_ms
        model.interrupt.reset()
        model.context.interrupt_at = None
        again = model.complete(TEXT[:200])
        assert again.timings.n_reused_tokens == 3 * 16
        assert again.text == first_line(TEXT[200:])

    def test_while_writing(self) -> None:
        model = self.model()
        cut = TEXT.index("total")
        n_batches = -(-len(TEXT[:cut].encode()) // 16)
        model.interrupt.trip(StopReason.DEADLINE)
        model.context.interrupt_at = n_batches + 4
        completion = model.complete(TEXT[:cut])
        assert (completion.text, completion.stop_reason) == ("total", StopReason.DEADLINE)
        assert len(completion.logprobs) == 5

    def test_while_writing_alternatives(self) -> None:
        model = self.model()
        cut = TEXT.index("total")
        whole = model.complete(TEXT[:cut], n_candidates=1)
        model.context.interrupt_at = len(model.context.batches) + len(whole.logprobs) + 3
        model.interrupt.trip(StopReason.DEADLINE)
        cached = list(model.context.sequences[MAIN])
        completion = model.complete(TEXT[:cut], n_candidates=5)
        assert completion.text == whole.text
        assert completion.stop_reason is StopReason.LINE
        assert len(completion.alternatives) < 4
        assert model.context.sequences == {MAIN: cached, BRANCH: [], QUICK: []}


class TestCandidates:
    """A model that thinks of several words."""

    @pytest.fixture
    def model(self) -> Scripted:
        words = ["ret", "urn", "return", "yield", "raise", "pass"]
        vocabulary = ScriptedVocabulary(words=words)
        ids = vocabulary.ids

        def next_token(cells: Sequence[int]) -> dict[int, float]:
            last = cells[-1]
            if last == ids["ret"]:
                return {ids["urn"]: 9.0}
            if last in (ids[word] for word in words):
                return {ids["<0x0A>"]: 9.0}
            likely = {ids["return"]: 9.0, ids["ret"]: 8.0, ids["yield"]: 7.0, ids["<0x0A>"]: 6.0, ids["raise"]: 5.0}
            return {**likely, ids["pass"]: 4.0}

        return scripted(vocabulary, next_token)

    @pytest.mark.parametrize(
        ("n_candidates", "others"), [(1, []), (2, ["yield"]), (3, ["yield", "raise"]), (4, ["yield", "raise"])]
    )
    def test_distinct_and_the_first_is_greedy(self, model: Scripted, n_candidates: int, others: list[str]) -> None:
        completion = model.complete("x: ", ")\n", n_candidates=n_candidates)
        assert completion.text == "return"
        assert [each.text for each in completion.alternatives] == others
        assert all(len(each.logprobs) >= 2 for each in completion.alternatives)

    def test_they_leave_the_first_where_they_are_likeliest(self) -> None:
        """Behind what they share, be that the half of a character."""
        vocabulary = ScriptedVocabulary(words=["print ", "name", "size"])
        smile, other = "🙂".encode(), "🙃".encode()
        written = {b"x:": {b"print ": 9.0}} | {
            b"x:print " + smile[:n]: {smile[n : n + 1]: 9.0, other[n : n + 1]: 7.0 + 2.0 * (n < 3)} for n in range(4)
        }
        choices = written | {b"x:print " + each: {b"name": 9.0, b"size": 8.0} for each in (smile, other)}

        def next_token(cells: Sequence[int]) -> dict[int, float]:
            known = b"".join(vocabulary.pieces[token] for token in cells)
            pieces = choices.get(known, {b"x:"[len(known) :] or b"\n": 9.0})
            return {vocabulary.pieces.index(piece): logit for piece, logit in pieces.items()}

        completion = scripted(vocabulary, next_token).complete("x:", n_candidates=3)
        texts = [completion.text, *(each.text for each in completion.alternatives)]
        assert texts == ["print 🙂name", "print 🙂size", "print 🙃name"]
        assert all(len(each.logprobs) == len(completion.logprobs) for each in completion.alternatives)

    def test_the_branch_is_gone_and_the_main_sequence_whole(self, model: Scripted) -> None:
        model.complete("x: ", ")\n", n_candidates=3)
        spelled = b"".join(model.vocabulary.pieces[token] for token in model.context.sequences[MAIN])
        assert spelled == b"x: return"
        assert model.context.sequences[1] == []


@pytest.mark.parametrize("n_ctx", [40, 64, 100, 300])
@pytest.mark.parametrize("max_tokens", [1, 48, 1000])
def test_prompt_and_completions_always_fit_the_context(n_ctx: int, max_tokens: int) -> None:
    """The scripted context fails where llama.cpp has no cell left."""
    vocabulary = ScriptedVocabulary(words=["    ", "\n    "])
    model = scripted(vocabulary, lambda cells: {token: float(token % 7) for token in range(250)}, n_ctx=n_ctx)
    prefix = "x = [1, 2, 3]\n    " * 300 + " " * 150
    for cut in (3, 200, 1000, len(prefix)):
        completion = model.complete(prefix[:cut], "y\n" * 500, limits=Limits(max_tokens), n_candidates=4)
        assert completion.timings.n_prompt_tokens + completion.timings.n_completion_tokens <= n_ctx


def test_timings_count_tokens() -> None:
    vocabulary = ScriptedVocabulary()
    model = scripted(vocabulary, knowing(TEXT, vocabulary.pieces))
    cut = TEXT.index("total")
    first = model.complete(TEXT[:cut]).timings
    assert (first.n_prompt_tokens, first.n_reused_tokens) == (len(TEXT[:cut].encode()), 0)
    assert first.n_completion_tokens == len(first_line(TEXT[cut:]).encode()) + 1
    second = model.complete(TEXT[: cut + 5]).timings
    assert second.n_reused_tokens == second.n_prompt_tokens - 1


def test_suffix_first_prompts_are_healed_too() -> None:
    vocabulary = ScriptedVocabulary([*MIDFILL.sentinels], ["retu", "return"])
    n_sentinels = len(MIDFILL.sentinels)
    script = knowing("a.py\n)\nretu = return 1\n", vocabulary.pieces)
    model = scripted(vocabulary, lambda cells: script(cells), format=MIDFILL)
    completion = model.complete("retu = retu", ")\n")
    n_text = len("a.py\n)\nretu = retu".replace("retu", "r"))
    assert completion.timings.n_prompt_tokens == n_sentinels + n_text
    assert completion.text == "rn 1"


# ---- the real model ----

CODE = Path(sampling_module.__file__).read_text(encoding="utf-8")


@pytest.fixture
def decoder(llama: LlamaContext, llama_index: PieceIndex, interrupt: Interrupt) -> Decoder:
    builder = PromptBuilder(PREFIX_ONLY, llama.vocabulary, llama_index)
    pieces = llama.vocabulary.pieces
    cache = KvCache(llama, 0)
    return Decoder(cache, PromptChoice(builder, cache, PromptSizes(1536, 1024)), pieces, llama_index, interrupt, 1536)


def check_coherent(decoder: Decoder, prefix: str, text: str) -> None:
    """What the model has read and written is the prefix once, then the completion, byte by byte."""
    cached = b"".join(decoder._pieces[token] for token in decoder._cache._tokens[MAIN])
    written = (prefix + text).encode()
    n_shared = min(len(cached), len(written))
    assert cached[:n_shared] == written[:n_shared], (cached[-60:], written[-60:])
    assert n_shared > 0


def places() -> list[int]:
    """Cuts in the first lines of a module: random ones, and kinds that must be among them."""
    head = CODE[:700]
    kinds = [
        head.index("import numpy") + 9,  # in an identifier
        head.index("    logits:") + 2,  # in an indentation
        head.index("    logits:"),
        head.index("\n\n\n") + 2,  # between blank lines
        head.index("choose(") + len("choose("),
        head.index('"""') + 2,  # in a token of quotes
        *(1, 3, 7),  # in the first token of the file
    ]
    return sorted({*kinds, *random.Random(3).sample(range(1, len(head)), 32)})


def test_real_completions_continue_what_was_there(decoder: Decoder) -> None:
    cuts = places()
    assert len(cuts) > 35
    n_written = 0
    for cut in cuts:
        completion = decoder.complete(request(CODE[:cut], max_tokens=3))
        check_coherent(decoder, CODE[:cut], completion.text)
        n_written += bool(completion.text)
    assert n_written > 30


@pytest.mark.parametrize(
    "prefix",
    [
        "name = 'naïv",
        "name = 'é",
        "# Größ",
        "print('🙂",
        "x = '名",
        "x = '日本語",
        "\t\t\tif x:\n\t\t\t",
        "a = 1\n\n\n\n",
        " " * 300,
        "x" * 200,
        "\0",
        "a\u2028b",
        "x = 1 \\\n",
    ],
    ids=ascii,
)
def test_real_completions_beside_odd_characters(decoder: Decoder, prefix: str) -> None:
    completion = decoder.complete(request(prefix, max_tokens=6))
    check_coherent(decoder, prefix, completion.text)
    assert "\ufffd" not in completion.text


def test_real_healing_is_worth_it(decoder: Decoder) -> None:
    """The model knows how its own prompt goes on after an indentation only if the newline is not fixed."""
    prefix = "def add(a, b):\n    return a + b\n\n\ndef sub(a, b):\n    "
    assert decoder.complete(request(prefix)).text == "return a - b"
    assert decoder.complete(request(prefix + "ret")).text == "urn a - b"


def test_real_logprobs(decoder: Decoder) -> None:
    completion = decoder.complete(request("for i in ra", max_tokens=8))
    assert completion.text.startswith("nge(")
    assert len(completion.logprobs) == completion.timings.n_completion_tokens
    assert all(logprob <= 0 for logprob in completion.logprobs)
    assert completion.logprobs[0] > -0.5, "the log-probability is the token's own, not that of what was left to write"
