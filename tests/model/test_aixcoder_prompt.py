"""aiXcoder prompts, token by token, against the `sentencepiece` library and the rules of the official wrapper.

    <s> PRE POST  encode("☺" + suffix) without encode("☺")  MIDDLE  encode(path line, language line, prefix)

Published GGUFs of one model differ in `add_space_prefix` and in the token types of the sentinels: all must give
the same ids.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import sentencepiece

from midfill_context.cursor import Chunk, Cursor, Snippet
from midfill_model.files.random_model import AIXCODER_SENTINELS, SHAPES, TokenType, write_random_model
from midfill_model.local.interrupt import Interrupt
from midfill_model.local.llama import ContextOptions, LlamaContext, LlamaVocabulary
from midfill_model.prompts.formats import AIXCODER, find_format
from midfill_model.prompts.prompt import Prompt, PromptBuilder, special_tokens
from midfill_model.prompts.vocabulary import PieceIndex
from model.sentencepiece_model import to_vocabulary

BOS, EOS, PRE, MIDDLE, POST = 1, 2, 260, 261, 262
MAX_TOKENS = 16384

PYTHON = "# the file path is: shop/cart.py\n# the code file is written by Python\n"
JAVA = "// the file path is: src/Cart.java\n// the code file is written by Java\n"
HEADERS = {
    "shop/cart.py": PYTHON,
    "src/Cart.java": JAVA,
    "mein Laden/Käse🙂.py": "# the file path is: mein Laden/Käse🙂.py\n# the code file is written by Python\n",
    "package.json": "",
    "Makefile": "",
    "": "",
}

CODE = "def total(items):\n    return sum(item.price for item in items)\n"
TEXTS = {
    "empty": "",
    "blank": " ",
    "newline": "\n",
    "code": CODE,
    "identifier": "calcul",
    "leading spaces": "        return 12345\n",
    "leading newline": "\n    x = 1",
    "trailing spaces": "if x:\n        ",
    "tabs": "\tif x {\n\t\treturn\n\t}\n",
    "CRLF": "a = 1\r\nb = 2\r\n",
    "long white space": "x" + " " * 300 + "\n" + "\t" * 70 + "\n" * 40,
    "digits": "x = [3.14159, 0x1F, 1_000_000, 007]",
    "non-ASCII": "größe = 'naïve café' # ñandú, ¿qué?",
    "CJK": "名前 = '日本語のテキスト'",
    "emoji": "print('🙂👩‍👩‍👧 ☺')",
    "smiley first": "☺☺ x",
    "combining": "e\u0301 \u200b\ufeff\u2028",
    "NUL": "a\0b\0",
}
# What stands in the user's own code when the user works on a model's code. SentencePiece reads U+2581 as a blank.
MARKERS = {
    "pre": "x = '▁<AIX-SPAN-PRE>'",
    "pre with blank": "x = ' <AIX-SPAN-PRE>'",
    "middle first": "▁<AIX-SPAN-MIDDLE>y",
    "middle with blank": " <AIX-SPAN-MIDDLE>",
    "all": "▁<AIX-SPAN-PRE>▁<AIX-SPAN-POST>a▁<AIX-SPAN-MIDDLE>b▁<AIX-END-TURN>▁<AIX-SYSTEM>▁<AIX-USER>",
    "document ends": "<s>a</s>\n</s><s>",
    "nested": "▁<AIX▁<AIX-SPAN-PRE>-SPAN-PRE> <s<s>>",
    "many": " <AIX-SPAN-POST>▁<AIX-SPAN-POST>" * 50,
    "byte and unknown": "<0x0A><unk>",
}


@dataclass(frozen=True)
class AixCoder:
    """A prompt builder over a GGUF, and the reference."""

    builder: PromptBuilder
    vocabulary: LlamaVocabulary
    reference: sentencepiece.SentencePieceProcessor
    sentinel_type: TokenType

    def prompt(self, cursor: Cursor, snippets: Sequence[Snippet] = ()) -> Prompt:
        return self.builder.build(cursor, snippets, MAX_TOKENS)

    def expected(self, path: str, prefix: str, suffix: str) -> list[int]:
        """By the rules of the official wrapper."""
        encode = self.reference.encode
        smiley = encode("☺")
        return [
            *(BOS, PRE, POST),
            *encode("☺" + suffix)[len(smiley) :],
            MIDDLE,
            *encode(HEADERS[path] + prefix),
        ]

    def text(self, tokens: Sequence[int]) -> str:
        return b"".join(self.vocabulary.pieces[token] for token in tokens).decode()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((kind, space), id=f"{kind.name.lower()}-{space}")
        for kind in (TokenType.CONTROL, TokenType.USER_DEFINED, TokenType.NORMAL)
        for space in (True, False, None)
    ],
)
def aixcoder(
    request: pytest.FixtureRequest, sentencepiece_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> AixCoder:
    sentinel_type, add_space_prefix = request.param
    path = tmp_path_factory.mktemp("aixcoder") / "tiny.gguf"
    vocabulary = to_vocabulary(sentencepiece_file, sentinel_type=sentinel_type, add_space_prefix=add_space_prefix)
    write_random_model(path, SHAPES["tiny"], vocabulary)
    llama = LlamaContext(path, ContextOptions(256, 1, 64, 1), Interrupt())
    found = find_format(llama.vocabulary.ids, "llama", "aixcoder-7b-base", llama.vocabulary.fim)
    assert found is AIXCODER
    index = PieceIndex(llama.vocabulary.pieces, special_tokens(found, llama.vocabulary))
    reference = sentencepiece.SentencePieceProcessor(model_file=str(sentencepiece_file))
    builder = PromptBuilder(found, llama.vocabulary, index)
    return AixCoder(builder, llama.vocabulary, reference, sentinel_type)


def ids(prompt: Prompt) -> list[int]:
    return [*prompt.tokens, *prompt.draft]


@pytest.mark.parametrize("suffix", TEXTS.values(), ids=TEXTS)
def test_suffix(aixcoder: AixCoder, suffix: str) -> None:
    prompt = aixcoder.prompt(Cursor("shop/cart.py", "python", CODE, suffix))
    assert ids(prompt) == aixcoder.expected("shop/cart.py", CODE, suffix)


@pytest.mark.parametrize("prefix", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("path", ["src/Cart.java", ""], ids=["header", "no header"])
def test_prefix(aixcoder: AixCoder, path: str, prefix: str) -> None:
    prompt = aixcoder.prompt(Cursor(path, "", prefix, CODE))
    assert ids(prompt) == aixcoder.expected(path, prefix, CODE)


@pytest.mark.parametrize("path", HEADERS, ids=lambda path: path or "no path")
def test_header(aixcoder: AixCoder, path: str) -> None:
    prompt = aixcoder.prompt(Cursor(path, "", CODE, "\n"))
    assert ids(prompt) == aixcoder.expected(path, CODE, "\n")


def test_a_few_hundred_random_places(aixcoder: AixCoder) -> None:
    rng = random.Random(7)
    parts = [*TEXTS.values(), *CODE.split(), " ", "  ", "\n", "\t", "(", ")", "é", "🙂", "0", "_"]
    for _ in range(300):
        prefix, suffix = ("".join(rng.choices(parts, k=rng.randrange(6))) for _ in range(2))
        prompt = aixcoder.prompt(Cursor("shop/cart.py", "python", prefix, suffix))
        assert ids(prompt) == aixcoder.expected("shop/cart.py", prefix, suffix), (prefix, suffix)


@pytest.mark.parametrize("text", MARKERS.values(), ids=MARKERS)
def test_marker_text_of_the_user_stays_text(aixcoder: AixCoder, text: str) -> None:
    snippet = Snippet(Chunk("package.json", 1, 1, text), 1.0, "similar")
    prompt = aixcoder.prompt(Cursor("", "", text, text), [snippet])
    tokens = ids(prompt)
    sentinels = [token for token in tokens if token in (BOS, EOS, *AIXCODER_SENTINELS)]
    assert sentinels == [BOS, EOS, BOS, PRE, POST, MIDDLE]
    first_end, post, middle = tokens.index(EOS), tokens.index(POST), tokens.index(MIDDLE)
    survived = text.replace("▁", " ")
    assert aixcoder.text(tokens[1:first_end]) == " " + survived
    assert aixcoder.text(tokens[post + 1 : middle]) == survived
    assert aixcoder.text(tokens[middle + 1 :]) == " " + survived
    if aixcoder.sentinel_type is not TokenType.USER_DEFINED:  # there the text is cut and tokenised in parts
        assert tokens[first_end + 1 :] == aixcoder.expected("", text, text)


def test_marker_text_in_a_path(aixcoder: AixCoder) -> None:
    path = "a/ <AIX-SPAN-PRE>▁<AIX-SPAN-MIDDLE><s>.py"
    tokens = ids(aixcoder.prompt(Cursor(path, "python", "x", "")))
    assert [token for token in tokens if token in (BOS, EOS, *AIXCODER_SENTINELS)] == [BOS, PRE, POST, MIDDLE]
    lines = f"# the file path is: {path}\n# the code file is written by Python\n"
    assert aixcoder.text(tokens[4:]) == " " + lines.replace("▁", " ") + "x"


def test_snippets_are_documents_in_front(aixcoder: AixCoder) -> None:
    snippets = [
        Snippet(Chunk("shop/cart.py", 3, 4, CODE), 2.0, "imported"),
        Snippet(Chunk("package.json", 1, 1, "{}"), 1.0, "similar"),
    ]
    prompt = aixcoder.prompt(Cursor("src/Cart.java", "java", CODE, "\n"), snippets)
    encode = aixcoder.reference.encode
    assert ids(prompt) == [
        *(BOS, *encode(PYTHON + CODE), EOS),
        *(BOS, *encode("{}"), EOS),
        *aixcoder.expected("src/Cart.java", CODE, "\n"),
    ]


def test_healing_takes_tokens_back_and_never_sentinels(aixcoder: AixCoder) -> None:
    prompt = aixcoder.prompt(Cursor("shop/cart.py", "python", "def total(it", "\n"))
    assert prompt.draft
    assert b"def total(it".endswith(prompt.healed)
    assert aixcoder.text(prompt.draft).encode() == prompt.healed
    assert not set(aixcoder.builder._index.agreeing(b" ").tolist()) & set(AIXCODER_SENTINELS)


def test_first_word_of_a_file_without_header_is_healed(aixcoder: AixCoder) -> None:
    prompt = aixcoder.prompt(Cursor("", "", "retu", ""))
    assert prompt.tokens == (BOS, PRE, POST, MIDDLE)
    assert prompt.healed == b" retu"


def test_stop_set(aixcoder: AixCoder) -> None:
    assert aixcoder.prompt(Cursor("", "", "x", "")).stop == {BOS, EOS, *AIXCODER_SENTINELS}
