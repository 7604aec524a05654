"""Pulling models from a hub that stands in for the real one, with everything that goes wrong there."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from midfill_model.files import store
from pulling import command, pulled, table, write_content
from stand_in_hub import COMMIT, StandInHub, serving

REPO, FILE = "someone/tiny-GGUF", "tiny.Q4_K_M.gguf"
CHUNK_BYTES = 10 * 2**20  # huggingface_hub hands on this much at once


def hub_table(**changes: Any) -> dict[str, Any]:
    return table({"kind": "hub", "repo": REPO, "file": FILE, "revision": "main"}, 30_000_000, **changes)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_content(tmp_path_factory.mktemp("content"))


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


def test_a_file_put_there_by_hand_is_only_checked(hub: StandInHub, environment: dict[str, str], content: bytes) -> None:
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


def test_an_explicit_token_goes_to_the_hub_and_nowhere_else(hub: StandInHub, environment: dict[str, str]) -> None:
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
    with subprocess.Popen(command(hub_table()), env={**os.environ, **environment}, stderr=subprocess.PIPE) as child:
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


def test_a_file_other_than_the_catalogue_means_is_not_downloaded(hub: StandInHub, environment: dict[str, str]) -> None:
    done = pulled(hub_table(sha256="1" * 64), environment)
    assert "is not the file the catalogue means" in done.stderr
    assert hub.downloads == []


def test_a_file_that_is_broken_at_its_source(hub: StandInHub, environment: dict[str, str], content: bytes) -> None:
    hub.content = content[:1000]
    done = pulled(hub_table(), environment)
    assert "TruncatedModel:" in done.stderr
    assert not store.stored_path("tiny").exists()
    assert parts() == []


def test_a_file_that_changed_at_its_source_starts_again(
    hub: StandInHub, environment: dict[str, str], content: bytes
) -> None:
    hub.stall_after = 2 * CHUNK_BYTES
    with subprocess.Popen(command(hub_table()), env={**os.environ, **environment}, stderr=subprocess.PIPE) as child:
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
def test_hub_errors(hub: StandInHub, environment: dict[str, str], status: int, code: str, message: str) -> None:
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
