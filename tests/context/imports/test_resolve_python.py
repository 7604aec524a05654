"""Python's rules, one small project each."""

from __future__ import annotations

import pytest

from midfill_context.imports.graph import import_graph
from midfill_context.imports.project import ProjectFiles, Target
from midfill_context.imports.resolution import targets
from midfill_context.syntax.facts import read_facts

PACKAGE = {"pkg/__init__.py": "", "pkg/a.py": "x = 1", "pkg/b.py": "", "pkg/sub/__init__.py": "", "pkg/sub/c.py": ""}


@pytest.mark.parametrize(
    ("files", "code", "expected"),
    [
        pytest.param(PACKAGE, "import pkg.a", {"pkg/a.py"}, id="module"),
        pytest.param(PACKAGE, "import pkg.a as z, pkg.b", {"pkg/a.py", "pkg/b.py"}, id="two, one with an alias"),
        pytest.param(PACKAGE, "from pkg import a", {"pkg/a.py"}, id="a name that is a module"),
        pytest.param(PACKAGE, "from pkg.a import x", {"pkg/a.py"}, id="a name in a module"),
        pytest.param(PACKAGE, "from pkg.sub import *", {"pkg/sub/__init__.py"}, id="wildcard"),
        pytest.param(PACKAGE, "import pkg.missing", set(), id="no such module"),
        pytest.param(PACKAGE, "import numpy, os.path", set(), id="outside"),
        pytest.param(PACKAGE, "def f():\n    from pkg import b", {"pkg/b.py"}, id="within a function"),
        pytest.param(PACKAGE, "try:\n    import pkg.a\nexcept ImportError: pass", {"pkg/a.py"}, id="within try"),
        pytest.param({"src/pkg/__init__.py": "", "src/pkg/a.py": ""}, "import pkg.a", {"src/pkg/a.py"}, id="src"),
        pytest.param({"apps/one/pkg/__init__.py": ""}, "import pkg", {"apps/one/pkg/__init__.py"}, id="another root"),
        pytest.param({"ns/one/a.py": ""}, "import ns.one.a", {"ns/one/a.py"}, id="namespace package"),
        pytest.param(
            {"ns/one.py": "", "src/ns/two.py": ""},
            "import ns.one, ns.two",
            {"ns/one.py", "src/ns/two.py"},
            id="namespace package in two roots",
        ),
        pytest.param(
            {"pkg/__init__.py": "", "src/pkg/__init__.py": "", "src/pkg/a.py": ""},
            "import pkg.a",
            set(),
            id="a package hides its namesake in a later root",
        ),
        pytest.param(
            {"code/lib_a/m.py": "", "pyproject.toml": '[tool.setuptools.packages.find]\nwhere = ["code"]'},
            "import lib_a.m",
            {"code/lib_a/m.py"},
            id="a root of setuptools",
        ),
        pytest.param(
            {"py/m.py": "", "pyproject.toml": '[tool.poetry]\npackages = [{include = "m", from = "py"}]'},
            "import m",
            {"py/m.py"},
            id="a root of Poetry",
        ),
        pytest.param({"code/m.py": "", "pyproject.toml": "]["}, "import m", set(), id="broken pyproject.toml"),
        pytest.param({"pkg/a.pyi": ""}, "import pkg.a", {"pkg/a.pyi"}, id="stub alone"),
        pytest.param({"pkg/a.pyi": "", "pkg/a.py": ""}, "import pkg.a", {"pkg/a.py"}, id="source before stub"),
        pytest.param({"types.py": "", "src/email/__init__.py": ""}, "import email", set(), id="standard library first"),
        pytest.param({"helper.py": ""}, "import helper", {"helper.py"}, id="beside a script"),
        pytest.param(
            {"pkg/__init__.py": "from .impl import thing", "pkg/impl.py": "def thing(): pass"},
            "from pkg import thing",
            {"pkg/__init__.py", "pkg/impl.py"},
            id="re-export",
        ),
        pytest.param(
            {
                "pkg/__init__.py": "from .api import *",
                "pkg/api.py": "from pkg.impl import inner as thing",
                "pkg/impl.py": "class inner: pass",
            },
            "from pkg import thing",
            {"pkg/__init__.py", "pkg/impl.py"},
            id="re-export by wildcard and alias",
        ),
        pytest.param(
            {"pkg/__init__.py": "from .a import x", "pkg/a.py": "from . import x"},
            "from pkg import x",
            {"pkg/__init__.py", "pkg/a.py"},
            id="cycle of re-exports",
        ),
        pytest.param(
            {"pkg/__init__.py": "from .a import made", "pkg/a.py": "globals()['made'] = 1"},
            "from pkg import made",
            {"pkg/__init__.py", "pkg/a.py"},
            id="a name made at run time",
        ),
        pytest.param(
            {"pkg/__init__.py": "from .a import a", "pkg/a.py": "def a(): pass"},
            "from pkg import a",
            {"pkg/__init__.py", "pkg/a.py"},
            id="a function that hides its module",
        ),
    ],
)  # fmt: skip
def test_absolute(files: dict[str, str], code: str, expected: set[str]) -> None:
    assert import_graph({**files, "main.py": code})["main.py"] == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("from . import b", {"pkg/b.py"}, id="sibling"),
        pytest.param("from .b import f", {"pkg/b.py"}, id="name of a sibling"),
        pytest.param("from .sub import c", {"pkg/sub/c.py"}, id="below"),
        pytest.param("from . import name", {"pkg/__init__.py"}, id="name of the package"),
        pytest.param("from .. import pkg", {"pkg/__init__.py"}, id="above"),
        pytest.param("from ... import pkg", set(), id="above the top"),
        pytest.param("from . import *", {"pkg/__init__.py"}, id="wildcard"),
        pytest.param("from .a import x", set(), id="itself"),
        pytest.param("import pkg.a", set(), id="itself by its full name"),
    ],
)
def test_relative(code: str, expected: set[str]) -> None:
    files = {**PACKAGE, "pkg/__init__.py": "name = 1", "pkg/a.py": code}
    assert import_graph(files)["pkg/a.py"] == expected


def test_names_are_followed_to_their_definition() -> None:
    files = {
        "main.py": "from pkg import thing as t, a",
        "pkg/__init__.py": "from .impl import inner as thing",
        "pkg/impl.py": "class inner: pass",
        "pkg/a.py": "",
    }
    facts = {path: read_facts("python", text.encode()) for path, text in files.items()}
    project = ProjectFiles(files.get, facts.get)
    project.add(files)
    assert targets(facts["main.py"].imports[0], "main.py", project) == (
        Target("", "pkg/__init__.py", ""),
        Target("t", "pkg/impl.py", "inner"),
        Target("a", "pkg/a.py", ""),
    )


def test_a_cycle_of_imports() -> None:
    files = {"a.py": "import b", "b.py": "import c", "c.py": "import a"}
    assert import_graph(files) == {"a.py": {"b.py"}, "b.py": {"c.py"}, "c.py": {"a.py"}}
