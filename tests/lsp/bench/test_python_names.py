"""The ground truth of the retrieval benchmarks: what a name means, by Python's own rules."""

from __future__ import annotations

import ast
import sysconfig
from pathlib import Path

import pytest

from midfill_lsp.bench.context.python_names import PythonProject, imported_names

TEXTS = {
    "src/shop/__init__.py": "from .goods import Apple as Fruit, price\nfrom .all import *\nfrom . import tools\n",
    "src/shop/goods.py": (
        "import os\n\nclass Apple(\n    object,  # a base: with a comment\n):\n"
        "    def eat(self, n: int = 1) -> None: ...\n"
        "    def twice(self): ...\n    def twice(self, n): ...\n\ndef price(x, y={1: 2}) -> int:\n    return x\n"
    ),
    "src/shop/all.py": "async def sell(*, key=lambda x: x): ...\ndef _hidden(): ...\n",
    "src/shop/tools.py": (
        "if 1:\n    def pack(): ...\ntry:\n    from os import walk\nexcept ImportError:\n    walk = None\n"
    ),
    "src/shop/loop.py": "from shop.loop import nothing\n",
    "src/shop/broken.py": "def broken(:\n",
    "one/same.py": "def f(): ...\n",
    "two/same.py": "def f(): ...\n",
    "script.py": "def é(ü): ...\n",
}


@pytest.mark.parametrize(
    ("dotted", "path", "signature"),
    [
        ("shop.goods.price", "src/shop/goods.py", "def price(x, y={1: 2}) -> int:"),
        ("shop.price", "src/shop/goods.py", "def price(x, y={1: 2}) -> int:"),
        ("shop.Fruit", "src/shop/goods.py", "class Apple(\n    object,  # a base: with a comment\n):"),
        ("shop.Fruit.eat", "src/shop/goods.py", "def eat(self, n: int = 1) -> None:"),
        ("shop.sell", "src/shop/all.py", "async def sell(*, key=lambda x: x):"),
        ("shop.tools.pack", "src/shop/tools.py", "def pack():"),
        ("script.é", "script.py", "def é(ü):"),
    ],
)
def test_what_a_name_means(dotted: str, path: str, signature: str) -> None:
    place = PythonProject(TEXTS).definition(dotted)
    assert place is not None
    assert (place.path, place.signature) == (path, signature)


@pytest.mark.parametrize(
    "dotted",
    [
        *("shop", "shop.goods", "shop.nothing", "shop.goods.os.path", "shop._hidden", "shop.Fruit.twice"),
        *("shop.Fruit.fly", "shop.price.attribute", "shop.tools.walk", "shop.loop.nothing", "same.f", "os.path.join"),
    ],
)
def test_what_is_not_certain_has_no_answer(dotted: str) -> None:
    assert PythonProject(TEXTS).definition(dotted) is None


def test_names_that_are_imported_and_nothing_else() -> None:
    text = (
        "import a.b, c.d as e\nfrom .x import f\nfrom ..y import g as h\nfrom . import i\nfrom z import j, k, l, m\n"
        "j = 1\ndef k(l): ...\ntry: ...\nexcept OSError as m: ...\ndef late():\n    from w import n\n    import o\n"
        "    from other import o\n"
    )
    project = PythonProject({"p/__init__.py": "", "p/q/__init__.py": "", "p/q/r.py": text})
    assert imported_names(project.modules["p.q.r"]) == {
        "a": "a", "e": "c.d", "f": "p.q.x.f", "h": "p.y.g", "i": "p.q.i", "n": "w.n",
    }  # fmt: skip


def test_signatures_of_the_standard_library() -> None:
    """Each has the arguments of the definition that Python parsed."""
    folder = Path(sysconfig.get_path("stdlib"))
    texts = {f"{name}.py": (folder / f"{name}.py").read_text(encoding="utf-8") for name in ("textwrap", "shutil")}
    project = PythonProject(texts)
    functions = [
        (f"{name}.{bound}", node)
        for name, module in project.modules.items()
        for bound, node in module.bound.items()
        if isinstance(node, ast.FunctionDef)
    ]
    assert len(functions) > 30
    for dotted, node in functions:
        place = project.definition(dotted)
        assert place is not None
        (parsed,) = ast.parse(f"{place.signature} ...").body
        assert isinstance(parsed, ast.FunctionDef)
        assert ast.dump(parsed.args) == ast.dump(node.args)
