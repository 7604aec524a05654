"""The walk over a workspace: ignore files, links, bounds."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from midfill_context.index.walking import HIDDEN_AT_HOME, LINK, LINK_OUT, Stamp, Walker


def write(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def listed(root: Path) -> list[str]:
    return sorted(Walker(root).walk().files)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


IGNORE_FILES = {
    ".gitignore": "*.gen.py\n/top.py\nbuild/\n!keep.gen.py\n**/deep/*.py\n# comment\n\\#odd.py\n",
    "sub/.gitignore": "!again.gen.py\nlocal.py\n/only/here.py\n",
    ".git/info/exclude": "mine.py\n",
}
IGNORED = """a.gen.py top.py build/x.py sub/build/x.py sub/b.gen.py sub/local.py sub/only/here.py a/deep/x.py mine.py
    sub/mine.py #odd.py"""
KEPT = """keep.gen.py sub/again.gen.py sub/top.py local.py sub/x/only/here.py a/deep/y/x.py plain.py sub/build.py"""


def test_gitignore_is_read_as_git_reads_it(root: Path) -> None:
    write(root, dict.fromkeys([*IGNORED.split(), *KEPT.split()], "x = 1\n") | IGNORE_FILES)
    found = listed(root)
    assert found == sorted(KEPT.split())
    if shutil.which("git"):
        shutil.rmtree(root / ".git")
        subprocess.run(["git", "init", "-q", root], check=True)
        write(root, {".git/info/exclude": IGNORE_FILES[".git/info/exclude"]})
        command = ["git", "-C", str(root), "ls-files", "--others", "--exclude-standard", "-z", "*.py"]
        by_git = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        assert found == sorted(by_git.rstrip("\0").split("\0"))


def test_midfillignore_has_the_last_word(root: Path) -> None:
    write(
        root,
        {"a.py": "", "b.py": "", "made/c.py": "", ".gitignore": "a.py\nmade/", ".midfillignore": "!a.py\nb.py\n!made/"},
    )
    assert listed(root) == ["a.py", "made/c.py"]
    assert Walker(root).walk().skipped["b.py"] == "ignored by .midfillignore"


def test_rules_of_the_repository_around_a_workspace(tmp_path: Path) -> None:
    write(
        tmp_path,
        {".git/HEAD": "", ".gitignore": "/app/out/\n*.tmp.py", "app/out/a.py": "", "app/b.py": "", "app/c.tmp.py": ""},
    )
    assert listed(tmp_path / "app") == ["b.py"]


def test_a_workspace_that_the_repository_around_it_ignores_is_still_indexed(tmp_path: Path) -> None:
    write(tmp_path, {".git/HEAD": "", ".gitignore": "scratch/", "scratch/a.py": ""})
    assert listed(tmp_path / "scratch") == ["a.py"]


def test_malformed_rules_are_passed_over(root: Path) -> None:
    write(root, {".gitignore": "!\n[\n/\nb.py\n\\\n***\n", "a.py": "", "b.py": ""})
    assert "b.py" not in listed(root)


def test_virtual_environments_of_any_name(root: Path) -> None:
    write(root, {"py311/pyvenv.cfg": "", "py311/lib/a.py": "", "a.py": ""})
    assert listed(root) == ["a.py"]
    assert Walker(root).walk().skipped["py311"] == "virtual environment"


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links")
def test_links_are_not_followed(tmp_path: Path) -> None:
    root = write(tmp_path / "in", {"a.py": ""})
    write(tmp_path / "out", {"b.py": ""})
    (root / "folder").symlink_to(tmp_path / "out")
    (root / "file.py").symlink_to(tmp_path / "out/b.py")
    (root / "inside.py").symlink_to("a.py")
    (root / "self").symlink_to("self")
    (root / "up").symlink_to(root)
    listing = Walker(root).walk()
    assert list(listing.files) == ["a.py"]
    assert listing.skipped["folder"] == listing.skipped["file.py"] == LINK_OUT
    assert listing.skipped["inside.py"] == listing.skipped["up"] == LINK
    assert "self" in listing.skipped


def test_what_stands_at_a_path(root: Path) -> None:
    write(root, {"a.py": "x", "ignored/b.py": "", ".gitignore": "ignored/", "sub/c.py": ""})
    walker = Walker(root)
    assert isinstance(walker.look_at("a.py"), Stamp)
    assert walker.look_at("sub") == ("sub",)
    assert walker.look_at("gone.py") is None
    assert walker.look_at("gone/a.py") is None
    assert walker.look_at("ignored/b.py") == "ignored by .gitignore"
    assert walker.look_at("node_modules/x/y.js") is None
    assert walker.why_not("new.py") is None
    assert walker.why_not("ignored/new.py") == "ignored by .gitignore"
    assert walker.why_not(".env") == "secret"


def test_bounds(root: Path) -> None:
    write(root, {f"{i}.py": "" for i in range(20)} | {"deep/er/x.py": ""})
    assert not Walker(root).walk().is_cut
    few = Walker(root, max_files=5).walk()
    assert few.is_cut
    assert len(few.files) == 5
    assert Walker(root, max_entries=5).walk().is_cut


def test_the_home_directory(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(root))
    monkeypatch.setenv("USERPROFILE", str(root))
    write(root, {".config/a.py": "", "project/a.py": ""})
    listing = Walker(root).walk()
    assert list(listing.files) == ["project/a.py"]
    assert listing.skipped[".config"] == HIDDEN_AT_HOME


def test_names_that_are_no_utf8(root: Path) -> None:
    try:
        (root / os.fsdecode(b"caf\xe9.py")).write_text("x = 1")
    except OSError:
        pytest.skip("the file system takes UTF-8 only")
    listing = Walker(root).walk()
    assert not listing.files
    assert len(listing.skipped) == 1
