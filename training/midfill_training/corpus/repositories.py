"""Git repositories, by the `git` program: the files of the last commit, of a checkout or of a bare repository.

What is not committed is not read, so that a run can be repeated. Nothing of the repository's own configuration runs:
no hooks, no filters, no fetching of missing objects.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from midfill_training.corpus.members import Member
from midfill_training.errors import BadInput

TIMEOUT_S = 600
_QUIET = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "LC_ALL": "C",
}


def is_repository(path: Path) -> bool:
    """Whether a folder is a checkout or a bare repository."""
    return (path / ".git").exists() or all((path / each).exists() for each in ("HEAD", "objects", "refs"))


def head_commit(path: Path) -> str:
    """The id of the last commit. BadInput where there is none."""
    return _git(path, "rev-parse", "--verify", "HEAD^{commit}").decode().strip()


def count_commits(path: Path) -> int | None:
    """How many commits led here; None for a shallow clone, which does not know."""
    if _git(path, "rev-parse", "--is-shallow-repository").strip() == b"true":
        return None
    return int(_git(path, "rev-list", "--count", "HEAD"))


def read_repository(path: Path, commit: str) -> Iterator[Member]:
    """The files of one commit; links and submodules are left out."""
    listing = _git(path, "ls-tree", "-r", "-z", "-l", "--full-tree", commit)
    with _Objects(path) as objects:
        for line in listing.split(b"\0"):
            about, _, name = line.partition(b"\t")
            mode, _, rest = about.partition(b" ")
            if mode in (b"100644", b"100755"):
                _, blob, size = rest.split()
                yield Member(name.decode("utf-8", errors="replace"), int(size), partial(objects.read, blob))


class _Objects:
    """`git cat-file --batch`: one process for all files of a repository."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = subprocess.Popen(
            _command(path, "cat-file", "--batch"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=os.environ | _QUIET,
        )  # fmt: skip

    def __enter__(self) -> _Objects:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def read(self, blob: bytes) -> bytes:
        """The content of one file. BadInput where the repository has lost it."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        stdin.write(blob + b"\n")
        stdin.flush()
        header = stdout.readline().split()
        if len(header) != 3:
            raise BadInput(f"{self._path}: object {blob.decode()} is missing; repair the repository with `git fsck`")
        content = stdout.read(int(header[2]))
        stdout.read(1)
        return content


def _git(path: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(
            _command(path, *arguments), capture_output=True, check=False, timeout=TIMEOUT_S, env=os.environ | _QUIET
        )
    except FileNotFoundError as error:
        raise BadInput(f"{path}: is a git repository, and the program `git` is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise BadInput(f"{path}: git took more than {TIMEOUT_S} s") from error
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise BadInput(f"{path}: cannot be read by git: {reason[-1] if reason else done.returncode}")
    return done.stdout


def _command(path: Path, *arguments: str) -> list[str]:
    """Whoever names a repository trusts it to be read, whoever owns it."""
    return ["git", "-c", "safe.directory=*", "-C", str(path), *arguments]
