"""Cursors where a call was cut out."""

from __future__ import annotations

from pathlib import Path

from midfill_lsp.bench.context.punching import MAX_PER_DEFINITION, Call, punch, python_texts

TEXTS = {
    "app/__init__.py": "",
    "app/goods.py": "def price(x): ...\nclass Box:\n    @classmethod\n    def of(cls, n): ...\n",
    "app/main.py": (
        "from app import goods\nfrom app.goods import Box, price\n\ndef é():\n    'ü😀'; x = goods.price(1) + price(\n"
        "        2,\n    ) + own(3) + len('') + Box.of(4)\n\ndef own(n): ...\n"
    ),
}


def calls(texts: dict[str, str]) -> dict[str, Call]:
    return {call.text[call.start : call.end]: call for call in punch(texts, 100)}


def test_calls_of_other_files() -> None:
    found = calls(TEXTS)
    assert {text: call.place.signature for text, call in found.items()}.items() <= {
        "goods.price(1)": "def price(x):",
        "price(\n        2,\n    )": "def price(x):",
        "Box.of(4)": "def of(cls, n):",
    }.items()
    assert len(found) == 2  # one of each definition in a file


def test_the_hole() -> None:
    (call,) = punch({**TEXTS, "app/main.py": "import app.goods\n\ny = [app.goods.price(\n    1), 2]\n"}, 1)
    at_name, at_call = call.cursor(), call.cursor(is_before_call=True)
    assert (at_name.prefix, at_name.suffix) == ("import app.goods\n\ny = [app.goods.", ", 2]\n")
    assert (at_call.prefix, at_call.suffix) == ("import app.goods\n\ny = [", ", 2]\n")
    assert call.line == "price("
    assert call.where == "app/main.py:3:16"


def test_no_definition_is_drawn_too_often() -> None:
    many = {f"m{n}.py": "from goods import price\nprice(1)\nprice(2)\n" for n in range(9)}
    found = punch({"goods.py": "def price(x): ...\n", **many}, 100)
    assert len(found) == len({call.path for call in found}) == MAX_PER_DEFINITION
    assert punch({"goods.py": "def price(x): ...\n", **many}, 100) == found
    assert len(punch({"goods.py": "def price(x): ...\n", **many}, 2)) == 2


def test_the_files_that_the_index_would_hold(tmp_path: Path) -> None:
    for path, data in {"a.py": b"x = 1\r\n", "latin.py": b"x = '\xe9'", "b.txt": b"", "venv/pyvenv.cfg": b""}.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(data)
    (tmp_path / "venv/c.py").write_text("")
    assert python_texts(tmp_path) == {"a.py": "x = 1\n"}
