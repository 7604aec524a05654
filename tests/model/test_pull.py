"""Pulling models, from a hub and a package index that stand in for the real ones.

Each pull runs in a process of its own: huggingface_hub reads its settings once, when it is imported.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from midfill_model import store
from stand_in_hub import COMMIT, StandInHub, serving
from tiny_gguf import write_tiny_gguf

# Prints the path, or the error's class and message; argv: a catalogue as JSON, whether to accept.
CHILD = """
import json, sys
from midfill_model.catalogue import parse_catalogue
from midfill_model.errors import ModelError
from midfill_model.pull import pull
table, accepts = json.loads(sys.argv[1])
(entry,) = parse_catalogue(table).values()
try:
    print(pull(entry, lambda licence: accepts, lambda *bytes: print(*bytes, file=sys.stderr, flush=True)))
except ModelError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""
REPO, FILE = "someone/tiny-GGUF", "tiny.Q4_K_M.gguf"
CHUNK_BYTES = 10 * 2**20  # huggingface_hub hands on this much at once

Child = Callable[..., "subprocess.CompletedProcess[str]"]


def table(
    source: Mapping[str, str], size_bytes: int, sha256: str | None = None, needs_acceptance: bool = False
) -> dict[str, Any]:
    """A catalogue with one model, `tiny`."""
    licence = {"name": "L", "summary": "", "needs_acceptance": needs_acceptance}
    model = {"title": "", "size_bytes": size_bytes, "licence": "l", "format": "prefix-only", "memory_mib": 1}
    if sha256:
        model["sha256"] = sha256
    return {"licences": {"l": licence}, "models": {"tiny": {**model, "source": source}}}


def hub_table(**changes: Any) -> dict[str, Any]:
    return table({"kind": "hub", "repo": REPO, "file": FILE, "revision": "main"}, 30_000_000, **changes)


def command(catalogue: Mapping[str, Any], accepts: bool = True) -> list[str]:
    return [sys.executable, "-c", CHILD, json.dumps([catalogue, accepts])]


def pulled(
    catalogue: Mapping[str, Any], environment: Mapping[str, str], accepts: bool = True
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(catalogue, accepts),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A sound GGUF with a tail that makes it three chunks long."""
    path = write_tiny_gguf(tmp_path_factory.mktemp("content") / "tiny.gguf")
    return path.read_bytes() + random.Random(0).randbytes(25 * 2**20)


@pytest.fixture
def hub(content: bytes) -> Iterator[StandInHub]:
    with serving(StandInHub(REPO, FILE, content)) as hub:
        yield hub


@pytest.fixture
def environment(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    return {"HF_ENDPOINT": hub.endpoint}


def parts() -> list[Path]:
    return sorted(store.models_dir().glob(".*.part"))


def test_from_a_hub(hub: StandInHub, environment: dict[str, str], content: bytes) -> None:
    done = pulled(hub_table(), environment)
    path = store.stored_path("tiny")
    assert done.stdout.strip() == str(path), done.stderr
    assert path.read_bytes() == content
    record = store.read_record(path)
    assert record is not None
    assert record.sha256 == hashlib.sha256(content).hexdigest()
    assert record.size_bytes == len(content)
    assert COMMIT in record.origin
    progress = [line.split() for line in done.stderr.splitlines()]
    assert progress[-1] == [str(len(content))] * 2
    assert len(progress) == 3
    assert parts() == []


def test_what_is_there_and_right_costs_no_request(hub: StandInHub, environment: dict[str, str]) -> None:
    pulled(hub_table(), environment)
    hub.requests.clear()
    assert pulled(hub_table(), environment).returncode == 0
    assert hub.requests == []


def test_a_damaged_file_is_pulled_again(hub: StandInHub, environment: dict[str, str], content: bytes) -> None:
    pulled(hub_table(), environment)
    path = store.stored_path("tiny")
    path.write_bytes(content[:-1] + b"?")
    assert pulled(hub_table(), environment).returncode == 0
    assert path.read_bytes() == content


def test_a_file_put_there_by_hand_is_only_checked(
    hub: StandInHub, environment: dict[str, str], content: bytes
) -> None:
    store.models_dir().mkdir(parents=True)
    store.stored_path("tiny").write_bytes(content)
    assert pulled(hub_table(), environment).returncode == 0
    assert hub.downloads == []
    assert store.read_record(store.stored_path("tiny")) is not None


def test_nothing_private_is_sent(hub: StandInHub, environment: dict[str, str], tmp_path: Path) -> None:
    """Not even a token that is stored where huggingface_hub would find it."""
    (tmp_path / "token").write_text("hf_stored")
    pulled(hub_table(), {**environment, "HF_HOME": str(tmp_path)})
    assert hub.downloads
    for request in hub.requests:
        assert request.authorization is None
        assert "torch" not in request.user_agent
        assert "agent/" not in request.user_agent
    assert {request.path.split("/")[1] for request in hub.requests} == {"someone", "cdn"}


def test_an_explicit_token_goes_to_the_hub_and_nowhere_else(
    hub: StandInHub, environment: dict[str, str]
) -> None:
    pulled(hub_table(), {**environment, "HF_TOKEN": "hf_mine"})
    assert hub.downloads
    for request in hub.requests:
        assert request.authorization == (None if "/cdn/" in request.path else "Bearer hf_mine")


def test_a_broken_connection_is_resumed(hub: StandInHub, environment: dict[str, str], content: bytes) -> None:
    hub.break_after = CHUNK_BYTES + 1000
    done = pulled(hub_table(), environment)
    assert store.stored_path("tiny").read_bytes() == content, done.stderr
    assert [request.range for request in hub.downloads] == [None, f"bytes={CHUNK_BYTES}-"]


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_an_ended_process_is_resumed_by_the_next(
    hub: StandInHub, environment: dict[str, str], content: bytes, stop: signal.Signals
) -> None:
    hub.stall_after = 2 * CHUNK_BYTES + 1000
    with subprocess.Popen(
        command(hub_table()), env={**os.environ, **environment}, stderr=subprocess.PIPE
    ) as child:
        assert child.stderr is not None
        while not child.stderr.readline().startswith(str(2 * CHUNK_BYTES).encode()):
            pass
        child.send_signal(stop)
        child.communicate()
    assert not store.stored_path("tiny").exists()
    assert [part.stat().st_size for part in parts()] == [2 * CHUNK_BYTES]

    hub.stall_after = None
    hub.requests.clear()
    done = pulled(hub_table(), environment)
    assert store.stored_path("tiny").read_bytes() == content, done.stderr
    assert [request.range for request in hub.downloads] == [f"bytes={2 * CHUNK_BYTES}-"]
    assert parts() == []


def test_a_server_that_ignores_ranges(hub: StandInHub, environment: dict[str, str], content: bytes) -> None:
    hub.break_after, hub.ignores_ranges = CHUNK_BYTES + 1000, True
    done = pulled(hub_table(), environment)
    assert store.stored_path("tiny").read_bytes() == content, done.stderr


def test_two_at_once_download_once(hub: StandInHub, environment: dict[str, str], content: bytes) -> None:
    with ThreadPoolExecutor() as pool:
        both = list(pool.map(lambda _: pulled(hub_table(), environment), range(2)))
    assert [done.returncode for done in both] == [0, 0], both
    assert store.stored_path("tiny").read_bytes() == content
    assert len(hub.downloads) == 1


def test_wrong_bytes_are_removed(hub: StandInHub, environment: dict[str, str]) -> None:
    hub.sha256 = "0" * 64
    done = pulled(hub_table(), environment)
    assert "ModelUnavailable: tiny arrived damaged or was changed" in done.stderr
    assert not store.stored_path("tiny").exists()
    assert parts() == []


def test_a_file_other_than_the_catalogue_means_is_not_downloaded(
    hub: StandInHub, environment: dict[str, str]
) -> None:
    done = pulled(hub_table(sha256="1" * 64), environment)
    assert "is not the file the catalogue means" in done.stderr
    assert hub.downloads == []


def test_a_file_that_is_broken_at_its_source(
    hub: StandInHub, environment: dict[str, str], content: bytes
) -> None:
    hub.content = content[:1000]
    done = pulled(hub_table(), environment)
    assert "TruncatedModel:" in done.stderr
    assert not store.stored_path("tiny").exists()
    assert parts() == []


def test_a_file_that_changed_at_its_source_starts_again(
    hub: StandInHub, environment: dict[str, str], content: bytes
) -> None:
    hub.stall_after = 2 * CHUNK_BYTES
    with subprocess.Popen(
        command(hub_table()), env={**os.environ, **environment}, stderr=subprocess.PIPE
    ) as child:
        assert child.stderr is not None
        child.stderr.readline()
        child.kill()
        child.communicate()
    assert len(parts()) == 1
    hub.stall_after = None
    hub.content = content[:-1] + b"?"
    hub.requests.clear()
    done = pulled(hub_table(), environment)
    assert store.stored_path("tiny").read_bytes() == hub.content, done.stderr
    assert [request.range for request in hub.downloads] == [None]
    assert parts() == []


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        pytest.param(404, "RepoNotFound", "the hub does not have it", id="no repository"),
        pytest.param(404, "EntryNotFound", "the hub does not have it", id="no file"),
        pytest.param(404, "RevisionNotFound", "the hub does not have it", id="no revision"),
        pytest.param(401, "GatedRepo", "set HF_TOKEN", id="gated, no token"),
        pytest.param(403, "GatedRepo", "set HF_TOKEN", id="gated, no access"),
        pytest.param(500, "", "the hub answered 500", id="hub broken"),
    ],
)
def test_hub_errors(
    hub: StandInHub, environment: dict[str, str], status: int, code: str, message: str
) -> None:
    hub.error = (status, code)
    done = pulled(hub_table(), environment)
    assert "ModelUnavailable: hub repository someone/tiny-GGUF" in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_no_hub(environment: dict[str, str]) -> None:
    done = pulled(hub_table(), {"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert "ModelUnavailable:" in done.stderr
    assert "check the network" in done.stderr
    assert "Traceback" not in done.stderr


def test_offline_by_the_users_own_setting(environment: dict[str, str]) -> None:
    done = pulled(hub_table(), {**environment, "HF_HUB_OFFLINE": "1"})
    assert "ModelUnavailable:" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_licence_that_is_not_accepted(hub: StandInHub, environment: dict[str, str]) -> None:
    done = pulled(hub_table(needs_acceptance=True), environment, accepts=False)
    assert "licence of tiny was not accepted; nothing was downloaded" in done.stderr
    assert hub.requests == []


def test_a_full_disk(hub: StandInHub, environment: dict[str, str]) -> None:
    """The stand-in says that the file is larger than any disk."""
    hub.content = _Huge(hub.content)
    done = pulled(hub_table(), environment)
    assert "GB are free; make room, or set MIDFILL_MODELS_DIR" in done.stderr
    assert hub.downloads == []


class _Huge(bytes):
    def __len__(self) -> int:
        return 10**18


def test_a_models_folder_that_cannot_be_made(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = pulled(hub_table(), {**environment, "MIDFILL_MODELS_DIR": str(tmp_path / "file" / "models")})
    assert "cannot be written: Not a directory" in done.stderr


PYPI = {"kind": "pypi", "package": "tiny-model", "version": "1.0", "member": "tiny_model/tiny.gguf"}


@pytest.fixture
def index(tmp_path: Path, content: bytes) -> dict[str, str]:
    """A folder of wheels in the place of a package index, as environment variables for pip."""
    write_wheel(tmp_path / "wheels", content)
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "wheels"), "PIP_CONFIG_FILE": os.devnull}


def write_wheel(folder: Path, content: bytes) -> None:
    folder.mkdir(exist_ok=True)
    about = "tiny_model-1.0.dist-info"
    with zipfile.ZipFile(folder / "tiny_model-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_model/tiny.gguf", content)
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


def pypi_table(content: bytes, **changes: Any) -> dict[str, Any]:
    return table(PYPI, len(content), **{"sha256": hashlib.sha256(content).hexdigest(), **changes})


def test_from_a_package_index(index: dict[str, str], content: bytes) -> None:
    done = pulled(pypi_table(content), index)
    path = store.stored_path("tiny")
    assert done.stdout.strip() == str(path), done.stderr
    assert path.read_bytes() == content
    record = store.read_record(path)
    assert record == store.Record(
        hashlib.sha256(content).hexdigest(), len(content), "Python package tiny-model 1.0"
    )
    assert sorted(entry.name for entry in store.models_dir().iterdir()) == ["tiny.gguf", "tiny.gguf.json"]


def test_what_is_there_and_right_needs_no_index(index: dict[str, str], content: bytes) -> None:
    pulled(pypi_table(content), index)
    start = time.monotonic()
    done = pulled(pypi_table(content), {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull})
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - start < 30


def test_what_a_killed_pull_left_is_removed_after_a_day(index: dict[str, str], content: bytes) -> None:
    for name, age_hours in ((".pull-old", 25), (".pull-running", 1)):
        folder = store.models_dir() / name
        folder.mkdir(parents=True)
        then = time.time() - age_hours * 3600
        os.utime(folder, (then, then))
    assert pulled(pypi_table(content), index).returncode == 0
    assert [folder.name for folder in store.models_dir().glob(".pull-*")] == [".pull-running"]


def test_a_wheel_with_other_bytes(index: dict[str, str], content: bytes) -> None:
    done = pulled(pypi_table(content, sha256="0" * 64), index)
    assert "ModelUnavailable: tiny arrived damaged or was changed at its source" in done.stderr
    assert list(store.models_dir().iterdir()) == []


def test_a_wheel_with_a_file_of_another_size(index: dict[str, str], content: bytes) -> None:
    done = pulled(table(PYPI, len(content) + 1, sha256="0" * 64), index)
    assert f"has {len(content):,} bytes instead of {len(content) + 1:,}" in done.stderr
    assert list(store.models_dir().iterdir()) == []


def test_a_wheel_without_the_file(index: dict[str, str], content: bytes) -> None:
    missing = {**PYPI, "member": "tiny_model/other.gguf"}
    done = pulled(table(missing, len(content), sha256="0" * 64), index)
    assert "holds no tiny_model/other.gguf" in done.stderr


def test_an_index_without_the_package(index: dict[str, str], content: bytes) -> None:
    done = pulled(pypi_table(content), {**index, "PIP_FIND_LINKS": str(store.models_dir())})
    assert "ModelUnavailable: pip could not fetch tiny-model 1.0: No matching distribution" in done.stderr
    assert "check the network" in done.stderr
    assert list(store.models_dir().iterdir()) == []


def test_no_index(index: dict[str, str], content: bytes) -> None:
    offline = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": os.devnull,
    }
    done = pulled(pypi_table(content), offline)
    assert "ModelUnavailable: pip could not fetch tiny-model 1.0" in done.stderr


def test_no_pip(index: dict[str, str], content: bytes, tmp_path: Path) -> None:
    """A virtual environment that uv made has none."""
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    paths = os.pathsep.join(entry for entry in sys.path if entry and "site-packages" not in entry)
    child = [str(bare / "bin" / "python"), *command(pypi_table(content))[1:]]
    done = subprocess.run(
        child, env={**os.environ, **index, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert "this Python has no pip" in done.stderr
    assert "ensurepip" in done.stderr
