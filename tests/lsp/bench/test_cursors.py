"""Places of every kind are found in finished files, and what is cut out there is what stood there."""

from __future__ import annotations

from pathlib import Path

import pytest

from midfill_lsp.bench.completions.cursors import Kind, cut_cursors, find_holes

PYTHON = '''"""Prices of goods.

They know no discount, which another module gives to them.
"""

import decimal

TAX = decimal.Decimal("0.19")


@decimal.localcontext(prec=4)
def gross(net, rate=TAX):
    # the rate may be missing
    if rate is None:
        return net
    total = net * (1 + rate)
    return round(total, 2)
'''
GO = """package goods

import "fmt"

// Gross adds the tax to a price, and tells it
func Gross(net float64) float64 {
	total := net * 1.19
	fmt.Println("total", total)
	return total
}
"""
RUST = """use std::fmt;

#[derive(Debug)]
struct Price {
    net: f64,
}

fn gross(price: &Price) -> f64 {
    let total = price.net * 1.19;
    println!("{}", total);
    return total;
}
"""


def texts(language: str, source: str, kind: Kind) -> list[str]:
    holes = find_holes(language, source.encode())
    return [source.encode()[hole.start : hole.end].decode() for hole in holes if hole.kind is kind]


@pytest.mark.parametrize(
    ("language", "source", "kind", "text"),
    [
        ("python", PYTHON, Kind.EXPRESSION, "net * (1 + rate)"),
        ("python", PYTHON, Kind.ARGUMENTS, "total, 2"),
        ("python", PYTHON, Kind.ARGUMENTS, "net, rate=TAX"),
        ("python", PYTHON, Kind.REST, "= net * (1 + rate)"),
        ("python", PYTHON, Kind.BLOCK, "return net"),
        ("python", PYTHON, Kind.STATEMENT, "if rate is None:\n        return net"),
        ("python", PYTHON, Kind.COMMENT, "be missing"),
        ("python", PYTHON, Kind.DOCSTRING, "which another module gives to them."),
        ("python", PYTHON, Kind.STRING, "0.19"),
        ("python", PYTHON, Kind.MARK, "decimal.localcontext(prec=4)"),
        ("python", PYTHON, Kind.IMPORT, "decimal"),
        ("python", PYTHON, Kind.EMPTY, ""),
        ("go", GO, Kind.EXPRESSION, "net * 1.19"),
        ("go", GO, Kind.ARGUMENTS, '"total", total'),
        ("go", GO, Kind.BLOCK, 'total := net * 1.19\n\tfmt.Println("total", total)\n\treturn total'),
        ("go", GO, Kind.STATEMENT, 'fmt.Println("total", total)'),
        ("go", GO, Kind.COMMENT, "a price, and tells it"),
        ("go", GO, Kind.STRING, "total"),
        ("go", GO, Kind.IMPORT, '"fmt"'),
        ("rust", RUST, Kind.EXPRESSION, "price.net * 1.19"),
        ("rust", RUST, Kind.STATEMENT, "return total;"),
        ("rust", RUST, Kind.MARK, "[derive(Debug)]"),
        ("rust", RUST, Kind.IMPORT, "std::fmt;"),
    ],
)
def test_kinds(language: str, source: str, kind: Kind, text: str) -> None:
    assert text in texts(language, source, kind)


def test_a_file_with_errors_has_no_places() -> None:
    assert not list(find_holes("python", b"def f(:\n    pass\n"))


def test_cursors_of_projects(tmp_path: Path) -> None:
    for name, source in (("goods.py", PYTHON), ("goods.go", GO), ("goods.rs", RUST), ("notes.md", "# Goods\n")):
        (tmp_path / name).write_text(source.replace("\n", "\r\n") if name == "goods.go" else source)
    found = cut_cursors([tmp_path], 1000)
    assert {each.cursor.language for each in found} == {"python", "go", "rust"}
    assert len({(each.file, each.kind) for each in found}) == len(found)
    assert {each.kind for each in found} == set(Kind)
    wholes = {"goods.py": PYTHON, "goods.go": GO, "goods.rs": RUST}
    for each in found:
        assert each.cursor.prefix + each.reference + each.cursor.suffix == wholes[each.cursor.path]
    assert cut_cursors([tmp_path], 5) == found[:5]
    mark = next(each for each in found if (each.kind, each.cursor.language) == (Kind.MARK, "python"))
    assert mark.where == f"{tmp_path.name}/goods.py:11:2"


def test_folders_without_code(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no code in"):
        cut_cursors([tmp_path], 10)
