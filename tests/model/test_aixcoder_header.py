"""Headers are held to strings written out in full: they are what the model was trained on."""

import re

import pytest

from midfill_model.prompts.aixcoder_header import header, languages_by_extension

GOLDEN = {
    "shop/cart.py": "# the file path is: shop/cart.py\n# the code file is written by Python\n",
    "src/Main.java": "// the file path is: src/Main.java\n// the code file is written by Java\n",
    "app.js": "// the file path is: app.js\n// the code file is written by JavaScript\n",
    "web/app.ts": "// the file path is: web/app.ts\n// the code file is written by TypeScript\n",
    "Cart.tsx": "// the file path is: Cart.tsx\n// the code file is written by TypeScript with JSX\n",
    "Cart.jsx": "// the file path is: Cart.jsx\n// the code file is written by JSX\n",
    "a/b.c": "// the file path is: a/b.c\n// the code file is written by C\n",
    "a/b.cpp": "// the file path is: a/b.cpp\n// the code file is written by C++\n",
    "A.cs": "// the file path is: A.cs\n// the code file is written by C#\n",
    "main.go": "// the file path is: main.go\n// the code file is written by Go\n",
    "src/lib.rs": "// the file path is: src/lib.rs\n// the code file is written by Rust\n",
    "run.sh": "# the file path is: run.sh\n# the code file is written by Shell\n",
    "q.sql": "-- the file path is: q.sql\n-- the code file is written by SQL\n",
    "site.css": "/* the file path is: site.css */\n/* the code file is written by CSS */\n",
    "App.vue": "<!--the file path is: App.vue-->\n<!--the code file is written by Vue-->\n",
    "index.html": "<!--the file path is: index.html-->\n<!--the code file is written by HTML-->\n",
}

# Mistakes and surprises of the official table, each kept because the model saw it.
QUIRKS = {
    "list.h": "// the file path is: list.h\n// the code file is written by C++\n",
    "list.C": "// the file path is: list.C\n// the code file is written by C++\n",
    "gui.tcl": "// the file path is: gui.tcl\n// the code file is written by Augeas\n",
    "App.swift": "// the file path is: App.swift\n// the code file is written by swift\n",
    "pay.cob": "// the file path is: pay.cob\n// the code file is written by Cobol\n",
    "sum.awk": "// the file path is: sum.awk\n// the code file is written by AWK\n",
    "init.lua": "// the file path is: init.lua\n// the code file is written by Lua\n",
    "fit.nb": "// the file path is: fit.nb\n// the code file is written by Mathematica\n",
    "ode.f90": "!the file path is: ode.f90\n!the code file is written by Fortran\n",
    "set.ml": "(*the file path is: set.ml*)\n(*the code file is written by OCaml*)\n",
    "Bag.st": "'' the file path is: Bag.st\n'' the code file is written by Smalltalk\n",
    "View.mm": "// the file path is: View.mm\n// the code file is written by Objective-C++\n",
    "map.ron": "<!--the file path is: map.ron-->\n<!--the code file is written by Markdown-->\n",
    "old._js": "// the file path is: old._js\n// the code file is written by JavaScript\n",
}

LANGUAGE_WITHOUT_TAG = ["package.json", "pyproject.toml", "a.xml", "a.scss", "a.tf", "a.ipynb", "a.gradle"]
TAG_UNDER_ANOTHER_NAME = ["api.proto", "init.el", "Program.fs", "Form.vb", "page.jsp", "a.lisp", "a.sml"]
UNMAPPED = ["stubs.pyi", "index.mjs", "index.cjs", "App.svelte", "a.m", "a.v", "analysis.R", "MAIN.PY", "a.é"]
NO_EXTENSION = ["", ".", "py", "Makefile", "Dockerfile", "a.b/c", "a.py/b", "dot.", "a.py ", "a.py~"]
UNMATCHED = ["a.c++", "a.h++", "a.cmake.in", "a.sh.in", "CMakeLists.txt", "a.rst.txt", "a.sublime-syntax"]


@pytest.mark.parametrize(("path", "expected"), GOLDEN.items(), ids=GOLDEN)
def test_header(path: str, expected: str) -> None:
    assert header(path) == expected


@pytest.mark.parametrize(("path", "expected"), QUIRKS.items(), ids=QUIRKS)
def test_quirk_is_kept(path: str, expected: str) -> None:
    assert header(path) == expected


@pytest.mark.parametrize("path", [*LANGUAGE_WITHOUT_TAG, *TAG_UNDER_ANOTHER_NAME, *UNMAPPED, *NO_EXTENSION, *UNMATCHED])
def test_no_header(path: str) -> None:
    assert header(path) == ""


@pytest.mark.parametrize("path", ["my shop/le café.py", "源/代码.py", "a.b/c.py", ".py", "{0}.py", "%s.x.py"])
def test_path_goes_in_as_it_is(path: str) -> None:
    assert header(path) == f"# the file path is: {path}\n# the code file is written by Python\n"


def test_table_counts() -> None:
    by_extension = languages_by_extension()
    assert len(by_extension) == 317
    # 84 rows; tcl and augeas share their lines.
    assert len(set(by_extension.values())) == 83


def test_every_row_is_reachable_and_consistent() -> None:
    for extension, language in languages_by_extension().items():
        before, after = language.wrapper
        assert re.fullmatch(r"\.\w+", extension)
        assert language.tag.startswith(f"{before}the code file is written by ")
        assert language.tag.endswith(after)
