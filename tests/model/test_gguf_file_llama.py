"""Damaged files that `read_header` lets pass do not bring llama.cpp down: it loads them or says no."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from midfill_model.errors import ModelError
from midfill_model.files.gguf_file import read_header
from midfill_model.files.gguf_layout import read_layout
from midfill_model.files.random_model import Shape, synthetic_vocabulary, write_random_model

N_FILES = 400
SHAPE = Shape(
    n_layers=1,
    n_hidden=32,
    n_heads=2,
    n_kv_heads=1,
    n_ffn=32,
    n_context=64,
    rope_theta=1e4,
    norm_eps=1e-5,
    init_std=0.02,
)

# Loads each file of a folder in a child of its own and prints the signals that ended children.
LOADER = """
import ctypes, os, pathlib, sys
import llama_cpp
quiet = llama_cpp.llama_log_callback(lambda *_: None)
llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
llama_cpp.llama_backend_init()
n_loaded = 0
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    child = os.fork()
    if child == 0:
        model = llama_cpp.llama_model_load_from_file(str(path).encode(), llama_cpp.llama_model_default_params())
        os._exit(0 if model else 1)
    _, status = os.waitpid(child, 0)
    n_loaded += status == 0
    if os.WIFSIGNALED(status):
        print(path, "ended by signal", os.WTERMSIG(status))
print(n_loaded > 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="children are forked, which Windows cannot")
def test_damage_that_passes_does_not_abort_llama(tmp_path: Path) -> None:
    sound = tmp_path / "sound.gguf"
    write_random_model(sound, SHAPE, synthetic_vocabulary(300), file_type="f16")
    content, header_bytes = sound.read_bytes(), read_layout(sound).data_offset
    folder = tmp_path / "passed"
    folder.mkdir()
    rng = random.Random(0)
    n_passed = 0
    while n_passed < N_FILES:
        damaged = bytearray(content)
        damaged[rng.randrange(header_bytes)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        path = folder / f"{n_passed:03}.gguf"
        path.write_bytes(damaged)
        try:
            read_header(path)
        except ModelError:
            path.unlink()
        else:
            n_passed += 1
    done = subprocess.run(
        [sys.executable, "-c", LOADER, str(folder)],
        env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"
