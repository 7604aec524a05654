"""Files and languageIds of every kind that an editor sends."""

import subprocess
import sys

import pytest

from midfill_context.languages import language, language_of, languages

BY_PATH = {
    "src/app/main.py": "python",
    "stubs/main.pyi": "python",
    "SConstruct": "python",
    "index.js": "javascript",
    "index.mjs": "javascript",
    "index.min.js": "javascript",
    "App.jsx": "javascriptreact",
    "api.ts": "typescript",
    "api.d.ts": "typescript",
    "App.tsx": "typescriptreact",
    "src/Main.java": "java",
    "list.c": "c",
    "list.h": "c",
    "list.cpp": "cpp",
    "list.c++": "cpp",
    "Program.cs": "csharp",
    "main.go": "go",
    "lib.rs": "rust",
    "app.rb": "ruby",
    "Gemfile": "ruby",
    "index.php": "php",
    "build.gradle.kts": "kotlin",
    "init.lua": "lua",
    "run.sh": "bash",
    ".bashrc": "bash",
    "home/.zshrc": "bash",
    "App.swift": "swift",
    "Main.scala": "scala",
    "q.sql": "sql",
    "index.html": "html",
    "site.css": "css",
    "site.scss": "scss",
    "ci.yml": "yaml",
    "pyproject.toml": "toml",
    "package.json": "json",
    ".eslintrc.json": "json",
    "README.md": "markdown",
    "fit.R": "r",
    "fit.r": "r",
    "fit.jl": "julia",
    "Main.hs": "haskell",
    "app.exs": "elixir",
    "main.dart": "dart",
    "main.zig": "zig",
    "app.pl": "perl",
    "x.ps1": "powershell",
    "App.vue": "vue",
    "App.svelte": "svelte",
    "Makefile": "makefile",
    "sub/GNUmakefile": "makefile",
    "rules.mk": "makefile",
    "Dockerfile": "dockerfile",
    "Dockerfile.dev": "dockerfile",
    "app.dockerfile": "dockerfile",
    "CMakeLists.txt": "cmake",
    "config.h.cmake": "cmake",
    "config.cmake.in": "cmake",
    "café/naïve file.py": "python",
    "dir.with.dots/a.py": "python",
}

# What a rule decides, not a row alone.
BY_RULE = {
    "list.C": "cpp",
    "MAIN.PY": "python",
    "Makefile.PL": "perl",
    "Makefile.toml": "toml",
    "notes.txt": "plaintext",
    "tsconfig.json": "jsonc",
    "tsconfig.build.json": "jsonc",
    "a.b.c": "c",
}


@pytest.mark.parametrize(("path", "expected"), {**BY_PATH, **BY_RULE}.items(), ids=[*BY_PATH, *BY_RULE])
def test_language_of(path: str, expected: str) -> None:
    found = language_of(path)
    assert found is not None
    assert found.id == expected


@pytest.mark.parametrize(
    "path", ["", "README", "a.py/README", "dot.", ".py", "a.py~", "a.unknown", "makefiles", "dir/"]
)
def test_unknown_files(path: str) -> None:
    assert language_of(path) is None


@pytest.mark.parametrize(
    ("language_id", "expected"),
    [
        ("python", "python"),
        ("Python", "python"),
        ("shellscript", "bash"),
        ("sh", "bash"),
        ("bash", "bash"),
        ("javascriptreact", "javascriptreact"),
        ("jsx", "javascriptreact"),
        ("typescriptreact", "typescriptreact"),
        ("tsx", "typescriptreact"),
        ("cs", "csharp"),
        ("objective-c", "objective-c"),
        ("tex", "latex"),
        ("make", "makefile"),
    ],
)
def test_language_by_id(language_id: str, expected: str) -> None:
    found = language(language_id)
    assert found is not None
    assert found.id == expected


@pytest.mark.parametrize("language_id", ["", "klingon"])
def test_unknown_id(language_id: str) -> None:
    assert language(language_id) is None


@pytest.mark.parametrize(
    ("language_id", "line_comment", "block_comment"),
    [
        ("python", "#", None),
        ("c", "//", ("/*", "*/")),
        ("lua", "--", ("--[[", "]]")),
        ("html", None, ("<!--", "-->")),
        ("json", None, None),
    ],
)
def test_comments(language_id: str, line_comment: str | None, block_comment: tuple[str, str] | None) -> None:
    found = language(language_id)
    assert found is not None
    assert (found.line_comment, found.block_comment) == (line_comment, block_comment)


def test_every_row_is_found_by_what_it_claims() -> None:
    for row in languages():
        assert row.id == row.id.lower()
        assert language(row.id) is row
        assert all(extension == extension.lower() for extension in row.extensions)
        for extension in (*row.extensions, *row.exact_extensions):
            assert language_of(f"dir/file{extension}") is row
        for name in row.file_names:
            assert language_of("dir/" + name.replace("*", "x")) is row


def test_table_is_read_on_first_use_only() -> None:
    code = "import sys, midfill_context.languages as l; assert not l._tables.cache_info().currsize"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert language("python") is language("python")
