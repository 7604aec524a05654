"""`midfill doctor`: what midfill needs on this machine, whether it is there, and what to do where it is not.

Looks and tells; it changes nothing and nothing leaves the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_lsp.commands.checks import Check
from midfill_lsp.commands.model_checks import check_models

if TYPE_CHECKING:
    from midfill_lsp.commands import Subparsers

# In a process of its own: a llama.cpp that was built for another CPU dies of SIGILL when it is loaded.
# The empty entry of the module path is the user's current folder.
LLAMA_PROBE = """
import sys
sys.path = [entry for entry in sys.path if entry]
import llama_cpp
print(llama_cpp.__version__)
print(llama_cpp.llama_print_system_info().decode())
"""
PROBE_SECONDS = 60
EDITOR_SECONDS = 10
REINSTALL = "pip install --force-reinstall --no-binary :all: --no-cache-dir --no-deps llama-cpp-python=={}"

# What speeds llama.cpp up, by the names of its build flags and of the Linux kernel.
FAST_FEATURES = {"AVX": "avx", "AVX2": "avx2", "FMA": "fma", "F16C": "f16c", "AVX512": "avx512f"}
EDITORS = {
    "nvim": "Neovim",
    "code": "VS Code",
    "codium": "VSCodium",
    "code-server": "code-server",
    "hx": "Helix",
    "emacs": "Emacs",
}
NVIM_OLDEST = (0, 11)


def add_parser(subparsers: Subparsers) -> None:
    """Declare `midfill doctor`."""
    parser = subparsers.add_parser("doctor", help="check this machine and say what to do about each problem")
    parser.add_argument("--verify", action="store_true", help="also compare the hashes of installed models")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print all checks; exit code 1 if any of them is a problem."""
    checks = all_checks(verify=args.verify)
    if args.json:
        print(json.dumps({"checks": [asdict(check) for check in checks]}, indent=2))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            print(f"{check.status:7}  {check.name:{width}}  {check.detail}")
            if check.advice:
                print(f"{'':7}  {'':{width}}  -> {check.advice}")
    return 1 if any(check.status == "problem" for check in checks) else 0


def all_checks(*, verify: bool) -> list[Check]:
    """Every check, in the order in which they should be read."""
    return [
        check_python(),
        check_midfill(),
        *check_llama(),
        check_memory(),
        *check_models(verify=verify),
        *check_folders(),
        *check_editors(),
    ]


def check_python() -> Check:
    """Python itself; an older one than 3.10 cannot even start this."""
    bits = 64 if sys.maxsize > 2**32 else 32
    detail = f"{platform.python_version()}, {bits} bit, {platform.system()} {platform.machine()}, {sys.executable}"
    if bits == 32:
        return Check("Python", "problem", detail, "use a 64-bit Python: model files are larger than 2 GB")
    return Check("Python", "ok", detail)


def check_midfill() -> Check:
    """midfill's own version and where it runs from."""
    from midfill_lsp import __version__

    return Check("midfill", "ok", f"{__version__}, {Path(__file__).parents[1]}")


def check_llama() -> list[Check]:
    """Whether llama.cpp loads, how it was built, and whether it uses what this CPU has."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", LLAMA_PROBE],
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [Check("llama.cpp", "problem", f"did not load within {PROBE_SECONDS} s", _reinstall())]
    if done.returncode:
        return [_llama_failure(done.returncode, done.stderr)]
    version, info = done.stdout.strip().splitlines()[-2:]
    built_with = {name for name, value in re.findall(r"(\w+) = (\d+)", info) if value != "0"}
    cpu = _cpu_features()
    unused = [name for name, flag in FAST_FEATURES.items() if flag in cpu and name not in built_with]
    detail = f"llama-cpp-python {version}, built with {' '.join(sorted(built_with)) or 'nothing special'}"
    llama = Check("llama.cpp", "ok", detail)
    if unused:
        advice = f"it makes no use of {', '.join(unused)}, which this CPU has; build it here: {_reinstall()}"
        llama = Check("llama.cpp", "warn", detail, advice)
    return [llama, _check_cpu(cpu)]


def _llama_failure(code: int, stderr: str) -> Check:
    if code < 0:  # the number of a signal; Windows has none of them
        name = signal.Signals(-code).name
        why = ": it was built for another CPU" if name == "SIGILL" else ""
        return Check("llama.cpp", "problem", f"dies when it is loaded ({name}){why}", f"build it here: {_reinstall()}")
    lines = stderr.strip().splitlines() or [f"exit code {code}"]
    return Check("llama.cpp", "problem", f"cannot be loaded: {lines[-1]}", _reinstall())


def _reinstall() -> str:
    from importlib import metadata

    try:
        return REINSTALL.format(metadata.version("llama-cpp-python"))
    except metadata.PackageNotFoundError:
        return "install midfill again, with its dependencies"


def _check_cpu(features: set[str]) -> Check:
    import psutil

    fast = [flag for flag in (*FAST_FEATURES.values(), "avx512_bf16", "asimd", "asimddp", "i8mm") if flag in features]
    physical, logical = psutil.cpu_count(logical=False) or 0, psutil.cpu_count() or 0
    cores = f"{physical or '?'} cores, {logical} threads"
    return Check("CPU", "ok", f"{cores}, {' '.join(fast) or platform.processor() or platform.machine()}")


def _cpu_features() -> set[str]:
    """The flags of /proc/cpuinfo; empty where there is none, and then nothing is concluded."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return set(found.group(1).split()) if found else set()


def check_memory() -> Check:
    """Memory in all and free, against what the default model takes."""
    import psutil

    from midfill_model.files.catalogue import DEFAULT_MODEL, catalogue

    memory = psutil.virtual_memory()
    total, available = memory.total >> 20, memory.available >> 20
    detail = f"{total:,} MiB, {available:,} MiB free"
    needed = catalogue()[DEFAULT_MODEL].memory_mib
    if available < needed:
        advice = f"{DEFAULT_MODEL} needs {needed:,} MiB; close other programs"
        return Check("memory", "problem" if total < needed else "warn", detail, advice)
    return Check("memory", "ok", detail)


def check_folders() -> list[Check]:
    """Whether models and measurements can be stored."""
    import platformdirs

    from midfill_model.files import store

    cache = Path(platformdirs.user_cache_dir("midfill", appauthor=False))
    return [_check_writable("models folder", store.models_dir()), _check_writable("cache folder", cache)]


def _check_writable(name: str, folder: Path) -> Check:
    """Write a nameless file into `folder`, or into the nearest folder above it that exists."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        advice = f"make {existing} a folder you can write to"
        return Check(name, "problem", f"{folder}: {error.strerror or error}", advice)
    free = shutil.disk_usage(existing).free
    return Check(name, "ok", f"{folder}, {free / 1e9:.1f} GB free")


def check_editors() -> list[Check]:
    """The editors on the PATH; without one midfill still completes from the command line."""
    found = [_check_editor(program, path) for program in EDITORS if (path := shutil.which(program))]
    if found:
        return found
    advice = "install Neovim 0.11 or later, VS Code, or any editor with LSP 3.18 inline completion"
    return [Check("editors", "warn", "none found on the PATH", advice)]


def _check_editor(program: str, path: str) -> Check:
    version = _editor_version(path)
    detail = f"{version or 'version unknown'}, {path}"
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if program == "nvim" and numbers and numbers < NVIM_OLDEST:
        oldest = ".".join(str(number) for number in NVIM_OLDEST)
        return Check(EDITORS[program], "warn", detail, f"update it to {oldest} or later")
    return Check(EDITORS[program], "ok", detail)


def _editor_version(path: str) -> str:
    """The first line of `--version`; empty when it says nothing useful."""
    try:
        done = subprocess.run(
            [path, "--version"],
            env={**os.environ, "NVIM_LOG_FILE": os.devnull},  # or Neovim makes a folder for its log
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=EDITOR_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip().split("\n")[0][:80] if done.returncode == 0 else ""
