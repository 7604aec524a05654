"""Who may import whom, read from the syntax trees of all files; and what a bare `midfill` must not load."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from midfill_lsp import __version__

ROOT = Path(__file__).parents[1]
PACKAGES = {path.parent.name: path.parent for path in ROOT.glob("*/midfill_*/__init__.py")}
LSP, CONTEXT, MODEL, TRAINING = "midfill_lsp", "midfill_context", "midfill_model", "midfill_training"


@cache
def imports() -> dict[str, frozenset[str]]:
    """The modules that each module imports, anywhere in the file; of `from a import b` both `a` and `a.b`."""
    return {
        module_name(file): frozenset(imported_by(file))
        for package in PACKAGES.values()
        for file in package.rglob("*.py")
    }


def module_name(file: Path) -> str:
    source_root = next(package.parent for package in PACKAGES.values() if file.is_relative_to(package))
    parts = file.relative_to(source_root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_by(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers_of(package: str) -> set[str]:
    return {
        importer
        for importer, imported in imports().items()
        if any(module.split(".")[0] == package for module in imported)
    }


def packages_of(modules: set[str]) -> set[str]:
    return {module.split(".")[0] for module in modules}


def test_all_packages_are_read() -> None:
    assert set(PACKAGES) == {LSP, CONTEXT, MODEL, TRAINING}
    assert packages_of(set(imports())) == {LSP, CONTEXT, MODEL, TRAINING}
    assert "llama_cpp" in imports()[f"{MODEL}.local.llama"]
    assert f"{CONTEXT}.cursor.Cursor" in imports()[f"{MODEL}.engine"]


@pytest.mark.parametrize(
    ("package", "importers"),
    [
        (LSP, {LSP}),
        (TRAINING, {TRAINING}),
        (MODEL, {MODEL, LSP, TRAINING}),
        (CONTEXT, {CONTEXT, MODEL, LSP, TRAINING}),
        ("pygls", {LSP}),
        ("lsprotocol", {LSP}),
        ("torch", {TRAINING}),
        ("transformers", {TRAINING}),
        ("safetensors", {TRAINING}),
        ("tokenizers", {TRAINING}),
        ("accelerate", {TRAINING}),
        ("datatrove", {TRAINING}),
        ("sklearn", {TRAINING}),
        ("matplotlib", {TRAINING}),
        ("detect_secrets", {CONTEXT}),
        ("tree_sitter", {CONTEXT, MODEL, LSP, TRAINING}),
        ("sqlite3", {LSP, CONTEXT, TRAINING}),
    ],
)
def test_only_these_packages_import(package: str, importers: set[str]) -> None:
    assert packages_of(importers_of(package)) <= importers


def test_llama_cpp_is_imported_where_a_process_of_its_own_runs_it() -> None:
    assert importers_of("llama_cpp") == {f"{MODEL}.local.llama", f"{TRAINING}.export.llama_jobs"}


def test_the_model_takes_plain_data_and_syntax_from_the_context() -> None:
    allowed = (f"{CONTEXT}.cursor", f"{CONTEXT}.languages", f"{CONTEXT}.syntax")
    for importer, imported in imports().items():
        if importer.split(".")[0] == MODEL:
            from_context = {module for module in imported if module.split(".")[0] == CONTEXT}
            assert all(module.startswith(allowed) for module in from_context), importer


def test_training_takes_syntax_and_imports_from_the_context() -> None:
    allowed = ("cursor", "languages", "syntax", "imports", "secrets")
    for importer, imported in imports().items():
        if importer.split(".")[0] == TRAINING:
            from_context = {module for module in imported if module.startswith(f"{CONTEXT}.")}
            assert {module.split(".")[1] for module in from_context} <= set(allowed), importer


@pytest.mark.parametrize("importer", ["engine", "errors", "prompts.formats", "prompts.prompt", "prompts.healing"])
def test_prompts_are_made_without_the_engine(importer: str) -> None:
    """Training and remote engines use them."""
    modules = imports()[f"{MODEL}.{importer}"]
    heavy = {f"{MODEL}.local.{name}" for name in ("llama", "llama_engine", "worker", "kv_cache", "decoding")}
    assert not modules & heavy


def loaded_by(code: str) -> set[str]:
    """Top-level packages in a fresh interpreter after `code`."""
    report = f"{code}\nimport sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-I", "-c", report], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stderr.split())


HEAVY = {"llama_cpp", "numpy", "gguf", "torch", "transformers", "huggingface_hub", "tree_sitter"}


def test_version_loads_nothing_heavy() -> None:
    """The exit of `--version` is caught, to look around after it."""
    loaded = loaded_by(
        "from midfill_lsp.cli import main\n"
        "try:\n    main(['--version'])\n"
        "except SystemExit as end:\n    assert end.code == 0"
    )
    assert LSP in loaded
    assert not loaded & {*HEAVY, "pygls", "lsprotocol", "asyncio"}


def test_the_training_command_starts_light() -> None:
    """It can show its help where the training extra is not installed."""
    loaded = loaded_by("import midfill_training.cli; midfill_training.cli.build_parser()")
    assert TRAINING in loaded
    assert not loaded & {*HEAVY, "datatrove", "sklearn", "matplotlib", "tqdm"}


def test_version_is_printed() -> None:
    command = [sys.executable, "-I", "-c", "from midfill_lsp.cli import main; main(['--version'])"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"midfill {__version__}\n"


@pytest.mark.parametrize("module", ["local.llama_engine", "local.wire", "prompts.prompt"])
def test_the_engine_loads_llama_cpp_in_its_worker_only(module: str) -> None:
    loaded = loaded_by(f"import midfill_model.{module}")
    assert MODEL in loaded
    assert not loaded & (HEAVY - {"numpy"})
