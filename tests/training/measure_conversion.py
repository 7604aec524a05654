"""`midfill-train export` beside llama.cpp's own converter: time, memory, and whether they write the same tensors.

    python tests/training/measure_conversion.py CHECKPOINT CONVERTER.py [RUNS]

CONVERTER.py is `convert_hf_to_gguf.py` of llama.cpp, which llama-cpp-python's source distribution has. Both write f16,
in turn; medians are printed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from midfill_model.files.gguf_layout import read_layout
from midfill_training.export.gguf_weights import gguf_tensors


def main(checkpoint: str, converter: str, n_runs: int) -> None:
    """Print a line for each program, then how many tensors are equal to the bit."""
    with TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "ours.gguf"), Path(folder, "theirs.gguf")
        export = ("-m", "midfill_training.cli", "export", checkpoint, "-o", str(ours), "--force")
        programs = {"midfill-train": export, "llama.cpp": (converter, checkpoint, "--outfile", str(theirs))}
        runs = [{name: measured(*program) for name, program in programs.items()} for _ in range(n_runs)]
        for name in programs:
            wall_s, cpu_s, mib = (statistics.median(run[name][at] for run in runs) for at in range(3))
            print(f"{name:14} {wall_s:5.1f} s of wall time, {cpu_s:5.1f} s of CPU time, {mib:6,.0f} MiB")
        print("{} of {} tensors are equal to the bit".format(*equal_tensors(ours, theirs)))


def measured(*program: str) -> tuple[float, float, float]:
    """Seconds of wall and CPU time of a Python program, and MiB at its peak."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *program], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(program)} ended with status {status}")
    return time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def equal_tensors(one: Path, other: Path) -> tuple[int, int]:
    """How many tensors of one file the other has bit by bit, and how many there are."""
    ours, theirs = gguf_tensors(read_layout(one)), gguf_tensors(read_layout(other))
    same = (
        name in theirs and (tensor.read(0, tensor.shape[0]) == theirs[name].read(0, tensor.shape[0])).all()
        for name, tensor in ours.items()
    )
    return sum(map(bool, same)), len(ours.keys() | theirs.keys())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 4)
