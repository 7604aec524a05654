"""The documentation says what the program says."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
MAX_README_LINES = 150


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_up_to_date(generator: ModuleType) -> None:
    files = {path: (text, wanted) for path, text, wanted in generator.generated()}
    assert sum("<!-- end -->" in text for text, _ in files.values()) >= 2
    stale = [str(path.relative_to(ROOT)) for path, (text, wanted) in files.items() if text != wanted]
    assert not stale, "run `make docs`"


def test_vscode_takes_programs_paths_and_addresses_from_the_user_alone() -> None:
    package = json.loads((ROOT / "editors/vscode/package.json").read_text(encoding="utf-8"))
    sections = package["contributes"]["configuration"]
    scopes = {name: each.get("scope") for section in sections for name, each in section["properties"].items()}
    restricted = package["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"]
    assert sorted(restricted) == sorted(name for name, scope in scopes.items() if scope)
    named = ("pythonPath", "installSource", "model", "lora", "remote.url", "remote.apiKeyEnv")
    assert {f"midfill.{name}" for name in named} <= set(restricted)


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= MAX_README_LINES


def test_readme_names_only_commands_that_exist() -> None:
    makefile, readme = ((ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "README.md"))
    targets = set(re.findall(r"^([a-z0-9-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"^    (?:\$ )?make ([\w-]+)", readme, re.MULTILINE))
    assert named
    assert named <= targets
