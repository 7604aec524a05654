"""Which files of a project import which: the graph behind the order of files in training."""

from __future__ import annotations

from collections.abc import Mapping

from midfill_context.imports.project import ProjectFiles
from midfill_context.imports.resolution import implicit_targets, resolve
from midfill_context.languages import language_of
from midfill_context.syntax.facts import FileFacts, read_facts


def import_graph(files: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """For each file of one project, the other files that it imports.

    `files` are texts by path, with `/`. Configuration (tsconfig.json, package.json, go.mod, Cargo.toml and the like)
    may be among them and makes more imports resolvable.
    """
    facts = {path: _facts(path, text) for path, text in files.items()}
    project = ProjectFiles(files.get, facts.get)
    project.add(files)
    return {path: _imported(path, known, project) for path, known in facts.items()}


def _facts(path: str, text: str) -> FileFacts:
    language = language_of(path)
    return read_facts(language.id if language else "", text.encode(errors="replace"))


def _imported(path: str, facts: FileFacts, project: ProjectFiles) -> frozenset[str]:
    found = {target for imported in facts.imports for target in resolve(imported, path, project)}
    found.update(target.path for target in implicit_targets(path, project))
    return frozenset(found - {path})
