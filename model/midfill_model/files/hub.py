"""One file of a model hub, through huggingface_hub: what its hash is, and its bytes.

`hf_hub_download` of huggingface_hub 2 throws a partial file away when it is interrupted; a model of 5 GB must
not start again from nothing, so this uses the layer below it, which resumes. HF_ENDPOINT is honoured. A token
is sent only if the environment holds one in HF_TOKEN; one that another program stored is not used.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from midfill_model.errors import ModelUnavailable
from midfill_model.files.catalogue import HubSource
from midfill_model.files.store import Progress

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


@dataclass(frozen=True)
class PublishedFile:
    """What the hub says of a file: its SHA-256 in hex, its size in bytes and the commit that holds it."""

    sha256: str
    size_bytes: int
    commit: str


def published_file(source: HubSource) -> PublishedFile:
    """Ask the hub about a file; raises ModelUnavailable."""
    _be_private()
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    with _explained(source):
        url = hf_hub_url(source.repo, source.file, revision=source.revision)
        found = get_hf_file_metadata(url, token=_token() or False, library_name="midfill")
    if found.commit_hash is None or found.size is None or not re.fullmatch("[0-9a-f]{64}", found.etag or ""):
        raise ModelUnavailable(f"the hub publishes no SHA-256 for {source}, so it could not be checked")
    return PublishedFile(str(found.etag), found.size, found.commit_hash)


def download(source: HubSource, published: PublishedFile, draft: Path, progress: Progress) -> None:
    """Complete `draft`, which may hold a beginning; raises ModelUnavailable, and OSError for the disk."""
    _be_private()
    from huggingface_hub import hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    disable_progress_bars()
    headers = {"user-agent": "midfill"}
    if token := _token():
        headers["authorization"] = f"Bearer {token}"
    if draft.exists() and draft.stat().st_size > published.size_bytes:  # cannot be a beginning of it
        draft.unlink()
    draft.touch()
    with _explained(source), _Counted(draft, progress, published.size_bytes) as stream:
        http_get(
            hf_hub_url(source.repo, source.file, revision=published.commit),
            stream,
            resume_size=stream.seek(0, io.SEEK_END),
            headers=headers,
            expected_size=published.size_bytes,
        )


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Waits for any other process that holds `lock`, a file of this name; released when a process dies."""
    from huggingface_hub.utils import WeakFileLock  # type: ignore[attr-defined]

    with WeakFileLock(lock):
        yield


class _Counted(io.BufferedRandom):
    """A file that reports how far it is after every write."""

    def __init__(self, path: Path, progress: Progress, size_bytes: int) -> None:
        super().__init__(io.FileIO(path, "r+"))
        self._progress = progress
        self._size_bytes = size_bytes

    def write(self, data: ReadableBuffer, /) -> int:
        n_written = super().write(data)
        self._progress(self.tell(), self._size_bytes)
        return n_written


def _be_private() -> None:
    """No telemetry: without this the first request asks for a list by which to name the calling program."""
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_TELEMETRY = True


def _token() -> str | None:
    return os.environ.get("HF_TOKEN") or None


@contextmanager
def _explained(source: HubSource) -> Iterator[None]:
    """The hub's errors as a ModelUnavailable that says what to do; errors of the disk pass."""
    from huggingface_hub import errors

    # The HTTP library's own, which is httpx or httpx2 depending on the release of huggingface_hub.
    transport_error = errors.HTTPError  # type: ignore[attr-defined]
    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelUnavailable(
            f"{source}: the hub gives access on request only; ask for it on the repository's page, "
            "set HF_TOKEN to a token of your account and pull again"
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as error:
        raise ModelUnavailable(
            f"{source}: the hub does not have it, or does not show it without a token (HF_TOKEN)"
        ) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        raise ModelUnavailable(f"{source}: the hub answered {status}; pull again later") from error
    except (transport_error, OSError) as error:
        if getattr(error, "errno", None) is not None and not isinstance(error, ConnectionError):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ModelUnavailable(
            f"{source}: no connection to the hub, or it broke ({reason}); check the network and pull again: "
            "what has arrived is kept"
        ) from error
