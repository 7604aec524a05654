"""What a prompt shows of a definition."""

from __future__ import annotations

import pytest

from midfill_context.syntax.facts import read_facts
from midfill_context.syntax.skeleton import MAX_MEMBERS, skeleton


@pytest.mark.parametrize(
    ("language", "code", "expected"),
    [
        pytest.param("python", "def f(a):\n    return a", "def f(a): ...", id="function of Python"),
        pytest.param("python", 'def f(a):\n    """Does it."""', 'def f(a):\n    """Does it."""', id="with a docstring"),
        pytest.param(
            "python",
            'class A(B):\n    """Is it."""\n    x: int = 1\n    def m(self):\n        """Does."""\n        return 1\n',
            'class A(B):\n    """Is it."""\n    x: int = 1\n    def m(self): ...',
            id="class of Python",
        ),
        pytest.param("python", "LIMIT = 3", "LIMIT = 3", id="value"),
        pytest.param("python", "class A:\n    @prop\n    def m(self): pass",
                     "class A:\n    @prop\n    def m(self): ...", id="decorator"),
        pytest.param(
            "java",
            "/** Is it. */\npublic class A extends B {\n  int x, y;\n  int m(int a) { return 1; }\n"
            "  abstract void q();\n}",
            "// Is it.\npublic class A extends B {\n    int x, y\n    int m(int a) { ... }\n    abstract void q();\n}",
            id="class of Java",
        ),
        pytest.param("typescript", "interface I { a: number; m(x: T): void }",
                     "interface I {\n    a: number\n    m(x: T): void\n}", id="interface"),
        pytest.param("typescript", "type T = { a: 1 }", "type T = {\n    a: 1\n}", id="type of an object"),
        pytest.param("typescript", "type T = A | B;", "type T = A | B;", id="type"),
        pytest.param("go", "package p\ntype T struct { A, b int }\nfunc (t *T) M() {}",
                     "type T struct {\n    A, b int\n}\nfunc (t *T) M() { ... }", id="methods outside of their type"),
        pytest.param("rust", "struct U(i32);", "struct U(i32);", id="no body"),
        pytest.param("rust", "struct S { a: T }\nimpl S { fn m(&self) {} }",
                     "struct S {\n    a: T\n}\nfn m(&self) { ... }", id="impl"),
        pytest.param("cpp", "struct A { int m(); };\nint A::m() { return 1; }", "struct A {\n    int m();\n}",
                     id="declared within, defined outside"),
        pytest.param("ruby", "class A < B\n  def m(a)\n    1\n  end\nend",
                     "class A < B\n    def m(a); end\nend", id="Ruby"),
        pytest.param("lua", "function M.f(a)\n  return 1\nend", "function M.f(a) end", id="Lua"),
        pytest.param("bash", "f() { echo; }", "f() { ... }", id="Bash"),
    ],
)  # fmt: skip
def test_skeleton(language: str, code: str, expected: str) -> None:
    facts = read_facts(language, code.encode())
    assert skeleton(facts.definitions[0], facts) == expected


def test_members_beyond_a_number_are_left_out() -> None:
    code = "class A:\n" + "".join(f"    x{number} = 1\n" for number in range(3 * MAX_MEMBERS))
    facts = read_facts("python", code.encode())
    assert skeleton(facts.definitions[0], facts).count("\n") == MAX_MEMBERS
