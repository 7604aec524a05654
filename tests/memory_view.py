"""A workspace in memory: what retrieval reads of an index, without files and processes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from midfill_context.imports.project import ProjectFiles, Target
from midfill_context.imports.resolution import implicit_targets, targets
from midfill_context.index.skipping import language_with_facts
from midfill_context.syntax.facts import FileFacts, read_facts
from midfill_context.syntax.imported import Import


class MemoryView:
    """An `IndexView` of texts by path."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._texts: dict[str, str] = {}
        self._facts: dict[str, FileFacts] = {}
        self._changed: dict[str, int] = {}
        self._project = ProjectFiles(self._texts.get, self._facts.get)
        for path, text in files.items():
            self.write(path, text)

    def write(self, path: str, text: str) -> None:
        self._texts[path] = text
        language = language_with_facts(path)
        if language is not None:
            self._facts[path] = read_facts(language, text.encode())
        self._changed[path] = max(self._changed.values(), default=0) + 1
        self._project.add([path])

    def remove(self, path: str) -> None:
        del self._texts[path]
        self._facts.pop(path, None)
        self._changed[path] = max(self._changed.values()) + 1
        self._project.remove([path])

    def paths(self) -> Collection[str]:
        return list(self._texts)

    def facts(self, path: str) -> FileFacts | None:
        return self._facts.get(path)

    def lines(self, path: str, first: int, last: int) -> str | None:
        text = self._texts.get(path)
        return None if text is None else "\n".join(text.split("\n")[max(first, 1) - 1 : last])

    def imported_by(self, path: str) -> tuple[tuple[Import, tuple[Target, ...]], ...]:
        facts = self._facts.get(path)
        return tuple((known, targets(known, path, self._project)) for known in facts.imports) if facts else ()

    def implied_by(self, path: str) -> tuple[Target, ...]:
        return implicit_targets(path, self._project)

    def generation(self, path: str) -> int:
        return self._changed[path] if path in self._texts else 0

    def changed_since(self, generation: int) -> tuple[int, frozenset[str]]:
        changed = frozenset(path for path, when in self._changed.items() if when > generation)
        return max(self._changed.values(), default=0), changed
