"""`midfill doctor`: what it finds on this machine, and what it says of machines where something is wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from commands import MIDFILL, run
from midfill_lsp.commands import doctor
from midfill_model.files import store
from midfill_model.files.catalogue import DEFAULT_MODEL
from midfill_model.local.tuning import Tuning, store_tuning
from tiny_gguf import write_tiny_gguf


def examine(*args: str, env: Mapping[str, str] | None = None) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and the checks by name."""
    done = run(MIDFILL, "doctor", "--json", *args, env=env)
    checks = json.loads(done.stdout)["checks"]
    assert "Traceback" not in done.stderr
    return done.returncode, {check["name"]: check for check in checks}


@pytest.fixture
def installed(smollm2: Path) -> Path:
    path = store.stored_path(DEFAULT_MODEL)
    path.parent.mkdir(parents=True)
    shutil.copyfile(smollm2, path)
    return path


def program(folder: Path, name: str, text: str) -> Path:
    """An executable shell script."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_machine_as_it_should_be(installed: Path) -> None:
    code, checks = examine("--verify")
    assert code == 0, checks
    assert {check["status"] for check in checks.values()} <= {"ok", "warn"}
    assert checks["Python"]["detail"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert "llama-cpp-python 0.3.36" in checks["llama.cpp"]["detail"]
    assert "SHA-256 checked" in checks[f"model {DEFAULT_MODEL}"]["detail"]
    assert "cores" in checks["CPU"]["detail"]


def test_text_for_people(installed: Path) -> None:
    done = run(MIDFILL, "doctor")
    assert done.returncode == 0
    assert any(line.split()[:2] == ["ok", "memory"] for line in done.stdout.splitlines())


def test_no_model() -> None:
    code, checks = examine()
    assert code == 1
    assert checks["models"]["status"] == "problem"
    assert checks["models"]["advice"] == f"run `midfill model pull {DEFAULT_MODEL}`"


def test_a_model_that_is_cut_short(installed: Path) -> None:
    with installed.open("r+b") as stream:
        stream.truncate(50_000_000)
    code, checks = examine()
    check = checks[f"model {DEFAULT_MODEL}"]
    assert (code, check["status"]) == (1, "problem")
    assert "cut short" in check["detail"]
    assert check["advice"] == f"run `midfill model pull {DEFAULT_MODEL}`"


def test_a_model_of_another_size() -> None:
    store.models_dir().mkdir(parents=True)
    write_tiny_gguf(store.stored_path(DEFAULT_MODEL))
    (check,) = doctor.check_models(verify=False)
    assert check.status == "problem"
    assert "instead of 98,362,432" in check.detail


def test_what_was_measured_with_a_model(installed: Path) -> None:
    assert "not measured yet" in doctor.check_models(verify=False)[1].detail
    store_tuning(installed, Tuning(n_threads=3, n_micro_batch=32, max_prompt_tokens=2048, tokens_per_s=321.0))
    assert doctor.check_models(verify=False)[1].detail == (
        "3 threads; reads 321 tokens/s, in micro-batches of 32, at most 2,048 of a prompt"
    )


def test_verify_finds_a_changed_byte(installed: Path) -> None:
    with installed.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"\0")
    assert [check.status for check in doctor.check_models(verify=False)] == ["ok", "ok"]
    assert [check.status for check in doctor.check_models(verify=True)] == ["problem"]


@pytest.mark.parametrize(
    ("code", "stderr", "detail", "advice"),
    [
        (-signal.SIGILL, "", "built for another CPU", "--no-binary"),
        (-signal.SIGSEGV, "", "dies when it is loaded (SIGSEGV)", "--no-binary"),
        (1, "Traceback\nModuleNotFoundError: No module named 'llama_cpp'", "No module named 'llama_cpp'", ""),
    ],
)
def test_a_llama_that_does_not_load(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int, stderr: str, detail: str, advice: str
) -> None:
    end = f"kill -{-code} $$" if code < 0 else f"exit {code}"
    python = program(tmp_path, "python", f"cat >&2 <<'END'\n{stderr}\nEND\n{end}")
    monkeypatch.setattr(sys, "executable", str(python))
    (check,) = doctor.check_llama()
    assert check.status == "problem"
    assert detail in check.detail
    assert advice in check.advice


def test_a_llama_that_makes_no_use_of_this_cpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = program(tmp_path, "python", "echo noise; echo 0.3.36; echo 'CPU : SSE3 = 1 | AVX2 = 0 | FMA = 1 |'")
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(doctor, "_cpu_features", lambda: {"avx2", "fma"})
    llama, cpu = doctor.check_llama()
    assert llama.status == "warn"
    assert "no use of AVX2, which" in llama.advice
    assert cpu.status == "ok"


def test_the_current_folder_cannot_take_the_place_of_llama(tmp_path: Path, installed: Path) -> None:
    (tmp_path / "llama_cpp.py").write_text("raise SystemExit('hijacked')")
    probe = [sys.executable, "-c", doctor.LLAMA_PROBE]
    assert subprocess.run(probe, cwd=tmp_path, capture_output=True, check=False).returncode == 0


def test_folders_that_cannot_be_written(tmp_path: Path, installed: Path) -> None:
    (tmp_path / "file").touch()
    code, checks = examine(env={"XDG_CACHE_HOME": str(tmp_path / "file")})
    assert code == 1
    assert checks["models folder"]["status"] == "ok"
    assert checks["cache folder"]["status"] == "problem"
    assert "can write to" in checks["cache folder"]["advice"]


def test_doctor_leaves_nothing_behind(user_dirs: Path) -> None:
    examine()
    assert list(user_dirs.iterdir()) == []


def test_editors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", "nvim", "echo 'NVIM v0.12.4'; echo 'Build type: Release'")
    program(tmp_path / "bin", "code", "echo 1.105.0; echo abc; echo x64")
    program(tmp_path / "bin", "emacs", "exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    checks = {check.name: check for check in doctor.check_editors()}
    assert set(checks) >= {"Neovim", "VS Code", "Emacs"}
    assert checks["Neovim"].detail.startswith("NVIM v0.12.4, ")
    assert checks["VS Code"].detail.startswith("1.105.0, ")
    assert checks["Emacs"].detail.startswith("version unknown, ")
    assert {check.status for check in checks.values()} == {"ok"}


def test_an_old_neovim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "bin", "nvim", "echo 'NVIM v0.9.5'")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (check,) = doctor.check_editors()
    assert (check.status, check.advice) == ("warn", "update it to 0.11 or later")


def test_no_editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (check,) = doctor.check_editors()
    assert (check.name, check.status) == ("editors", "warn")
    assert check.advice
