"""Every import of a big installed package, compared with what Python's own import system makes of it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from midfill_context.imports.project import ProjectFiles
from midfill_context.imports.python import modules
from midfill_context.syntax.facts import read_facts
from midfill_context.syntax.imported import Import

PACKAGES = ("sympy", "sklearn", "transformers", "pip")
MIN_MODULES = 500
AGREEMENT = 0.99


def installed() -> Path:
    """The folder of the first package that is installed and big enough."""
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec and spec.origin and len(modules_of(Path(spec.origin).parent)) > MIN_MODULES:
            return Path(spec.origin).parent
    pytest.skip(f"none of {', '.join(PACKAGES)} is installed")


def modules_of(folder: Path) -> list[Path]:
    """The files of a package, without its tests."""
    return [path for path in folder.rglob("*.py") if "tests" not in path.relative_to(folder).parts]


def package_of(path: str) -> str:
    return ".".join(path.split("/")[:-1])


def expected(folder: Path, questions: list[tuple[str, Import]]) -> Iterator[list[str]]:
    """For each import, its files in the package as Python finds them."""
    lines = [
        json.dumps([package_of(path), known.module, [name for name, _ in known.names] or None])
        for path, known in questions
    ]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("python_truth.py"))],
        input="\n".join(lines), capture_output=True, text=True, timeout=280, check=True,
    )  # fmt: skip
    for files in json.loads(done.stdout):
        inside = (Path(file) if file and Path(file).is_relative_to(folder) else None for file in files)
        yield [str(file.relative_to(folder.parent)) if file else "" for file in inside]


@pytest.mark.timeout(300)
def test_imports_resolve_as_python_resolves_them() -> None:
    folder = installed()
    root = folder.parent
    paths = sorted(str(path.relative_to(root)) for path in modules_of(folder))
    facts = {path: read_facts("python", (root / path).read_bytes()) for path in paths}
    project = ProjectFiles(lambda path: (root / path).read_text(), facts.get)
    project.add(paths)
    questions = [(path, known) for path in paths for known in facts[path].imports]
    n_names, wrong = 0, []
    for (path, known), files in zip(questions, expected(folder, questions), strict=True):
        found = {target.local: target.path for target in modules(known, path, project)}
        locals_ = [local for _, local in known.names] or [known.alias or known.module]
        for local, file in zip(locals_, files, strict=True):
            n_names += 1
            ours = found.get(local) or (next(iter(found.values()), "") if known.is_wildcard else "")
            if ours != file:
                wrong.append((path, known.module, local, ours, file))
    share = 1 - len(wrong) / n_names
    print(f"\n{folder.name}: {len(paths)} modules, {len(questions)} imports of {n_names} names, {share:.2%} as Python")
    assert share >= AGREEMENT, wrong[:20]
