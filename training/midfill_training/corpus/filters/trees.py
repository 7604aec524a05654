"""What the filters ask of syntax trees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from midfill_context.syntax.grammars import grammar
from midfill_training.corpus.documents import SourceFile

if TYPE_CHECKING:
    from tree_sitter import Node, Query, Tree


_CPP_LINE = re.compile(r"^\s*(?:namespace|template|class|using)\b|\w::\w", re.M)


def grammar_language(file: SourceFile) -> str:
    """The language whose grammar reads a file. A header of C++ is C by its name, `.h`.

    The grammar of C finds errors in 87% of the headers of a few large wheels, and takes five times as long over them.
    """
    is_header = file.language == "c" and file.path.endswith(".h")
    return "cpp" if is_header and _CPP_LINE.search(file.text) else file.language


def comments(tree: Tree, language_id: str) -> list[Node]:
    """The comments of a file in order; a comment within a comment (a doc comment's text) is none of its own."""
    from tree_sitter import QueryCursor

    found = QueryCursor(_comment_query(language_id)).captures(tree.root_node).get("comment", [])
    return sorted(found, key=lambda node: node.start_byte)


@cache
def _comment_query(language_id: str) -> Query:
    from tree_sitter import Query

    of_language = grammar(language_id)
    assert of_language is not None, "there is a tree, so there is a grammar"
    known = {of_language.node_kind_for_id(i) for i in range(of_language.node_kind_count)}
    kinds = [kind for kind in ("comment", "line_comment", "block_comment", "html_comment") if kind in known]
    query: Query = Query(of_language, " ".join(f"({kind}) @comment" for kind in kinds))
    return query


def errors(tree: Tree) -> Iterator[Node]:
    """The outermost nodes that the grammar could not read, and the tokens that it had to invent (0 bytes long)."""
    nodes = [tree.root_node]
    while nodes:
        node = nodes.pop()
        if node.is_error or node.is_missing:
            yield node
        elif node.has_error:
            nodes += node.children
