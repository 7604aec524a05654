"""C and C++: what an `#include` means without the compiler's flags, and which source belongs to which header."""

from __future__ import annotations

from midfill_context.imports.project import ProjectFiles, Target, folder_of, join, name_of, nearest
from midfill_context.syntax.imported import Import

HEADERS = (".h", ".hh", ".hpp", ".hxx", ".h++", ".H", ".inl", ".ipp", ".tpp", ".cuh")
SOURCES = (".c", ".cc", ".cpp", ".cxx", ".c++", ".C", ".m", ".mm", ".cu")
# Folders that projects give to the compiler with -I.
INCLUDE_FOLDERS = frozenset({"include", "includes", "inc", "src", "source", "lib"})


def targets(imported: Import, from_path: str, project: ProjectFiles) -> list[Target]:
    """The header that an include names: beside the file when quoted, then below an include folder."""
    path = included(imported, from_path, project)
    return [Target("", path, "")] if path else []


def included(imported: Import, from_path: str, project: ProjectFiles) -> str | None:
    """An include with a folder in it may start anywhere; a bare name only where includes usually start."""
    name = imported.module.strip("<> ")
    if imported.kind != "angled":
        beside = join(folder_of(from_path), name)
        if beside and beside in project:
            return beside
    plain = join("", name)
    if not plain or plain != name:
        return None
    starts = [path for path in project.named(name_of(name)) if path == name or path.endswith(f"/{name}")]
    if "/" not in name:
        starts = [path for path in starts if not folder_of(path) or name_of(folder_of(path)) in INCLUDE_FOLDERS]
    return nearest(starts, from_path)


def counterparts(path: str, project: ProjectFiles) -> list[str]:
    """The sources of a header, or the headers of a source: same stem, and the source includes the header."""
    stem, dot, ending = path.rpartition(".")
    endings = SOURCES if dot + ending in HEADERS else HEADERS if dot + ending in SOURCES else ()
    found = [other for known in endings for other in project.named(name_of(stem) + known)]
    if dot + ending in HEADERS:
        return [source for source in found if path in _headers(source, project)]
    return [header for header in found if header in _headers(path, project)]


def _headers(source: str, project: ProjectFiles) -> set[str | None]:
    facts = project.facts(source)
    return {included(imported, source, project) for imported in facts.imports} if facts else set()
