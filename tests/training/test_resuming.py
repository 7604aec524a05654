"""Exports that are killed: the next run goes on and gives the same bytes, and the final name never has half a file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from midfill_training.errors import OutputError
from midfill_training.export.conversion import ExportOptions, export
from midfill_training.export.resuming import Draft, identity_of, resumable

# An export that saves after each tensor and gets a signal before the n-th piece of a tensor is written, before the last
# rename, or before llama.cpp quantises: SIGKILL, or SIGINT where the number is negative.
EXPORT_AND_DIE = """
import os, signal, sys
from midfill_training import output
from midfill_training.cli import main
from midfill_training.export import conversion, writer

where, number, file_type, checkpoint, target = sys.argv[1:]
places = {"piece": (writer, "_stored"), "rename": (output, "place"), "quantise": (conversion, "quantise_file")}
module, name = places[where]
real, calls = getattr(module, name), []

def dying(*args, **kwargs):
    calls.append(0)
    if len(calls) == abs(int(number)):
        os.kill(os.getpid(), signal.SIGKILL if int(number) > 0 else signal.SIGINT)
    return real(*args, **kwargs)

setattr(module, name, dying)
writer.SAVE_EVERY_BYTES = 0
signal.signal(signal.SIGINT, signal.default_int_handler)  # programs started in the background ignore it
sys.exit(main(["export", checkpoint, "-o", target, "--type", file_type]))
"""


def killed(where: str, number: int, checkpoint: Path, output: Path, file_type: str = "f16") -> int:
    args = [where, str(number), file_type, str(checkpoint), str(output)]
    done = subprocess.run([sys.executable, "-c", EXPORT_AND_DIE, *args], check=False, capture_output=True, timeout=100)
    return done.returncode


@pytest.mark.parametrize(("where", "number", "n_resumed"), [("piece", 1, 0), ("piece", 12, 11), ("rename", 1, 0)])
def test_killed_and_started_again(
    where: str, number: int, n_resumed: int, llama: Path, llama_gguf: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.gguf"
    assert killed(where, number, llama, output) == -signal.SIGKILL
    assert not output.exists()
    assert export(llama, output, ExportOptions()).n_resumed == n_resumed
    assert output.read_bytes() == llama_gguf.read_bytes()
    assert list(tmp_path.iterdir()) == [output]


def test_killed_before_quantising(llama: Path, tmp_path: Path) -> None:
    """Quantising begins again, from the draft that is whole by then."""
    export(llama, tmp_path / "whole.gguf", ExportOptions(file_type="q4_0"))
    output = tmp_path / "out.gguf"
    assert killed("quantise", 1, llama, output, "q4_0") == -signal.SIGKILL
    assert export(llama, output, ExportOptions(file_type="q4_0")).n_resumed == 21
    assert output.read_bytes() == (tmp_path / "whole.gguf").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"out.gguf", "whole.gguf"}


def test_interrupted_by_hand(llama: Path, llama_gguf: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.gguf"
    assert killed("piece", -5, llama, output) == 130
    assert not output.exists()
    assert export(llama, output, ExportOptions()).n_resumed == 4
    assert output.read_bytes() == llama_gguf.read_bytes()


def interrupted(output: Path, identity: str) -> Path:
    """What an interrupted export with two whole tensors leaves; returns the folder."""
    with suppress(KeyboardInterrupt), resumable(output, identity) as draft, draft.path.open("wb") as stream:
        stream.write(bytes(100))
        draft.save(stream, 2)
        stream.write(bytes(50))
        raise KeyboardInterrupt
    return output.with_name(f".{output.name}.work")


def test_the_same_export_goes_on(tmp_path: Path) -> None:
    interrupted(tmp_path / "out.gguf", "a")
    with resumable(tmp_path / "out.gguf", "a") as draft:
        assert (draft.n_tensors, draft.n_bytes) == (2, 100)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("journal", ["", "{", "[]", "{}", '{"identity": "a", "n_tensors": 2, "n_bytes": "x"}', None])
def test_a_damaged_journal(journal: str | None, tmp_path: Path) -> None:
    folder = interrupted(tmp_path / "out.gguf", "a")
    (folder / "journal.json").write_text(journal or json.dumps({"identity": "a", "n_tensors": 2, "n_bytes": 151}))
    with resumable(tmp_path / "out.gguf", "a") as draft:
        assert (draft.n_tensors, draft.n_bytes) == (0, 0)


def test_another_export_begins_at_the_beginning(tmp_path: Path) -> None:
    interrupted(tmp_path / "out.gguf", "a")
    with resumable(tmp_path / "out.gguf", "b") as draft:
        assert draft.n_tensors == 0


def test_what_another_export_overwrote_is_not_gone_on_with(tmp_path: Path) -> None:
    """As when the second one is killed before it has put anything on record."""
    folder = interrupted(tmp_path / "out.gguf", "a")
    Draft(tmp_path / "out.gguf", folder, "b")
    assert Draft(tmp_path / "out.gguf", folder, "a").n_tensors == 0


def test_identity(tmp_path: Path) -> None:
    shard = tmp_path / "model.safetensors"
    shard.write_bytes(b"abc")
    before = identity_of(["plan"], [tmp_path])
    assert identity_of(["plan"], [tmp_path]) == before
    assert identity_of(["another plan"], [tmp_path]) != before
    os.utime(shard, ns=(0, 0))
    assert identity_of(["plan"], [tmp_path]) != before


def test_an_error_leaves_nothing(tmp_path: Path) -> None:
    interrupted(tmp_path / "out.gguf", "a")
    with pytest.raises(OSError, match="full"), resumable(tmp_path / "out.gguf", "a"):
        raise OSError("full")
    assert list(tmp_path.iterdir()) == []


def test_two_at_once(tmp_path: Path) -> None:
    with resumable(tmp_path / "out.gguf", "a"), pytest.raises(OutputError, match="another export is writing it"):
        resumable(tmp_path / "out.gguf", "a").__enter__()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".out.gguf.work").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"), resumable(tmp_path / "out.gguf", "a"):
        pass
