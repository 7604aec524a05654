"""Imports as each language's queries read them."""

from __future__ import annotations

import pytest

from midfill_context.syntax.facts import read_facts
from midfill_context.syntax.imported import Import
from midfill_context.syntax.use_tree import leaves


def shown(known: Import) -> str:
    """An import in one line: `kind module {name=local} as alias * type`."""
    names = ", ".join(name if name == local else f"{name}={local}" for name, local in known.names)
    parts = [known.kind, known.module or "(own)", f"{{{names}}}" if names else ""]
    parts += [f"as {known.alias}" if known.alias else "", "*" if known.is_wildcard else ""]
    return " ".join(part for part in [*parts, "type" if known.is_type_only else ""] if part)


@pytest.mark.parametrize(
    ("language", "code", "expected"),
    [
        ("python", "import a.b, c as d", ["import a.b", "import c as d"]),
        ("python", "from ..a import (b as c, d)", ["from ..a {b=c, d}"]),
        ("python", "from . import *", ["from . *"]),
        ("python", "from __future__ import annotations", []),
        ("javascript", 'import "m"', ["import m"]),
        ("javascript", 'import d, { a as b, c } from "m"', ["import m {default=d, a=b, c}"]),
        ("javascript", 'import * as n from "m"', ["import m as n"]),
        ("javascript", 'export * from "m"; export * as n from "o"', ["export m *", "export o as n"]),
        ("javascript", 'export { a as b } from "m"; export { c as d }', ["export m {a=b}", "export (own) {c=d}"]),
        ("javascript", "export default a", ["export (own) {a=default}"]),
        ("javascript", "export default class A {}", ["export (own) {A=default}"]),
        ("javascript", "module.exports = a", ["export (own) {a=default}"]),
        ("javascript", 'const n = require("m")', ["require m as n"]),
        ("javascript", 'const { a, b: c } = require("m")', ["require m {a, b=c}"]),
        ("javascript", 'require("m"); require(x); other("m")', ["require m"]),
        ("javascript", 'import("m")', ["dynamic m"]),
        ("typescript", 'import type { A } from "m"', ["import m {A} type"]),
        ("typescript", 'import { type A, b } from "m"', ["import m {A, b}"]),
        ("typescript", 'import n = require("m")', ["require m as n"]),
        ("typescript", 'let x: import("m").T', ["dynamic m"]),
        ("typescriptreact", 'import A from "m"; const b = <A/>', ["import m {default=A}"]),
        ("java", "import a.B; import static a.B.c; import a.*;", ["import a.B", "static a.B.c", "import a *"]),
        ("kotlin", "import a.B\nimport a.C as D\nimport a.*\n", ["import a.B", "import a.C as D", "import a *"]),
        ("c", '#include "a/b.h"\n#include <c.h>\n', ["import a/b.h", "angled <c.h>"]),
        ("cpp", '#include "a.hpp"\n#include <vector>\n', ["import a.hpp", "angled <vector>"]),
        ("csharp", "using A.B; using C = D.E; using static F.G; global using H;",
         ["import A.B", "import D.E as C", "static F.G", "global H"]),
        ("go", 'package p\nimport ("a"; b "x/b"; . "c"; _ "d"; `e`)',
         ["import a", "import x/b as b", "import c *", "import d", "import e"]),
        ("rust", "use a::b; pub use c::{self, d as e, f::*};", ["use a {b}", "pub use (own) {c}", "pub use c {d=e}",
         "pub use c::f *"]),
        ("rust", 'mod a; #[path = "x.rs"] mod b; mod c {} extern crate d as e;',
         ["mod a", "mod b as x.rs", "use d as e"]),
        ("ruby", "require 'a/b'\nrequire_relative '../c'\nautoload :D, 'd'\nrequire x\n",
         ["import a/b", "relative ../c", "import d {D}"]),
        ("php", "<?php use A\\B; use A\\{C, D as E}; use function F\\g; require __DIR__ . '/x.php'; include 'y.php';",
         ["use A {B}", "use A {C, D=E}", "use F {g}", "relative /x.php", "include y.php"]),
        ("lua", 'local a = require "x.a"\nrequire("b")\n', ["import x.a as a", "import b"]),
        ("bash", 'source ./a.sh\n. "$D/b.sh"\necho . c\n', ["import ./a.sh", "import $D/b.sh"]),
    ],
)  # fmt: skip
def test_imports(language: str, code: str, expected: list[str]) -> None:
    assert [shown(known) for known in read_facts(language, code.encode()).imports] == expected


def test_the_namespaces_around_an_import() -> None:
    imports = read_facts("rust", b"mod a {\n  mod b {\n    use super::c;\n  }\n}\nuse d::e;").imports
    assert [(known.scope, known.line) for known in imports] == [("a.b", 3), ("", 6)]


@pytest.mark.parametrize(
    ("language", "code", "expected"),
    [
        ("java", "package a.b;", ("a.b",)),
        ("kotlin", "package a . b\n", ("a.b",)),
        ("go", "package p", ("p",)),
        ("csharp", "namespace A.B;", ("A.B",)),
        ("php", "<?php namespace A\\B; namespace C;", ("A\\B", "C")),
        ("python", "x = 1", ()),
    ],
)
def test_packages(language: str, code: str, expected: tuple[str, ...]) -> None:
    assert read_facts(language, code.encode()).packages == expected


@pytest.mark.parametrize(
    ("text", "separator", "expected"),
    [
        ("a", "::", [("", [("a", "a")], False)]),
        ("a::b::c", "::", [("a::b", [("c", "c")], False)]),
        ("a::{b, c::{d as e, *}, self}", "::",
         [("a", [("b", "b")], False), ("a::c", [("d", "e")], True), ("", [("a", "a")], False)]),
        ("a::{b, // why\n /* or */ c}", "::", [("a", [("b", "b"), ("c", "c")], False)]),
        ("{a, b::c}", "::", [("", [("a", "a")], False), ("b", [("c", "c")], False)]),
        ("::a::b", "::", [("a", [("b", "b")], False)]),
        ("use A\\B as C, D\\E;", "\\", [("A", [("B", "C")], False), ("D", [("E", "E")], False)]),
        ("use A\\{function f, const G}", "\\", [("A", [("f", "f"), ("G", "G")], False)]),
        ("a::{", "::", []),
        ("", "::", []),
    ],
)  # fmt: skip
def test_leaves(text: str, separator: str, expected: list[tuple[str, list[tuple[str, str]], bool]]) -> None:
    assert [(leaf.module, leaf.names, leaf.is_wildcard) for leaf in leaves(text, separator)] == expected
