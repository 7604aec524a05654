"""The inside of the sandbox: sets the limits, then becomes a command or runs a Python program under an audit hook.

Started by `sandbox` as a script, and imports nothing of midfill:
    python -I -S -B sandboxed.py CPU_SECONDS MEMORY_BYTES FILE_BYTES exec COMMAND...
    python -I -S -B sandboxed.py CPU_SECONDS MEMORY_BYTES FILE_BYTES python FILE
"""

from __future__ import annotations

import os
import resource
import sys

PASSED = 86  # the exit status of a program that came to its end; `exit()` in the middle of it gives another one

_REFUSED = (
    "ctypes.",
    "os.exec",
    "os.fork",
    "os.kill",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pty.",
    "signal.pthread_kill",
    "socket.",
    "subprocess.",
)
# Events whose first arguments are paths that the program would change.
_CHANGING = {"os.link": 2, "os.rename": 2, "os.symlink": 2} | dict.fromkeys(
    ("os.chmod", "os.chown", "os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.utime"), 1
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def limit_resources(cpu_s: int, memory_bytes: int, file_bytes: int) -> None:
    """Hard limits for this process and its children; 0 bytes of memory is no limit."""
    limits = [(resource.RLIMIT_CPU, cpu_s), (resource.RLIMIT_FSIZE, file_bytes), (resource.RLIMIT_CORE, 0)]
    if memory_bytes:
        limits.append((resource.RLIMIT_AS, memory_bytes))
    for kind, value in limits:
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def guard(folder: str) -> None:
    """From here on no processes, signals, sockets or foreign code, and no changes outside of `folder`."""

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(_REFUSED):
            raise PermissionError(f"{event} is refused here")
        changed = arguments[: _CHANGING.get(event, 0)]
        if event == "open" and (_is_writing(arguments)):
            changed = arguments[:1]
        for path in changed:
            if isinstance(path, str | bytes | os.PathLike) and not _is_inside(os.fsdecode(path), folder):
                raise PermissionError(f"{event} outside of the sandbox is refused here")

    sys.addaudithook(refuse)


def _is_writing(arguments: tuple[object, ...]) -> bool:
    _, mode, flags = arguments
    return bool(isinstance(flags, int) and flags & _WRITING) or bool(isinstance(mode, str) and set(mode) & set("wax+"))


def _is_inside(path: str, folder: str) -> bool:
    real = os.path.realpath(path)
    return real == folder or real.startswith(folder + os.sep)


def main() -> None:
    """Do what the command line says; never returns."""
    limit_resources(*map(int, sys.argv[1:4]))
    kind, *rest = sys.argv[4:]
    if kind == "exec":
        os.execvp(rest[0], rest)
    with open(rest[0], encoding="utf-8") as file:
        code = compile(file.read(), rest[0], "exec", dont_inherit=True)
    sys.argv = rest
    guard(os.path.realpath("."))
    exec(code, {"__name__": "__main__"})
    sys.stdout.flush()
    os._exit(PASSED)


if __name__ == "__main__":
    main()
