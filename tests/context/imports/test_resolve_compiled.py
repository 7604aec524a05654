"""The rules of Java, Kotlin, C#, Go, Rust, C and C++, one small project each."""

from __future__ import annotations

import pytest

from midfill_context.imports.c_family import counterparts
from midfill_context.imports.graph import import_graph
from midfill_context.imports.project import ProjectFiles
from midfill_context.languages import language_of
from midfill_context.syntax.facts import read_facts

Files = dict[str, str]


def imported(files: Files, path: str) -> set[str]:
    return set(import_graph(files)[path])


JAVA = {
    "src/a/b/C.java": "package a.b; public class C { static int max; class D {} }",
    "src/a/b/E.java": "package a.b; class E {}",
    "src/x/Util.kt": "package x\nfun helper() {}\nclass K",
}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("import a.b.C;", {"src/a/b/C.java"}, id="type"),
        pytest.param("import a.b.C.D;", {"src/a/b/C.java"}, id="type within a type"),
        pytest.param("import static a.b.C.max;", {"src/a/b/C.java"}, id="static member"),
        pytest.param("import static a.b.C.*;", {"src/a/b/C.java"}, id="all static members"),
        pytest.param("import a.b.*; class M { E e; }", {"src/a/b/E.java"}, id="of a wildcard what is used"),
        pytest.param("import a.b.*; class M {}", set(), id="nothing of a wildcard is used"),
        pytest.param("import x.K;", {"src/x/Util.kt"}, id="Java imports Kotlin"),
        pytest.param("import java.util.List; import a.b.Missing;", set(), id="outside"),
        pytest.param("package a.b; class M { C c; }", {"src/a/b/C.java"}, id="same package"),
        pytest.param("package a; class M { C c; }", set(), id="no package above"),
    ],
)
def test_java(code: str, expected: set[str]) -> None:
    assert imported({**JAVA, "src/M.java": code}, "src/M.java") == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("import x.helper", {"src/x/Util.kt"}, id="function"),
        pytest.param("import x.helper as h", {"src/x/Util.kt"}, id="alias"),
        pytest.param("import a.b.*\nval e: E? = null", {"src/a/b/E.java"}, id="wildcard"),
        pytest.param("package x\nval k = K()", {"src/x/Util.kt"}, id="same package"),
    ],
)
def test_kotlin(code: str, expected: set[str]) -> None:
    assert imported({**JAVA, "src/M.kt": code}, "src/M.kt") == expected


def test_java_takes_the_nearest_of_two_namesakes() -> None:
    files = {
        "one/src/a/C.java": "package a; class C {}",
        "two/src/a/C.java": "package a; class C {}",
        "two/src/M.java": "import a.C;",
    }
    assert imported(files, "two/src/M.java") == {"two/src/a/C.java"}


CSHARP = {
    "A.cs": "namespace N.M { public class A { } namespace Inner { class In {} } }",
    "B.cs": "namespace N.M; public partial class B { }",
    "B2.cs": "namespace N.M; public partial class B { }",
    "G.cs": "class Global {}",
}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        pytest.param("using N.M; class X { A a; }", {"A.cs"}, id="namespace in braces"),
        pytest.param("using N.M; class X { B b; }", {"B.cs", "B2.cs"}, id="partial class in a namespace of the file"),
        pytest.param("using N.M.Inner; class X { In i; }", {"A.cs"}, id="nested namespace"),
        pytest.param("using N.M; class X { }", set(), id="nothing used"),
        pytest.param("using Q = N.M.A; class X { Q q; }", {"A.cs"}, id="alias"),
        pytest.param("using static N.M.A;", {"A.cs"}, id="static"),
        pytest.param("namespace N.M; class X { A a; }", {"A.cs"}, id="same namespace"),
        pytest.param("namespace N.M.Deep { class X { A a; } }", {"A.cs"}, id="namespace around"),
        pytest.param("class X { Global g; }", {"G.cs"}, id="no namespace"),
        pytest.param("using System; class X { Console c; }", set(), id="outside"),
    ],
)
def test_csharp(code: str, expected: set[str]) -> None:
    assert imported({**CSHARP, "X.cs": code}, "X.cs") == expected


def test_csharp_global_using() -> None:
    files = {**CSHARP, "Usings.cs": "global using N.M;", "X.cs": "class X { A a; }"}
    assert imported(files, "X.cs") == {"A.cs"}


GO = {
    "go.mod": "module example.com/m // here\n\ngo 1.22\nreplace example.com/other => ./third/other\n",
    "util/a.go": "package util\nfunc Used() {}",
    "util/b.go": "package util\nfunc Unused() {}",
    "util/a_test.go": "package util\nfunc TestHelper() {}",
    "x/internal/deep/d.go": "package deep\nfunc D() {}",
    "tools/go.mod": "module example.com/m/tools",
    "tools/t/t.go": "package t\nvar T = 1",
    "third/other/o.go": "package other\nconst O = 1",
    "go.work": "go 1.22\nuse ./tools\n",
    "cmd/peer.go": "package main\nfunc peer() {}",
    "cmd/peer_test.go": "package main\nfunc testOnly() {}",
    "cmd/other.go": "package other\nfunc stranger() {}",
}


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        pytest.param("cmd/main.go", 'package main\nimport "example.com/m/util"\nvar x = util.Used()', {"util/a.go"},
                     id="of a package what is used"),
        pytest.param("cmd/main.go", 'package main\nimport _ "example.com/m/util"', {"util/a.go", "util/b.go"},
                     id="nothing used by name"),
        pytest.param("cmd/main.go", 'package main\nimport u "example.com/m/util"\nvar x = u.Used()', {"util/a.go"},
                     id="alias"),
        pytest.param("cmd/main.go", 'package main\nimport ("fmt"; "example.com/elsewhere")', set(), id="outside"),
        pytest.param("cmd/main.go", 'package main\nimport "example.com/m/tools/t"\nvar x = t.T', {"tools/t/t.go"},
                     id="nested module of the workspace"),
        pytest.param("cmd/main.go", 'package main\nimport "example.com/other"\nvar x = other.O',
                     {"third/other/o.go"}, id="replace"),
        pytest.param("cmd/main.go", 'package main\nimport "example.com/m/x/internal/deep"\nvar x = deep.D()', set(),
                     id="internal to another part"),
        pytest.param("x/main.go", 'package x\nimport "example.com/m/x/internal/deep"\nvar y = deep.D()',
                     {"x/internal/deep/d.go"}, id="internal to this part"),
        pytest.param("cmd/main.go", "package main\nvar x = peer()", {"cmd/peer.go"}, id="same package"),
        pytest.param("cmd/main.go", "package main\nvar x = testOnly()", set(), id="no names of tests"),
        pytest.param("cmd/main_test.go", "package main\nvar x = testOnly()", {"cmd/peer_test.go"}, id="test to test"),
        pytest.param("cmd/main.go", "package main\nvar x = stranger()", set(), id="another package in the folder"),
        pytest.param("util/ext_test.go", 'package util_test\nimport "example.com/m/util"\nvar x = util.Used()',
                     {"util/a.go"}, id="external test"),
    ],
)  # fmt: skip
def test_go(path: str, code: str, expected: set[str]) -> None:
    assert imported({**GO, path: code}, path) == expected


RUST = {
    "Cargo.toml": '[workspace]\nmembers = ["app", "core-lib"]',
    "app/Cargo.toml": '[package]\nname = "app"',
    "app/src/lib.rs": 'mod net; pub mod util; #[path = "odd/place.rs"] mod placed; mod inner { mod deep; } mod main_;',
    "app/src/net/mod.rs": "mod tcp; pub struct Net; pub use self::tcp::Tcp;",
    "app/src/net/tcp.rs": "pub struct Tcp;",
    "app/src/util.rs": "mod text; pub fn help() {} pub enum E { A }",
    "app/src/util/text.rs": "pub fn trim() {}",
    "app/src/odd/place.rs": "pub struct Placed;",
    "app/src/inner/deep.rs": "pub struct Deep;",
    "app/src/bin/tool.rs": "use app::util::help;",
    "app/tests/it.rs": "mod common; use app::net::Net;",
    "app/tests/all/main.rs": "mod one;",
    "app/tests/all/one.rs": "",
    "app/tests/common.rs": "pub fn c() {}",
    "core-lib/Cargo.toml": '[package]\nname = "core-lib"\n[lib]\npath = "code/root.rs"',
    "core-lib/code/root.rs": "pub struct Core; pub mod part;",
    "core-lib/code/part.rs": "pub fn p() {}",
}


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        pytest.param("app/src/main_.rs", "use crate::util::help;", {"app/src/util.rs"}, id="crate"),
        pytest.param("app/src/main_.rs", "use crate::util;", {"app/src/util.rs"}, id="module"),
        pytest.param("app/src/main_.rs", "use crate::{util::{self, text::trim}, net::Net};",
                     {"app/src/util.rs", "app/src/util/text.rs", "app/src/net/mod.rs"}, id="tree"),
        pytest.param("app/src/main_.rs", "use crate::util::*;", {"app/src/util.rs"}, id="wildcard"),
        pytest.param("app/src/main_.rs", "use crate::util::E::A;", {"app/src/util.rs"}, id="variant of an enum"),
        pytest.param("app/src/main_.rs", "use super::net::Net;", {"app/src/net/mod.rs"}, id="super"),
        pytest.param("app/src/main_.rs", "use crate::net::Tcp;", {"app/src/net/tcp.rs"}, id="pub use"),
        pytest.param("app/src/main_.rs", "use crate::placed::Placed;", {"app/src/odd/place.rs"}, id="path attribute"),
        pytest.param("app/src/main_.rs", "use crate::inner::deep::Deep;", {"app/src/inner/deep.rs"},
                     id="module in braces"),
        pytest.param("app/src/main_.rs", "use core_lib::part::p;", {"core-lib/code/part.rs"}, id="another crate"),
        pytest.param("app/src/main_.rs", "extern crate core_lib as c;", {"core-lib/code/root.rs"}, id="extern crate"),
        pytest.param("app/src/main_.rs", "use std::io; use serde::Serialize;", set(), id="outside"),
        pytest.param("app/src/main_.rs", "fn f() {} mod tests { use super::*; }", set(), id="super is the file itself"),
        pytest.param("app/src/util.rs", "mod text; use text::trim; use self::text as t;", {"app/src/util/text.rs"},
                     id="child module"),
        pytest.param("app/src/lib.rs", RUST["app/src/lib.rs"],
                     {"app/src/net/mod.rs", "app/src/util.rs", "app/src/odd/place.rs", "app/src/inner/deep.rs",
                      "app/src/main_.rs"}, id="mod"),
        pytest.param("app/src/bin/tool.rs", "use app::util::help;", {"app/src/util.rs"}, id="binary to library"),
        pytest.param("app/tests/it.rs", "mod common; use app::net::Net;",
                     {"app/src/net/mod.rs", "app/tests/common.rs"}, id="test to library"),
        pytest.param("app/tests/all/one.rs", "use super::super::x; use crate::one;", set(), id="a module of a test"),
        pytest.param("app/tests/common.rs", "use crate::it;", {"app/tests/it.rs"}, id="a test that is a module too"),
        pytest.param("app/src/main_.rs", "use super::super::super::x;", set(), id="above the crate"),
    ],
)  # fmt: skip
def test_rust(path: str, code: str, expected: set[str]) -> None:
    files = {**RUST, "app/src/main_.rs": ""}
    assert imported({**files, path: code}, path) == expected


@pytest.mark.parametrize("cargo", ["", "][", "[package]\nname = 3", "package = 1\nlib = 2\nbin = 3"])
def test_rust_without_a_usable_cargo_toml(cargo: str) -> None:
    files = {"Cargo.toml": cargo, "src/lib.rs": "mod a;", "src/a.rs": ""}
    assert imported(files, "src/lib.rs") == set()


CPP = {
    "lib/net/socket.h": "",
    "lib/net/socket.cpp": '#include "socket.h"',
    "include/proj/api.hpp": "",
    "src/api.cpp": "#include <proj/api.hpp>",
    "include/flat.h": "",
    "odd/place/hidden.h": "",
}


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        pytest.param("lib/net/x.cpp", '#include "socket.h"', {"lib/net/socket.h"}, id="beside the file"),
        pytest.param("app/x.cpp", '#include "../lib/net/socket.h"', {"lib/net/socket.h"}, id="relative"),
        pytest.param("app/x.cpp", '#include "net/socket.h"', {"lib/net/socket.h"}, id="below a root"),
        pytest.param("app/x.cpp", "#include <proj/api.hpp>", {"include/proj/api.hpp"}, id="angled"),
        pytest.param("app/x.c", '#include "flat.h"', {"include/flat.h"}, id="bare name in an include folder"),
        pytest.param("app/x.c", '#include "hidden.h"', set(), id="bare name elsewhere"),
        pytest.param("app/x.c", "#include <vector>\n#include <stdio.h>\n#include MACRO", set(), id="outside"),
        pytest.param("app/x.c", '#include "../../../x.h"', set(), id="above the top"),
        pytest.param("app/x.h", '#include "x.h"', set(), id="itself"),
        pytest.param(
            "app/x.cpp", '#ifdef A\n#include "net/socket.h"\n#endif', {"lib/net/socket.h"}, id="in a condition"
        ),
    ],
)
def test_c_and_cpp(path: str, code: str, expected: set[str]) -> None:
    assert imported({**CPP, path: code}, path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("lib/net/socket.h", ["lib/net/socket.cpp"]),
        ("lib/net/socket.cpp", ["lib/net/socket.h"]),
        ("include/proj/api.hpp", ["src/api.cpp"]),
        ("src/api.cpp", ["include/proj/api.hpp"]),
        ("include/flat.h", []),
        ("missing.txt", []),
    ],
)
def test_headers_and_their_sources(path: str, expected: list[str]) -> None:
    facts = {name: read_facts(known.id, text.encode()) for name, text in CPP.items() if (known := language_of(name))}
    project = ProjectFiles(CPP.get, facts.get)
    project.add(CPP)
    assert counterparts(path, project) == expected
