"""Examples have the ids that serving gives to the same text, with real tokenizers in llama.cpp and in training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_model.files.random_model import SHAPES, write_random_model
from midfill_model.local.interrupt import Interrupt
from midfill_model.local.llama import ContextOptions, LlamaContext, LlamaVocabulary
from midfill_model.prompts.formats import AIXCODER, MIDFILL, QWEN, PromptFormat
from midfill_model.prompts.prompt import Prompt, PromptBuilder, special_tokens
from midfill_model.prompts.vocabulary import PieceIndex, Vocabulary
from midfill_training.errors import BadInput
from midfill_training.objectives import encoding
from midfill_training.objectives.encoding import Encoded, encode
from midfill_training.objectives.examples import Example
from midfill_training.objectives.sampling import ObjectiveSettings, choose_example
from midfill_training.tokenizer.vocabulary import load_vocabulary
from model.sentencepiece_model import to_vocabulary
from scripted_model import ScriptedVocabulary
from training import tokenizer_folders
from training.sources import sources

PATH = "shop/basket.py"
SNIPPETS = [
    Snippet(Chunk("shop/money.py", 1, 2, "def vat(x):\n    return x * 0.19\n"), 1.0, "imported"),
    Snippet(Chunk("web/größe.ts", 1, 1, "export const LIMIT = 10; // <fim_middle>\n"), 0.5, "similar"),
]


@dataclass(frozen=True)
class Pair:
    """A format with its vocabulary as training reads it and as llama.cpp does."""

    format: PromptFormat
    trained: Vocabulary
    served: Vocabulary

    def builder(self, *, spm: bool) -> PromptBuilder:
        """What builds the prompts when the model serves."""
        index = PieceIndex(self.served.pieces, special_tokens(self.format, self.served))
        format = self.format if spm else replace(self.format, layout=self.format.psm)
        return PromptBuilder(format, self.served, index)

    def spell(self, tokens: Sequence[int]) -> str:
        """The text of tokens, with their sentinels."""
        pieces = self.trained.pieces
        special = special_tokens(self.format, self.trained) | {self.trained.ids[self.format.end]}
        return b"".join(
            self.trained.text(token).encode() if token in special else pieces[token] for token in tokens
        ).decode()


class Renamed:
    """llama.cpp's vocabulary of the default model, its unused tokens called what they are called in training."""

    def __init__(self, llama: LlamaVocabulary, trained: Vocabulary) -> None:
        self.pieces, self.bos, self.ends, self.encode = llama.pieces, llama.bos, llama.ends, llama.encode
        self.ids, self.text = trained.ids, trained.text


@pytest.fixture(scope="module", params=["midfill", "aixcoder"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    folder = tmp_path_factory.mktemp("tokenizers") / request.param
    if request.param == "midfill":
        smollm2 = request.getfixturevalue("smollm2")
        trained = load_vocabulary(tokenizer_folders.write_smollm2(smollm2, folder))
        return Pair(MIDFILL, trained, Renamed(llama_vocabulary(smollm2), trained))
    trained = load_vocabulary(tokenizer_folders.write_sentencepiece(folder))
    write_random_model(folder / "tiny.gguf", SHAPES["tiny"], to_vocabulary(folder / "tokenizer.model"))
    return Pair(AIXCODER, trained, llama_vocabulary(folder / "tiny.gguf"))


def llama_vocabulary(gguf: Path) -> LlamaVocabulary:
    return LlamaContext(gguf, ContextOptions(256, 1, 64, 1), Interrupt()).vocabulary


def examples(n: int) -> list[tuple[str, Example]]:
    rng = random.Random(0)
    files = [(language, text) for language, texts in sources().items() for text in texts]
    chosen = (rng.choice(files) for _ in range(n))
    settings = ObjectiveSettings(ntp=0, fim=0.3)
    return [(language, choose_example(text, language, rng, settings)) for language, text in chosen]


def encoded(pair: Pair, example: Example, *, spm: bool = True, **options: object) -> Encoded:
    return encode(example, PATH, pair.format, pair.trained, spm=spm, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("spm", [True, False], ids=["spm", "psm"])
@pytest.mark.parametrize("snippets", [[], SNIPPETS], ids=["alone", "with-snippets"])
def test_ids_are_those_of_serving(pair: Pair, spm: bool, snippets: list[Snippet]) -> None:
    """The prompt is the served one; what the model has to write begins with what healing took back."""
    builder = pair.builder(spm=spm)
    for language, example in examples(120):
        prompt = builder.build(Cursor(PATH, language, example.prefix, example.suffix), snippets, 10**6)
        made = encoded(pair, example, spm=spm, context=snippets, loss="middle")
        n_shown = made.loss.index(True)
        assert made.tokens[:n_shown] == list(prompt.tokens)
        assert all(made.loss[n_shown:])
        written = pair.spell(made.tokens[n_shown:])
        assert written == prompt.healed.decode() + example.middle + pair.format.end


def test_what_is_written_is_split_as_the_whole_text_is(pair: Pair) -> None:
    """In SPM order the prefix and the middle stand together: nearly always as if there had never been a cut."""
    n_equal = 0
    for _, example in examples(100):
        made = encoded(pair, example, loss="middle")
        n_shown = made.loss.index(True)
        whole = encoded(pair, Example("fim", "", example.prefix + example.middle, "", example.suffix), loss="middle")
        shown = whole.tokens[: whole.loss.index(True)]
        n_equal += shown[n_shown:] == made.tokens[n_shown : len(shown)]
    assert n_equal >= 97


@pytest.mark.parametrize("max_tokens", [64, 200, 400])
@pytest.mark.parametrize("spm", [True, False], ids=["spm", "psm"])
def test_windows_are_those_of_serving(pair: Pair, max_tokens: int, spm: bool) -> None:
    builder = pair.builder(spm=spm)
    for language, example in examples(40):
        made = encoded(pair, example, spm=spm, context=SNIPPETS, max_tokens=max_tokens, loss="middle")
        assert len(made.tokens) <= max_tokens
        n_middle = len(builder.encode(example.middle)) + 1
        budget = max(max_tokens - n_middle, max_tokens // 2)
        prompt = builder.build(Cursor(PATH, language, example.prefix, example.suffix), SNIPPETS, budget)
        assert made.tokens[: len(prompt.tokens)] == list(prompt.tokens)
        assert made.loss.index(True) == len(prompt.tokens)


def test_a_middle_that_is_too_long_has_no_end(pair: Pair) -> None:
    made = encoded(pair, Example("fim", "random", "x = 1\n", "y = 2\n" * 200, "z = 3\n"), max_tokens=100)
    assert len(made.tokens) == 100
    assert made.tokens[-1] != pair.trained.ids[pair.format.end]


def test_a_file_without_a_hole(pair: Pair) -> None:
    text = "def f():\n    return '<fim_prefix></s>'\n"
    made = encoded(pair, Example("ntp", "file", "", text, ""), loss="middle")
    head = {"midfill": f"<file_sep>{PATH}\n", "aixcoder": f"<s> # the file path is: {PATH}\n"}[pair.format.name]
    spelled = pair.spell(made.tokens)
    assert spelled.startswith(head)
    assert spelled.endswith(text + pair.format.end)
    assert spelled.count(pair.format.end) == 1 + text.count(pair.format.end)
    assert made.tokens.count(pair.trained.ids[pair.format.end]) == 1
    assert all(made.loss)


def test_files_before_a_file_without_a_hole_are_no_targets(pair: Pair) -> None:
    example = Example("ntp", "file", "", "a = 1\n", "")
    alone = encoded(pair, example, loss="middle")
    made = encoded(pair, example, context=SNIPPETS, loss="middle")
    assert made.tokens[-len(alone.tokens) :] == alone.tokens
    assert made.loss.count(True) == len(alone.tokens)
    assert all(encoded(pair, example, context=SNIPPETS).loss)


def test_a_file_without_a_hole_is_cut_at_its_end(pair: Pair) -> None:
    example = Example("ntp", "file", "", "a = 1\n" * 100, "")
    assert encoded(pair, example, max_tokens=50).tokens == encoded(pair, example).tokens[:50]


def test_sentinels_in_code_stay_code(pair: Pair) -> None:
    markers = " ".join(pair.format.sentinels) + pair.format.end
    made = encoded(pair, Example("sfim", "string", f"a = '{markers}", markers, f"{markers}'\n"))
    special = {pair.trained.ids[piece] for piece in (*pair.format.sentinels, pair.format.end)}
    layout = [part for part in pair.format.layout if "{" not in part]
    assert [pair.trained.text(token) for token in made.tokens if token in special] == [*layout, pair.format.end]


def test_a_character_that_healing_cuts() -> None:
    """`é` is two tokens here; taking back the second of them leaves bytes that are no text."""
    vocabulary = ScriptedVocabulary(MIDFILL.sentinels)
    builder = PromptBuilder(MIDFILL, vocabulary, PieceIndex(vocabulary.pieces))
    kept, cut = vocabulary.encode("é")
    prompt = Prompt((kept,), (cut,), vocabulary.pieces[cut], frozenset(), ())
    assert encoding._written(prompt, "x", builder) == [cut, *vocabulary.encode("x")]


@pytest.mark.parametrize(
    ("format", "pieces", "told"),
    [
        (QWEN, [*QWEN.sentinels], "no model can be trained in prompt format qwen2.5-coder here; take midfill"),
        (MIDFILL, [*MIDFILL.sentinels], r"has no <\|endoftext\|>, which prompt format midfill needs"),
        (AIXCODER, ["<s>", "</s>"], "has no ▁<AIX-SPAN-PRE>"),
    ],
    ids=lambda value: value.name if isinstance(value, PromptFormat) else "",
)
def test_what_cannot_be_trained(format: PromptFormat, pieces: list[str], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        encode(Example("ntp", "file", "", "x", ""), "", format, ScriptedVocabulary(pieces), spm=True)
