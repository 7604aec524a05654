"""Programs that read stdin and write stdout, in the languages for which this machine has a compiler."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from midfill_training.evaluation.sandbox import PASSED, SandboxLimits, run_command, run_python

LIMITS = SandboxLimits(cpu_s=10, wall_s=60.0)
COMPILING = SandboxLimits(cpu_s=60, wall_s=180.0, memory_bytes=0, file_bytes=64 << 20)


@dataclass(frozen=True)
class Toolchain:
    """How a language is compiled and run; `reserves` tells of runtimes that map far more memory than they use."""

    needs: tuple[str, ...]
    file: str
    compile: tuple[str, ...]
    run: tuple[str, ...]
    reserves: bool = False


TOOLCHAINS = {
    "cpp": Toolchain(("g++",), "main.cpp", ("g++", "-std=c++17", "-O2", "-o", "main", "main.cpp"), ("./main",)),
    "java": Toolchain(
        ("javac", "java"),
        "Main.java",
        ("javac", "-J-Xmx512m", "-encoding", "UTF-8", "Main.java"),
        ("java", "-Xmx512m", "-Xss64m", "-XX:+UseSerialGC", "Main"),
        reserves=True,
    ),
    "csharp": Toolchain(
        ("mcs", "mono"), "Main.cs", ("mcs", "-out:main.exe", "Main.cs"), ("mono", "main.exe"), reserves=True
    ),
}


def can_run(language: str) -> bool:
    """Whether programs in the language can be run here."""
    if language == "python":
        return True
    tools = TOOLCHAINS.get(language)
    return tools is not None and all(
        shutil.which(tool) or tool.startswith("./") for tool in (tools.compile[0], tools.run[0])
    )


def outputs(language: str, program: str, inputs: Sequence[str]) -> Iterator[str | None]:
    """What the program writes for each input; None for a run that failed, and for all when it does not compile."""
    if language == "python":
        for stdin in inputs:
            ran = run_python(program, stdin, LIMITS)
            yield ran.output if ran.status in (0, PASSED) else None
        return
    tools = TOOLCHAINS[language]
    limits = replace(LIMITS, memory_bytes=0) if tools.reserves else LIMITS
    with tempfile.TemporaryDirectory(prefix="midfill-", ignore_cleanup_errors=True) as folder:
        Path(folder, tools.file).write_text(program, encoding="utf-8", errors="replace")
        if run_command(tools.compile, Path(folder), limits=COMPILING).status != 0:
            yield from [None] * len(inputs)
            return
        for stdin in inputs:
            ran = run_command(tools.run, Path(folder), stdin, limits)
            yield ran.output if ran.status == 0 else None
