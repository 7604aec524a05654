"""Where a completion ends, and what is left of it.

A model goes on writing; a completion has to be whole syntax and to stop where what was begun is complete. So the file
is read as it would be with the text in it, as a syntax tree (tree-sitter):

- `hole`: a file with a hole, its tree for any text in it, made from the tree without it.
- `placeholder`: while somebody types, a file is broken where the cursor is. It is read with a name in the hole, and
  with what is open before it closed, whichever leaves the fewest errors.
- `excerpt`: the file without the statements and members that lie beside those around the hole. While the model writes,
  only this is parsed, and only at line ends, closing brackets and the like.
- `judging`: the errors of the file for a text: those of the tree, those that the grammar of Python lets pass
  (`laxness`), and whether the text swallows the code below it (`x = a +` does).
- `place`: the kind of the place at the cursor: a list in brackets, the rest of a line, a block below its header, a
  statement, a comment, a string, a decorator, an import; or nothing is needed, and no model is asked.
- `structure`: ends the text as soon as the file could go on behind it: a rest of a line with its line; a list or a
  string before what closes it in the suffix; a statement with its blocks and clauses; a block where the next line is
  indented no further than its header, or before its closing bracket; a comment with its paragraph. What repeats the
  text below, or itself (`repetition`), ends as well.
- `finishing`: what ended is cut to its longest piece (`pieces`) that leaves the fewest errors, and none more than the
  file has with the hole left empty, counted in the file and in the excerpt. No such piece: nothing is shown.
- `ended`: a line that is added to code that is complete is shown only if the model is sure of it.
- `line`: for languages without a grammar, and to compare with: one line, brackets counted as characters.
"""

from __future__ import annotations

from midfill_context.cursor import Cursor
from midfill_context.syntax.grammars import parse
from midfill_model.ending.ended import Ended, TextEnding, completion_of
from midfill_model.ending.finishing import N_LINES_BELOW
from midfill_model.ending.hole import Filled, TooHard, encoded
from midfill_model.ending.judging import count_errors_of
from midfill_model.ending.line import LineEnding, RawEnding, line_ending
from midfill_model.ending.structure import StructureEnding
from midfill_model.engine import CompletionRequest, Ending

__all__ = [
    "N_LINES_BELOW",
    "Ended",
    "LineEnding",
    "RawEnding",
    "TextEnding",
    "adds_syntax_error",
    "completion_of",
    "ending_of",
    "line_ending",
    "needs_nothing",
]


def ending_of(request: CompletionRequest) -> TextEnding:
    """The ending that a request asks for."""
    if request.ending is Ending.RAW:
        return RawEnding()
    if request.ending is Ending.STRUCTURE:
        try:
            return StructureEnding(request.cursor)
        except TooHard:
            pass
    return line_ending(request.cursor)


def needs_nothing(cursor: Cursor) -> bool:
    """Whether the code at the cursor is certainly complete, so that no model has to be asked."""
    try:
        return StructureEnding(cursor).needs_nothing
    except TooHard:
        return False


def adds_syntax_error(language: str, prefix: str, completion: str, suffix: str) -> bool:
    """Whether a file has more syntax errors with a completion than without it, both parsed from scratch.

    False for a language without a grammar and for a file that takes too long to parse.
    """
    start = len(encoded(prefix))
    n_errors = []
    for text in ("", completion):
        source = encoded(prefix + text + suffix)
        tree = parse(language, source)
        if tree is None:
            return False
        n_errors.append(count_errors_of(language, Filled(tree, source, start, start + len(encoded(text)))))
    return n_errors[1] > n_errors[0]
