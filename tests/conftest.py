"""What all tests share: user directories of their own, and the default model as it is really installed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from loopback import raise_loopback
from midfill_model.files import store
from midfill_model.files.catalogue import DEFAULT_MODEL

# Read before any test moves the user's directories.
INSTALLED_MODELS = store.models_dir()


def pytest_sessionstart() -> None:
    """The stand-ins for a hub, a package index and an endpoint listen on loopback; what is interrupted must feel it.

    A shell lets its background jobs ignore SIGINT, and their children inherit that.
    """
    raise_loopback()
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def cache_of_longer_lived_processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Servers that outlive one test save their indexes here, not in the user's own cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def user_dirs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Points every place where midfill keeps things at an empty folder; returns that folder."""
    home = tmp_path_factory.mktemp("user")
    monkeypatch.setenv(store.MODELS_DIR_VARIABLE, str(home / "models"))
    for kind in ("DATA", "CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
    return home


@pytest.fixture(scope="session")
def smollm2() -> Path:
    """The installed default model. Its absence is a failure, because tests without it would prove little."""
    path = INSTALLED_MODELS / f"{DEFAULT_MODEL}{store.SUFFIX}"
    if not path.is_file():
        pytest.fail(f"{path} is missing; run `midfill model pull {DEFAULT_MODEL}`")
    return path
