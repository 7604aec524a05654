"""An index in figures: what it holds, which imports lead nowhere in the workspace, what was left out and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from midfill_context.index.workspace import WorkspaceIndex
from midfill_context.languages import language_of
from midfill_context.syntax.imported import SELF


@dataclass(frozen=True)
class IndexReport:
    """`imports` are counts of statements; `unresolved` are the modules that lie outside the workspace, or that
    could not be told, with the number of files that import them, the most frequent first."""

    root: str
    files_by_language: dict[str, int]
    n_definitions: int
    n_chunks: int
    n_imports: int
    n_resolved_imports: int
    unresolved: dict[str, int]
    skipped: dict[str, str]
    n_no_code: int
    facts_bytes: int


def report(index: WorkspaceIndex) -> IndexReport:
    """The figures of an index as it is now; looks at every file."""
    languages: Counter[str] = Counter()
    unresolved: Counter[str] = Counter()
    n_definitions = n_chunks = n_imports = n_resolved = 0
    for path in index.paths():
        language = language_of(path)
        languages[language.name if language else path.rpartition("/")[2]] += 1
        facts = index.facts(path)
        if facts is None:
            continue
        n_definitions += len(facts.definitions)
        n_chunks += len(facts.chunks)
        outside = set()
        for imported, targets in index.imported_by(path):
            if imported.module == SELF:
                continue
            n_imports += 1
            n_resolved += bool(targets)
            if not targets:
                outside.add(imported.module)
        unresolved.update(outside)
    skipped, n_no_code = index.skipped()
    return IndexReport(
        str(index.root),
        dict(languages.most_common()),
        n_definitions,
        n_chunks,
        n_imports,
        n_resolved,
        dict(unresolved.most_common()),
        skipped,
        n_no_code,
        index.n_bytes,
    )
