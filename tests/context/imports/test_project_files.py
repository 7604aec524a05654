"""The tables of a project under change, and input that no resolver expects."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest

from midfill_context.imports.graph import import_graph
from midfill_context.imports.project import ProjectFiles, join, nearest
from midfill_context.imports.resolution import implicit_targets, targets
from midfill_context.languages import language_of
from midfill_context.syntax.facts import FileFacts, read_facts

# Versions that files of a made-up workspace may have; None is a file that is not there.
VERSIONS = {
    "pkg/__init__.py": [None, "from .a import x", "from .b import *"],
    "pkg/a.py": [None, "x = 1", "import pkg.b"],
    "pkg/b.py": [None, "def x(): pass", "from . import a"],
    "main.py": ["from pkg import x", "import pkg.a"],
    "tsconfig.json": [None, '{"compilerOptions": {"paths": {"@/*": ["web/*"]}}}', "{"],
    "web/a.ts": ['import { b } from "@/b"', 'import "./b"'],
    "web/b.ts": [None, "export const b = 1", 'export * from "./a"'],
    "src/C.java": [None, "package p; class C {}", "package q; class C { D d; }"],
    "src/D.java": ["package p; class D { C c; }", "package q; import p.C; class D {}"],
    "N.cs": [None, "namespace N; class A {}", "class A {}"],
    "Usings.cs": [None, "global using N;", "using N;"],
    "X.cs": ["class X { A a; }", "namespace N.M; class X { A a; }"],
    "go.mod": [None, "module m", "module other"],
    "u/u.go": [None, "package u\nfunc U() {}", "package u\nfunc V() {}"],
    "main.go": ['package main\nimport "m/u"\nvar x = u.U()'],
    "Cargo.toml": [None, '[package]\nname = "c"', "["],
    "src/lib.rs": [None, "mod a; use a::f;", '#[path = "b.rs"] mod a; use a::f;', "use a::f;"],
    "src/a.rs": [None, "pub fn f() {}"],
    "src/b.rs": [None, "pub fn f() {}", "mod a;"],
    "composer.json": [None, '{"autoload": {"psr-4": {"A\\\\": "php/"}}}'],
    "php/B.php": [None, "<?php namespace A; class B {}", "<?php namespace Z; class B {}"],
    "php/m.php": ["<?php use A\\B;", "<?php namespace Z; new B();"],
}


class Workspace:
    """Files whose facts are read when they are put."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.facts: dict[str, FileFacts] = {}
        self.project = ProjectFiles(self.texts.get, self.facts.get)

    def put(self, path: str, text: str | None) -> None:
        if text is None:
            self.texts.pop(path, None)
            self.facts.pop(path, None)
            self.project.remove([path])
        else:
            known = language_of(path)
            self.texts[path] = text
            self.facts[path] = read_facts(known.id if known else "", text.encode())
            self.project.add([path])

    def edges(self) -> set[tuple[object, ...]]:
        return set(self._edges())

    def _edges(self) -> Iterable[tuple[object, ...]]:
        for path, facts in self.facts.items():
            for imported in facts.imports:
                yield from ((path, *target) for target in targets(imported, path, self.project))
            yield from ((path, *target) for target in implicit_targets(path, self.project))


@pytest.mark.parametrize("seed", range(3))
def test_tables_under_change_equal_tables_from_scratch(seed: int) -> None:
    rng = random.Random(seed)
    changing = Workspace()
    for _ in range(120):
        path = rng.choice(sorted(VERSIONS))
        changing.put(path, rng.choice(VERSIONS[path]))
        fresh = Workspace()
        for name, text in changing.texts.items():
            fresh.put(name, text)
        assert changing.edges() == fresh.edges()
    assert changing.edges()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("\x00\x01\ufffd\u2028" * 50, id="binary"),
        pytest.param("\ud800", id="half a surrogate pair"),
        pytest.param("(" * 10_000, id="deeply nested"),
        pytest.param("{" * 10_000, id="deeply nested braces"),
        pytest.param(
            "import ..., from . import (\nuse {{{::};\n#include \"\nrequire ''\nimport '' from ''", id="cut short"
        ),
    ],
)
def test_any_text_has_a_graph(text: str) -> None:
    endings = (
        "py",
        "js",
        "jsx",
        "ts",
        "tsx",
        "java",
        "kt",
        "c",
        "h",
        "cpp",
        "cs",
        "go",
        "rs",
        "rb",
        "php",
        "lua",
        "sh",
    )
    names = [f"src/x.{ending}" for ending in endings]
    configuration = [
        "package.json",
        "tsconfig.json",
        "go.mod",
        "go.work",
        "Cargo.toml",
        "pyproject.toml",
        "composer.json",
    ]
    graph = import_graph(dict.fromkeys([*names, *configuration, "no_ending"], text))
    assert len(graph) == len(names) + len(configuration) + 1


def test_a_graph_of_nothing() -> None:
    assert import_graph({}) == {}


@pytest.mark.parametrize(
    ("folder", "relative", "expected"),
    [
        ("a/b", "c", "a/b/c"),
        ("a/b", "../c", "a/c"),
        ("a/b", "./../../c/./d", "c/d"),
        ("a", "../..", None),
        ("", "..", None),
        ("", ".", ""),
        ("a", "", "a"),
        ("a", "/b", "a/b"),
    ],
)
def test_join(folder: str, relative: str, expected: str | None) -> None:
    assert join(folder, relative) == expected


@pytest.mark.parametrize(
    ("paths", "from_path", "expected"),
    [
        ([], "a/b.c", None),
        (["x/n.h", "a/n.h"], "a/b.c", "a/n.h"),
        (["ab/n.h", "a/x/n.h"], "a/b.c", "a/x/n.h"),
        (["x/y/n.h", "x/n.h"], "a/b.c", "x/n.h"),
        (["y/n.h", "x/n.h"], "a/b.c", "x/n.h"),
    ],
)
def test_nearest(paths: list[str], from_path: str, expected: str | None) -> None:
    assert nearest(paths, from_path) == expected
