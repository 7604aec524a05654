"""What suits a model on this machine: measured once, kept as JSON in the user's cache folder.

A file that is damaged, or of another version, processor, llama.cpp or model, is as good as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

VERSION = 1


@dataclass(frozen=True)
class Tuning:
    """Threads, tokens of a micro-batch, the longest prompt worth reading in tokens, and how fast prompts are read."""

    n_threads: int
    n_micro_batch: int
    max_prompt_tokens: int
    tokens_per_s: float


def tuning_path(model: Path) -> Path:
    """Where the tuning for a model file is stored."""
    import platformdirs

    name = hashlib.sha256(os.fsencode(model.resolve())).hexdigest()[:24]
    return Path(platformdirs.user_cache_dir("midfill", appauthor=False)) / "tuning" / f"{name}.json"


def stored_tuning(model: Path) -> Tuning | None:
    """What was measured for a model file on this machine, if it was."""
    try:
        stored = json.loads(tuning_path(model).read_bytes())
        tuning = Tuning(**stored.pop("tuning"))
        is_ours = stored == _measured_on(model)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    counts = (tuning.n_threads, tuning.n_micro_batch, tuning.max_prompt_tokens)
    is_sane = all(type(count) is int and 0 < count < 1 << 20 for count in counts) and _is_speed(tuning.tokens_per_s)
    return tuning if is_ours and is_sane else None


def store_tuning(model: Path, tuning: Tuning) -> None:
    """Keep what was measured, unless the folder cannot be written to."""
    path = tuning_path(model)
    draft = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(_measured_on(model) | {"tuning": asdict(tuning)}), encoding="utf-8")
        draft.replace(path)


def n_usable_cores() -> int:
    """Logical processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _measured_on(model: Path) -> dict[str, object]:
    """What has to be the same for a measurement to hold."""
    file = model.stat()
    return {
        "version": VERSION,
        "cpu": _cpu_name(),
        "n_cores": n_usable_cores(),
        "llama_cpp": version("llama-cpp-python"),
        "model_bytes": file.st_size,
        "model_mtime_ns": file.st_mtime_ns,
    }


def _cpu_name() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.*)$", text, re.MULTILINE)
    return found.group(1) if found else platform.processor() or platform.machine()


def _is_speed(value: object) -> bool:
    return isinstance(value, int | float) and 0 < value < 1e9
