"""What a prompt gets of the rest of a project: chosen, within limits, in an order that stays."""

from __future__ import annotations

import json
import random
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from memory_view import MemoryView
from midfill_context.cursor import Cursor, Snippet
from midfill_context.languages import language_of
from midfill_context.retrieval.report import report
from midfill_context.retrieval.retriever import RetrievalSettings, Retrieved, Retriever, estimated_tokens

NO_LIMIT_MS = 1e6
TOKEN = "ghp_" + "q8Zr2LkW5xTn9Vb4Ym7Jd3Hs6Pf1Gc0RtUwE"  # in parts, lest it be taken for one
SETTINGS = RetrievalSettings(time_limit_ms=NO_LIMIT_MS)
SHOP = {
    "shop/order.py": "class Order:\n    total: int\n\n    def pay(self, cash: int) -> bool: ...\n",
    "shop/core.py": (
        "from shop.order import Order\n\n\nclass Base:\n    def close(self, hard: bool) -> None: ...\n\n\n"
        "class Shop(Base):\n"
        '    """A shop. It sells."""\n\n    def __init__(self, name: str) -> None: ...\n\n'
        "    def sell(self, n: int) -> Order: ...\n\n\n"
        "def open_shop(name: str) -> Shop: ...\n\n\ndef burn_down(shop: Shop) -> None: ...\n"
    ),
    "web/shop.ts": "export class Shop {\n  sell(n: number) {}\n}\nexport function openShop(): Shop {}\n",
    "game/bird.go": (
        "package game\n\ntype Bird struct {\n\tName string\n}\n\nfunc (b *Bird) Fly(far int) error {\n\treturn nil\n}\n"
    ),
    "go.mod": "module example.com/m\n",
    "store/Till.java": "package store;\n\nclass Till {\n  int count(int coins) { return 1; }\n}\n",
    "lib/list.h": "struct list;\nint list_add(struct list *list, int value);\n",
}


def retriever(view: MemoryView, settings: RetrievalSettings = SETTINGS) -> Retriever:
    made = Retriever(view, settings)
    while made.refresh():
        pass
    return made


def cursor_at(path: str, text: str) -> Cursor:
    """`|` is the cursor."""
    prefix, _, suffix = text.partition("|")
    language = language_of(path)
    return Cursor(path, language.id if language else "", prefix, suffix)


def asked(files: dict[str, str], path: str, text: str, settings: RetrievalSettings = SETTINGS) -> Retrieved:
    """Of files in which one, with a cursor in it, is open."""
    view = MemoryView({**files, path: text.replace("|", "")})
    return retriever(view, settings).snippets(cursor_at(path, text))


def shown(snippets: Sequence[Snippet]) -> str:
    return "\n".join(snippet.chunk.text for snippet in snippets)


SHOP_HERE, OPEN_HERE = "from shop.core import Shop\n\n", "from shop.core import open_shop\n\n"
FIELD = (
    f"{SHOP_HERE}class A:\n    def __init__(self, shop: Shop):\n        self.shop = shop\n\n    def f(self):\n        "
)
PYTHON_DEFINITIONS = {
    "imported": (f"{OPEN_HERE}x = |\n", "def open_shop(name: str) -> Shop"),
    "constructor": (f"{SHOP_HERE}x = |\n", "def __init__(self, name: str)"),
    "module": ("import shop.core\n\nx = shop.core.|\n", "def burn_down(shop: Shop)"),
    "module, name begun": ("from shop import core\n\ncore.bu|\n", "def burn_down(shop: Shop)"),
    "base": (f"{SHOP_HERE}s = Shop('a')\ns.|\n", "def close(self, hard: bool)"),
    "result": (f"{OPEN_HERE}s = open_shop('a')\ns.|\n", "def sell(self, n: int)"),
    "chain": (f"{SHOP_HERE}def f(s: Shop):\n    s.sell(2).|\n", "def pay(self, cash: int)"),
    "self": (f"{SHOP_HERE}class A(Shop):\n    def f(self):\n        self.|\n", "def sell(self, n: int)"),
    "field": (f"{FIELD}self.shop.|\n", "def sell(self, n: int)"),
    "open call": (f"{OPEN_HERE}open_shop(|)\n", "def open_shop(name: str)"),
    "type in a signature": (f"{SHOP_HERE}x = |\n", "class Order"),
    "fields in place of a constructor": ("from shop.order import Order\n\nx = |\n", "total: int"),
}


@pytest.mark.parametrize(("text", "expected"), PYTHON_DEFINITIONS.values(), ids=PYTHON_DEFINITIONS.keys())
def test_definitions(text: str, expected: str) -> None:
    found = asked(SHOP, "a.py", text)
    assert expected in shown(found.snippets)
    assert found.is_complete


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("web/a.ts", 'import { openShop } from "./shop";\nconst s = openShop();\ns.|\n', "sell(n: number)"),
        ("game/a.go", "package game\n\nfunc f(b *Bird) {\n\tb.|\n}\n", "Fly(far int) error"),
        ("main.go", 'package main\n\nimport "example.com/m/game"\n\nfunc f() { game.| }\n', "type Bird struct"),
        ("store/A.java", "package store;\nclass A { void f(Till till) { till.| } }\n", "count(int coins)"),
        ("lib/a.c", '#include "list.h"\n\nint main(void) { return list_|; }\n', "list_add(struct list"),
    ],
)
def test_definitions_in_other_languages(path: str, text: str, expected: str) -> None:
    assert expected in shown(asked(SHOP, path, text).snippets)


def test_a_definition_looks_like_the_code_of_its_file() -> None:
    found = asked(SHOP, "a.py", "from shop.core import Shop\n\ns = Shop('a')\nx = s.|\n").snippets
    snippet = next(one for one in found if one.chunk.path == "shop/core.py")
    assert 'class Shop(Base):\n    """A shop."""\n    def __init__(self, name: str) -> None: ...' in snippet.chunk.text
    assert snippet.why.startswith("what s is")


def test_the_file_itself_is_not_repeated() -> None:
    text = "def mine(a): ...\n\n\nclass Mine: ...\n\n\nx = mi|\n"
    copy = text.replace("|", "")
    assert asked({"copy.py": copy}, "a.py", text).snippets == ()


def test_similar_code_of_another_file() -> None:
    use = "client = connect(address)\nclient.send(packet)\nreply = client.receive()\nstore(reply)\n"
    for similarity in ("bm25", "jaccard"):
        settings = RetrievalSettings(time_limit_ms=NO_LIMIT_MS, similarity=similarity)  # type: ignore[arg-type]
        found = asked({"b.py": use, "c.py": "x = 1\n"}, "a.py", "client = connect(address)\n|\n", settings)
        assert [(one.chunk.path, one.why) for one in found.snippets] == [("b.py", "similar code")]
        assert "store(reply)" in found.snippets[0].chunk.text


def test_a_definition_is_not_shown_twice() -> None:
    """Neither in similar code that has all of it nor, as a signature, apart from it."""
    files = {"b.py": "def connect(address):\n    client = Client(address)\n    client.open()\n    return client\n"}
    found = asked(
        files, "a.py", "from b import connect\n\nclient = Client(address)\nclient.open()\nclient = connect(|)\n"
    )
    assert [(one.chunk.path, one.why) for one in found.snippets] == [("b.py", "similar code")]


def test_recent_places() -> None:
    lines = "\n".join(f"line{number} = {number}" for number in range(1, 101))
    view = MemoryView({"b.py": lines, "c.py": lines.replace("line", "other"), "a.py": "\n"})
    made = retriever(view)
    made.visited("b.py", 50)
    made.edited("c.py", 1)
    made.edited("a.py", 1)
    made.visited("gone.py", 3)
    found = made.snippets(cursor_at("a.py", "|\n")).snippets
    assert [(one.chunk.path, one.why) for one in found] == [("b.py", "seen lately"), ("c.py", "edited lately")]
    assert found[0].chunk.first_line < 50 < found[0].chunk.last_line
    assert found[1].chunk.first_line == 1


def test_several_sources_agree_on_a_place() -> None:
    use = "client = connect(address)\nclient.send(packet)\nstore(client)\n"
    view = MemoryView({"b.py": use, "a.py": ""})
    made = retriever(view)
    made.edited("b.py", 2)
    (snippet,) = made.snippets(cursor_at("a.py", "client = connect(|")).snippets
    assert snippet.why == "similar code; edited lately"


def test_secrets_are_blanked() -> None:
    files = {
        "keys.py": f'API_TOKEN = "{TOKEN}"\n\n\ndef use(token="{TOKEN}"): ...\n',
        "b.py": 'client = connect(address, password="hunter2&co!")\nclient.send(packet)\n',
    }
    found = asked(files, "a.py", "from keys import API_TOKEN, use\n\nclient = connect(address)\nclient.send(|")
    text = shown(found.snippets)
    assert "<KEY>" in text
    assert "<PASSWORD>" in text
    assert not any(secret in text for secret in (TOKEN, "hunter2"))


def test_nothing_before_secrets_can_be_found() -> None:
    view = MemoryView({**SHOP, "a.py": ""})
    found = Retriever(view, SETTINGS).snippets(cursor_at("a.py", "from shop.core import Shop\n|"))
    assert (found.snippets, found.is_complete) == ((), False)


def test_without_time_nothing_is_looked_for() -> None:
    found = asked(SHOP, "a.py", "from shop.core import Shop\n\nx = |\n", RetrievalSettings(time_limit_ms=0))
    assert not found.is_complete


@pytest.mark.parametrize(
    ("path", "text"), [("new.py", "x = Sh|"), ("", "x|"), ("a.unknown", "|"), ("a.py", "|"), ("a.py", "((((.|))")]
)
def test_a_file_that_the_index_does_not_know(path: str, text: str) -> None:
    made = retriever(MemoryView(SHOP))
    assert made.snippets(cursor_at(path, text)).is_complete


@pytest.mark.parametrize("max_tokens", [0, 7, 100, 400])
def test_the_budget_holds_by_the_given_tokenizer(max_tokens: int) -> None:
    def count(text: str) -> int:
        return 2 * len(text.split()) + 1

    view = MemoryView({**SHOP, "a.py": "from shop.core import *\n"})
    made = retriever(view, RetrievalSettings(max_tokens=max_tokens, time_limit_ms=NO_LIMIT_MS))
    for text in ("from shop.core import *\n\nx = |", "from shop.core import *\n\nx = open_shop('a').|"):
        found = made.snippets(cursor_at("a.py", text), count)
        counted = [count(f"{one.chunk.path}\n{one.chunk.text}\n") for one in found.snippets]
        assert list(found.snippet_tokens) == counted
        assert found.n_tokens == sum(counted) <= max_tokens
        assert bool(found.snippets) == (max_tokens >= 100)


MANY = {f"m{number}.py": f"def function_{number}(first, second): ...\n" for number in range(40)}
IMPORTS = "".join(f"from m{number} import function_{number}\n" for number in range(40))


def uses(*numbers: int) -> str:
    return IMPORTS + "\n" * 60 + "".join(f"function_{number}()\n" for number in numbers)


def definitions(snippets: Sequence[Snippet]) -> list[Snippet]:
    return [one for one in snippets if one.why != "similar code"]


def test_snippets_stay_in_place_and_new_ones_are_appended() -> None:
    """As long as they fit; then all are sorted anew, with code to go on from last, and of definitions the best."""
    view = MemoryView({**MANY, "a.py": uses(*range(40)) * 2})
    made = retriever(view, RetrievalSettings(max_tokens=300, time_limit_ms=NO_LIMIT_MS))
    before = made.snippets(cursor_at("a.py", uses(0, 1) + "|")).snippets
    assert before[-1].why == "similar code"
    assert "function_1" in definitions(before)[-1].chunk.text
    again = made.snippets(cursor_at("a.py", uses(0, 1) + "x|")).snippets
    assert [one.chunk for one in again] == [one.chunk for one in before]
    new = next(number for number in range(40) if f"function_{number}(" not in shown(before))
    after = made.snippets(cursor_at("a.py", uses(0, 1, new) + "|")).snippets
    assert [one.chunk for one in after[: len(before)]] == [one.chunk for one in before]
    assert f"function_{new}(" in shown(after[len(before) :])
    anew = made.snippets(cursor_at("a.py", uses(*range(20, 36)) + "|")).snippets
    assert anew[-1].why == "similar code"
    assert "function_35" in definitions(anew)[-1].chunk.text
    scores = [one.score for one in definitions(anew)]
    assert scores == sorted(scores)


def test_a_snippet_of_a_changed_file_leaves() -> None:
    view = MemoryView({**MANY, "a.py": uses(0, 1)})
    made = retriever(view)
    made.snippets(cursor_at("a.py", uses(0, 1) + "|"))
    view.write("m1.py", "def function_1(third): ...\n")
    view.remove("m0.py")
    text = shown(made.snippets(cursor_at("a.py", uses(0, 1) + "|")).snippets)
    assert "function_1(third)" in text
    assert "function_1(first" not in text
    assert "function_0(" not in text


def test_a_closed_document_starts_anew() -> None:
    view = MemoryView({**MANY, "a.py": uses(0, 1)})
    made = retriever(view)
    first, second = cursor_at("a.py", uses(0, 1) + "|"), cursor_at("a.py", uses(39, 38) + "|")
    made.snippets(first)
    stayed = made.snippets(second).snippets
    made.forget("a.py")
    made.forget("a.py")
    assert made.snippets(second).snippets != stayed


def test_any_cursor_in_real_code() -> None:
    """No text and no place in it is too odd."""
    choose = random.Random(5)
    folder = Path(textwrap.__file__).parent / "json"
    files = {f"json/{path.name}": path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    made = retriever(MemoryView(files))
    for _ in range(60):
        path = choose.choice(sorted(files))
        text = files[path]
        at, end = sorted(choose.choices(range(len(text) + 1), k=2))
        found = made.snippets(Cursor(path, "python", text[:at], text[end:]))
        assert all(one.chunk.path != path for one in found.snippets)
        assert found.n_tokens <= SETTINGS.max_tokens


def test_report() -> None:
    found = asked(SHOP, "a.py", "from shop.core import Shop\n\ns = Shop('a')\nx = s.|\n")
    told = json.loads(json.dumps(report(found)))
    assert told["is_complete"]
    assert told["n_tokens"] == sum(one["n_tokens"] for one in told["snippets"]) > 0
    last = told["snippets"][-1]
    assert set(last) == {"path", "first_line", "last_line", "text", "why", "score", "n_tokens"}
    assert last["path"] == "shop/core.py"
    assert last["score"] > 0


def test_estimated_tokens() -> None:
    assert estimated_tokens("") == 1
    assert estimated_tokens("x" * 300) == 101
