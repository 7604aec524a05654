"""What each language's queries find: definitions with kind, scope, signature and documentation."""

from __future__ import annotations

import pytest

from midfill_context.syntax.definitions import Definition
from midfill_context.syntax.facts import Limits, read_facts


def definitions(language: str, code: str) -> tuple[Definition, ...]:
    return read_facts(language, code.encode()).definitions


def found(language: str, code: str) -> list[tuple[str, str]]:
    return [(known.kind, known.qualified_name) for known in definitions(language, code)]


@pytest.mark.parametrize(
    ("language", "code", "expected"),
    [
        pytest.param(
            "python",
            "class A(B):\n    x: int = 1\n    def __init__(self):\n        self.y = 1\n        z = 2\n"
            "    def m(self):\n        def inner(): pass\nLIMIT = a, b = 1, 2\nasync def f(): pass\ntype T = int\n",
            ["class A", "field A.x", "method A.__init__", "field A.y", "method A.m", "function A.m.inner",
             "variable LIMIT", "function f", "type T"],
            id="python",
        ),
        pytest.param(
            "javascript",
            "class A { #p = 1; constructor() { this.x = 1 } m() { let local } static s() {} }\n"
            "function f() {} function* g() {} const h = (a) => a, k = function () {}\n"
            "export const api = { call() {}, get: () => 1 }; exports.out = function () {}; var plain = 1",
            ["class A", "field A.#p", "method A.constructor", "field A.x", "method A.m", "method A.s", "function f",
             "function g", "function h", "function k", "variable api", "method api.call", "method api.get",
             "function out", "variable plain"],
            id="javascript",
        ),
        pytest.param("javascriptreact", "const C = () => <a/>; class D {}", ["function C", "class D"], id="jsx"),
        pytest.param(
            "typescript",
            "abstract class A { private x: number; abstract q(): void; arrow = () => 1 }\n"
            "interface I { a: number; m(): void }\ntype T = { b: 1 }\nenum E { A, B = 1 }\n"
            "namespace N { export const z = 1 }\ndeclare function d(): void\nfunction over(): void\n"
            "function over(a?: any) {}",
            ["class A", "field A.x", "method A.q", "method A.arrow", "interface I", "field I.a", "method I.m", "type T",
             "field T.b", "enum E", "constant E.A", "constant E.B", "namespace N", "variable N.z", "function d",
             "function over", "function over"],
            id="typescript",
        ),
        pytest.param("typescriptreact", "export const C = (p: P) => <a/>", ["function C"], id="tsx"),
        pytest.param(
            "java",
            "class A { int x, y; A() {} void m() { int local; } enum E { P, Q } }\n"
            "interface I { int K = 1; void q(); }\nrecord R(int a) {}\n@interface N { int v(); }",
            ["class A", "field A.x", "field A.y", "method A.A", "method A.m", "enum A.E", "constant A.E.P",
             "constant A.E.Q", "interface I", "field I.K", "method I.q", "record R", "interface N", "method N.v"],
            id="java",
        ),
        pytest.param(
            "c",
            "#define K 1\n#define GUARD\n#define MAX(a) (a)\nstruct S { int x, *p; void (*cb)(int); };\n"
            "typedef struct { int z; } T; typedef int Num;\nenum E { A, B };\nint *f(void);\n"
            "static int g(int a) { int local; return 1; }\nextern int v; int list[3] = {1};\n"
            "#ifdef X\nint h(void) { return 1; }\n#endif",
            ["macro K", "macro MAX", "struct S", "field S.x", "field S.p", "field S.cb", "struct T", "field T.z",
             "type Num", "enum E", "constant E.A", "constant E.B", "function f", "function g", "variable v",
             "variable list", "function h"],
            id="c",
        ),
        pytest.param(
            "cpp",
            "namespace a::b { template <class T> class A : B { int x; A(); ~A(); int m() const; T &r(); using U = int; "
            "}; struct S { int q() { return 1; } }; int A<std::vector<int>>::m() const { int local; T s(1); } "
            "template <class T> T g(T a) {} A operator+(A a, A b) {} }",
            ["namespace a.b", "class a.b.A", "field a.b.A.x", "method a.b.A.A", "method a.b.A.~A", "method a.b.A.m",
             "method a.b.A.r", "type a.b.A.U", "struct a.b.S", "method a.b.S.q", "method a.b.A.m", "function a.b.g",
             "function a.b.operator+"],
            id="cpp",
        ),
        pytest.param(
            "csharp",
            "namespace N { class A { int x, y; public int P { get; } A() {} int M() => 1; enum E { B } } "
            "interface I { void Q(); } struct S {} record R(int A); delegate int D(int x); }",
            ["namespace N", "class N.A", "field N.A.x", "field N.A.y", "field N.A.P", "method N.A.A", "method N.A.M",
             "enum N.A.E", "constant N.A.E.B", "interface N.I", "method N.I.Q", "struct N.S", "record N.R", "type N.D"],
            id="csharp",
        ),
        pytest.param(
            "go",
            "package p\ntype S struct { A, b int; *Embedded }\ntype I interface { M() int; Other }\n"
            "type ( G struct { q int }; H int )\ntype F func()\nfunc (s *S) Do() { local := 1; var v int }\n"
            "func (g G[K]) Do() {}\nfunc New() {}\nconst ( A = iota; B )\nvar V, W int",
            ["struct S", "field S.A", "field S.b", "field S.Embedded", "interface I", "method I.M", "field I.Other",
             "struct G", "field G.q", "type H", "type F", "method S.Do", "method G.Do", "function New", "constant A",
             "constant B", "variable V", "variable W"],
            id="go",
        ),
        pytest.param(
            "rust",
            "struct S<T> { a: T } struct U(i32); enum E { A, B(i32) } trait Tr { fn m(&self); fn d(&self) {} }\n"
            "impl<T> Tr for S<T> { fn m(&self) { let local = 1; } } impl S<i32> { const C: i32 = 1; fn new() {} }\n"
            "mod inner { pub fn f() {} } macro_rules! mac { () => {} }\n"
            "static X: i32 = 1; type A = i32; async fn g() {}",
            ["struct S", "field S.a", "struct U", "enum E", "constant E.A", "constant E.B", "trait Tr", "method Tr.m",
             "method Tr.d", "method S.m", "constant S.C", "method S.new", "namespace inner", "function inner.f",
             "macro mac", "variable X", "type A", "function g"],
            id="rust",
        ),
        pytest.param(
            "ruby",
            "module M::N\n  class A < B\n    K = 1\n    attr_reader :x, :y\n    def m(a) = 1\n    def self.s\n"
            "      local = 1\n    end\n    class << self\n      def t; end\n    end\n  end\nend\ndef top; end\n",
            ["module M.N", "class M.N.A", "field M.N.A.K", "field M.N.A.x", "field M.N.A.y", "method M.N.A.m",
             "method M.N.A.s", "method M.N.A.t", "function top"],
            id="ruby",
        ),
        pytest.param(
            "php",
            "<?php namespace N; class A { const K = 1; private int $x; function __construct(private int $q) {} "
            "abstract function m(); } interface I { function z(); } trait T {} enum E { case P; } "
            "function f() { $local = 1; } const X = 1;",
            ["class A", "constant A.K", "field A.x", "method A.__construct", "field A.q", "method A.m", "interface I",
             "method I.z", "trait T", "enum E", "constant E.P", "function f", "constant X"],
            id="php",
        ),
        pytest.param(
            "kotlin",
            "class A(val a: Int, b: Int) {\n  val x = 1\n  companion object {\n    const val K = 1\n  }\n"
            "  fun m() { val local = 1 }\n}\nenum class E { P }\ninterface I {\n  fun q()\n}\nobject O { fun z() {} }\n"
            "fun String.ext() = 1\ntypealias T = Int\nval top = 1\n",
            ["class A", "field A.a", "field A.x", "field A.K", "method A.m", "class E", "constant E.P", "class I",
             "method I.q", "class O", "method O.z", "method String.ext", "type T", "variable top"],
            id="kotlin",
        ),
        pytest.param(
            "lua",
            "local M = {}\nfunction M.f(x)\n  local z = 1\nend\nfunction M:g() return 1 end\nM.h = function() end\n"
            "local function k() end\nTOP = 1\n",
            ["variable M", "method M.f", "method M.g", "method M.h", "function k", "variable TOP"],
            id="lua",
        ),
        pytest.param("bash", "f() { local q=1; }\nfunction g { :; }\nX=1\nexport Y=2\n",
                     ["function f", "function g", "variable X", "variable Y"], id="bash"),
    ],
)  # fmt: skip
def test_definitions(language: str, code: str, expected: list[str]) -> None:
    assert [f"{kind} {name}" for kind, name in found(language, code)] == expected


@pytest.mark.parametrize(
    ("language", "code", "signature"),
    [
        pytest.param("python", "@dec\ndef f(a=1) -> str:\n    return a", "@dec\ndef f(a=1) -> str:", id="def"),
        pytest.param("python", "def f(  # why\n    a,\n    b,\n):\n    # comment\n    pass",
                     "def f(  # why\n    a,\n    b,\n):", id="several lines, comment before the body"),
        pytest.param("python", "TABLE = {\n  1: 2,\n}", "TABLE =", id="a value of several lines"),
        pytest.param("java", "class A {}", "class A", id="brace"),
        pytest.param("typescript", "const f = (a: number): T => a", "const f = (a: number): T =>", id="arrow"),
        pytest.param("cpp", "template <class T>\nT g(T a) { }", "template <class T>\nT g(T a)", id="template"),
        pytest.param("c", "int f(int a,\n      int b);", "int f(int a,\n      int b);", id="prototype"),
        pytest.param("ruby", "class A < B\n  # comment\n  X = 1\nend", "class A < B", id="class of Ruby"),
        pytest.param("go", "package p\ntype T struct { a int }", "type T struct", id="struct of Go"),
        pytest.param("rust", "fn f<T>(a: T) -> T\nwhere T: X { a }", "fn f<T>(a: T) -> T\nwhere T: X", id="where"),
        pytest.param("python", f"def f({'a, ' * 400}): pass", f"def f({'a, ' * 400}"[:480].rstrip(), id="cut off"),
    ],
)  # fmt: skip
def test_signature(language: str, code: str, signature: str) -> None:
    assert definitions(language, code)[0].signature == signature


def test_a_signature_loses_the_indentation_of_its_surroundings() -> None:
    code = "class A {\n    int m(int a,\n          int b) { }\n}"
    assert definitions("java", code)[1].signature == "int m(int a,\n      int b)"


@pytest.mark.parametrize(
    ("language", "code", "doc"),
    [
        pytest.param("python", 'def f():\n    """Does it.\n\n    At length.\n    """', "Does it.", id="docstring"),
        pytest.param("python", "def f():\n    r'''Does\n    it.'''", "Does it.", id="docstring of two lines"),
        pytest.param("python", 'class A:\n    "Is it."\n    x = 1', "Is it.", id="docstring of a class"),
        pytest.param("python", "# Does it.\ndef f(): pass", "Does it.", id="comment in place of a docstring"),
        pytest.param("java", "/**\n * Does it.\n * @param a x\n */\n@Override\nclass A {}", "Does it.", id="Javadoc"),
        pytest.param("java", "/** Does <code>it</code>. */ class A {}", "", id="comment on the same line"),
        pytest.param("rust", "/// Does it.\n/// Well.\n#[derive(Debug)]\nstruct S;", "Does it. Well.", id="Rust"),
        pytest.param("csharp", "/// <summary>Does it.</summary>\nclass A {}", "Does it.", id="C#"),
        pytest.param("go", "package p\n\n// F does it.\nfunc F() {}", "F does it.", id="Go"),
        pytest.param("ruby", "# Does it.\n#\n# At length.\ndef f; end", "Does it.", id="Ruby"),
        pytest.param("lua", "-- Does it.\nfunction f() end", "Does it.", id="Lua"),
        pytest.param("c", "// Something else.\n\nint f(void) { return 1; }", "", id="a blank line between"),
        pytest.param("typescript", "/** Does it. */\nexport default class A {}", "Does it.", id="export"),
        pytest.param("python", f'def f():\n    """{"x" * 500}"""', "x" * 240, id="cut off"),
    ],
)
def test_documentation(language: str, code: str, doc: str) -> None:
    known = definitions(language, code)
    assert known[0].doc == doc


def test_places() -> None:
    code = "x = 1\n\n@dec\ndef é():\n    pass\n"
    known = definitions("python", code)[1]
    assert (known.first_line, known.last_line) == (3, 5)
    assert code.encode()[known.start : known.end].decode() == "@dec\ndef é():\n    pass"


def test_no_more_definitions_than_the_limit() -> None:
    code = b"def f(): pass\n" * 100
    assert len(read_facts("python", code, limits=Limits(max_definitions=10)).definitions) == 10
