"""Files that do not parse go (PAPER.md section 1, row 6), and so does Python 2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from midfill_context.syntax.grammars import grammar, parse
from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.filters.tables import table
from midfill_training.corpus.filters.trees import errors, grammar_language
from midfill_training.corpus.verdict import Verdict

if TYPE_CHECKING:
    from tree_sitter import Query, Tree


@dataclass(frozen=True)
class SyntaxSettings:
    """What is let pass."""

    # Python 2 parses, by a grammar that knows both; a model that offers `print x` today is wrong.
    python_2: bool = False


@dataclass(frozen=True)
class SyntaxFilter:
    """Drops files; those in languages without a grammar pass."""

    settings: SyntaxSettings = SyntaxSettings()

    def __call__(self, files: Sequence[SourceFile]) -> Iterator[Verdict]:
        return map(self._judge, files)

    def _judge(self, file: SourceFile) -> Verdict:
        language = grammar_language(file)
        tree = parse(language, file.text.encode())
        if tree is None:
            return Verdict(file, findings={f"no grammar for {file.language}": 1})
        lines = _error_lines(tree, language)
        if lines:
            n_errors = f"{len(lines)} of {file.text.count(chr(10)) + 1} lines"
            return Verdict(None, f"syntax errors in {n_errors}, first in line {min(lines) + 1}", {"syntax error": 1})
        if file.language == "python" and not self.settings.python_2 and _is_python_2(tree):
            return Verdict(None, "Python 2", {"python 2": 1})
        return Verdict(file)


def _error_lines(tree: Tree, language_id: str) -> set[int]:
    """The lines with errors; none where the grammar is known to find that many in good files."""
    if not tree.root_node.has_error:
        return set()
    lines = {row for node in errors(tree) for row in range(node.start_point[0], node.end_point[0] + 1)}
    tolerance = table("syntax").get(language_id, {}).get("tolerance", 0)
    return lines if len(lines) > tolerance * (tree.root_node.end_point[0] + 1) else set()


# `except A, B:` is right again since 3.14; nobody writes a class in lower case there, as people wrote `except A, e:`.
_PYTHON_2 = """
[(print_statement) (exec_statement) (comparison_operator "<>") (raise_statement (expression_list))] @python_2
(except_clause value: (_) "," (identifier) @python_2 (#match? @python_2 "^[a-z_]"))
((integer) @python_2 (#match? @python_2 "^0[0-9]*[1-9]|[lL]$"))
((string_start) @python_2 (#eq? @python_2 "`"))
"""


def _is_python_2(tree: Tree) -> bool:
    from tree_sitter import QueryCursor

    return bool(QueryCursor(_python_2()).captures(tree.root_node))


@cache
def _python_2() -> Query:
    from tree_sitter import Query

    python = grammar("python")
    assert python is not None, "there is a tree, so there is a grammar"
    query: Query = Query(python, _PYTHON_2)
    return query
