"""What names mean: through imports, members, bases and types."""

from __future__ import annotations

import pytest

from memory_view import MemoryView
from midfill_context.retrieval.expressions import local_types
from midfill_context.retrieval.names import Meaning, Names

PYTHON = {
    "shop/__init__.py": "from .core import Shop\nfrom .util import *\n",
    "shop/base.py": "class Base:\n    def close(self) -> None: ...\n",
    "shop/core.py": (
        "from shop.base import Base\nfrom shop.order import Order\n\n\nclass Shop(Base):\n    last: Order\n\n"
        "    def sell(self, n: int) -> Order: ...\n\n\ndef open_shop(name: str) -> Shop: ...\n"
    ),
    "shop/order.py": "class Order:\n    def pay(self) -> 'Order': ...\n",
    "shop/util.py": "def tidy(text): ...\n",
    "main.py": "import shop.core\nfrom shop import Shop, tidy\nfrom shop.core import open_shop as opened\n",
    "star.py": "from shop.util import *\n",
    "cycle_a.py": "from cycle_b import *\nfrom cycle_b import B\n\n\nclass A(B): ...\n",
    "cycle_b.py": "from cycle_a import *\nfrom cycle_a import A\n\n\nclass B(A): ...\n",
}
OTHERS = {
    "a.ts": 'import { Shop } from "./shop";\nimport * as util from "./util";\n',
    "shop.ts": 'import { Order } from "./order";\nexport class Shop {\n  sell(n: number): Order { return 1; }\n}\n',
    "order.ts": "export class Order {\n  pay(): void {}\n}\n",
    "util.ts": "export function tidy(text: string) {}\n",
    "main.c": '#include "shop.h"\n',
    "shop.h": "struct shop { int size; };\nint sell(struct shop *shop, int n);\n",
    "p/A.java": "package p;\nclass A { B b; }\n",
    "p/B.java": "package p;\nclass B { int pay() { return 1; } }\n",
}


def told(meanings: list[Meaning]) -> list[str]:
    return [f"{path}:{known.qualified_name if known else ''}" for path, known in meanings]


@pytest.fixture(scope="module")
def view() -> MemoryView:
    return MemoryView({**PYTHON, **OTHERS})


@pytest.mark.parametrize(
    ("path", "chain", "expected"),
    [
        ("main.py", "Shop", ["shop/core.py:Shop"]),
        ("main.py", "tidy", ["shop/util.py:tidy"]),
        ("main.py", "opened", ["shop/core.py:open_shop"]),
        ("main.py", "shop.core", ["shop/core.py:"]),
        ("main.py", "shop.core.open_shop", ["shop/core.py:open_shop"]),
        ("main.py", "Shop.sell", ["shop/core.py:Shop.sell"]),
        ("main.py", "Shop.close", ["shop/base.py:Base.close"]),
        ("main.py", "opened.sell.pay", ["shop/order.py:Order.pay"]),
        ("main.py", "Shop.last.pay", ["shop/order.py:Order.pay"]),
        ("main.py", "Shop.nothing", []),
        ("main.py", "nothing.at.all", []),
        ("star.py", "tidy", ["shop/util.py:tidy"]),
        ("shop/core.py", "Shop", ["shop/core.py:Shop"]),
        ("cycle_a.py", "A.nothing", []),
        ("a.ts", "Shop.sell.pay", ["order.ts:Order.pay"]),
        ("a.ts", "util.tidy", ["util.ts:tidy"]),
        ("main.c", "sell", ["shop.h:sell"]),
        ("p/A.java", "B.pay", ["p/B.java:B.pay"]),
        ("nowhere.py", "Shop", []),
    ],
)
def test_of(view: MemoryView, path: str, chain: str, expected: list[str]) -> None:
    names = Names(view)
    parts = tuple(chain.split("."))
    assert told(names.of(parts, path)) == expected


def test_members_come_with_those_of_bases(view: MemoryView) -> None:
    names = Names(view)
    (shop,) = names.of(("Shop",), "main.py")
    assert told(list(names.members(shop))) == [
        "shop/core.py:Shop.last",
        "shop/core.py:Shop.sell",
        "shop/base.py:Base.close",
    ]
    package = Meaning("shop/__init__.py", None)
    assert told(list(names.members(package))) == ["shop/core.py:Shop", "shop/util.py:tidy"]


def test_classes_that_derive_from_each_other_end(view: MemoryView) -> None:
    names = Names(view)
    (known,) = names.of(("A",), "cycle_a.py")
    assert told(names.with_bases(known)) == ["cycle_a.py:A", "cycle_b.py:B"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("main.py", "x = Shop()\n"),
        ("main.py", "x: Shop = made()\n"),
        ("main.py", "x: Shop | None\n"),
        ("main.py", "def f(a: int, x: 'Shop', b): ...\n"),
        ("main.py", "with Shop() as x:\n"),
        ("main.py", "x = opened('a')\n"),
        ("main.py", "x = y\ny = opened('a')\n"),
        ("main.py", "x = await shop.core.open_shop('a')\n"),
        ("main.py", "x = [1]\nx = Shop()\nxx = 3\n"),
        ("a.ts", "const x = new Shop();\n"),
        ("a.ts", "function f(x?: Shop) {\n"),
        ("p/A.java", "B x = made();\n"),
    ],
)
def test_local_types(view: MemoryView, path: str, text: str) -> None:
    (found,) = local_types("x", text, "", path, Names(view))
    assert found.definition is not None
    assert found.definition.name in ("Shop", "B")


@pytest.mark.parametrize(
    "text", ["x = 1\n", "x\n", "y = Shop()\n", "return x\n", "x = x\n", "x = y\ny = x\n", "print(x, Shop)\n"]
)
def test_no_local_type(view: MemoryView, text: str) -> None:
    assert local_types("x", text, "", "main.py", Names(view)) == []
