"""Runs programs that a model wrote: in a folder of their own that goes away, with limits, and out of reach of the rest.

Three layers. Hard limits of time, memory and file size hold for all programs. Where the kernel lets us, they get
namespaces of their own without a network, in which they can see and kill nobody. Python programs also run under an
audit hook that refuses processes, signals, sockets and changes elsewhere (`sandboxed`). This holds off the accidents
of a model; for programs of somebody who means harm use a virtual machine.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from midfill_training.errors import BadInput

SCRIPT = Path(__file__).with_name("sandboxed.py")
PASSED = 86  # as `sandboxed` has it, which is a script apart

_NAMESPACES = (
    *("unshare", "--user", "--map-root-user", "--net", "--ipc", "--pid", "--fork", "--kill-child"),
    *("sh", "-c", '"$@"; exit $?', "sh"),  # the first process of a namespace is spared by signals, so let it be a shell
)


@dataclass(frozen=True)
class SandboxLimits:
    """Of one program. Wall clock is generous: other work on the machine must not fail a right program."""

    cpu_s: int = 5
    wall_s: float = 30.0
    memory_bytes: int = 1 << 30
    file_bytes: int = 1 << 20


@dataclass(frozen=True)
class Ran:
    """How a program ended: its exit status (None: out of time), and the beginning of what it wrote."""

    status: int | None
    output: str


def passes(program: str, limits: SandboxLimits | None = None) -> bool:
    """Whether a Python program runs to its very end: no exception, no exit, within its limits."""
    return run_python(program, limits=limits).status == PASSED


def run_python(program: str, stdin: str = "", limits: SandboxLimits | None = None) -> Ran:
    """Run a Python program with the standard library alone; status PASSED when it came to its end."""
    with tempfile.TemporaryDirectory(prefix="midfill-", ignore_cleanup_errors=True) as folder:
        Path(folder, "main.py").write_text(program, encoding="utf-8", errors="replace")
        return _run(("python", "main.py"), Path(folder), stdin, limits or SandboxLimits())


def run_command(command: Sequence[str], folder: Path, stdin: str = "", limits: SandboxLimits | None = None) -> Ran:
    """Run a command in a folder, for programs in other languages and their compilers."""
    return _run(("exec", *command), folder, stdin, limits or SandboxLimits())


def _run(what: Sequence[str], folder: Path, stdin: str, limits: SandboxLimits) -> Ran:
    return _launch((*_namespaces(), *_inside(limits), *what), folder, stdin, limits)


def _inside(limits: SandboxLimits) -> tuple[str, ...]:
    numbers = map(str, (limits.cpu_s, limits.memory_bytes, limits.file_bytes))
    return (sys.executable, "-I", "-S", "-B", str(SCRIPT), *numbers)


def _launch(command: Sequence[str], folder: Path, stdin: str, limits: SandboxLimits) -> Ran:
    """Output goes to a file, because the limit on file sizes holds for that and a pipe can be flooded."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(folder)}
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(stdin.encode(errors="replace"))
        source.seek(0)
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=source,
            stdout=target,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(limits.wall_s)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # and what it may have left behind
            process.wait()
        target.seek(0)
        return Ran(status, target.read(limits.file_bytes).decode(errors="replace"))


@cache
def _namespaces() -> tuple[str, ...]:
    """The command in front that takes network and other processes out of sight, if it works on this machine.

    Raises BadInput where not even the limits can be set: then every program would seem to fail.
    """
    for command in (_NAMESPACES, ()):
        with tempfile.TemporaryDirectory(prefix="midfill-") as folder, suppress(OSError):
            Path(folder, "main.py").write_text("", encoding="utf-8")
            limits = SandboxLimits()
            if _launch((*command, *_inside(limits), "python", "main.py"), Path(folder), "", limits).status == PASSED:
                return command
    raise BadInput("programs cannot be run with limits on this machine; judge suites with tests on Linux or macOS")
