"""Fetching the packages of a recipe with the real clients, from registries that stand on this machine."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from midfill_training.cli import main
from midfill_training.corpus import recipe
from midfill_training.corpus.recipe import read_recipe
from midfill_training.errors import BadInput


def tarball(files: dict[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


NPM = tarball({"package/package.json": '{"name": "tiny", "version": "1.0.0"}', "package/a.js": "let a = 1;\n"})
DEBIAN = tarball({"tiny-1.0/a.c": "int a;\n"})
WHEEL_NAME = "tiny-1.0-py3-none-any.whl"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A folder of wheels in the place of the package index; returns the one wheel."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / WHEEL_NAME, "w") as wheel:
        wheel.writestr("tiny/__init__.py", "a = 1\n")
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return (folder / WHEEL_NAME).read_bytes()


@pytest.fixture
def npm_registry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An npm registry with one package, for the npm of this machine."""

    class Registry(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            host = f"http://{self.headers['Host']}"
            dist = {"tarball": f"{host}/tiny.tgz", "shasum": hashlib.sha1(NPM).hexdigest()}
            about = {
                "name": "tiny",
                "dist-tags": {"latest": "1.0.0"},
                "versions": {"1.0.0": {"name": "tiny", "version": "1.0.0", "dist": dist}},
            }
            found = {"/tiny": json.dumps(about).encode(), "/tiny.tgz": NPM}.get(self.path)
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(found or b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm-cache"))
        yield
        server.shutdown()


@pytest.fixture
def debian_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository of Debian source packages in a folder, for the apt-get of this machine."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    files = {"tiny_1.0.orig.tar.gz": DEBIAN, "tiny_1.0-1.dsc": b"Format: 3.0 (quilt)\nSource: tiny\nVersion: 1.0-1\n"}
    for name, content in files.items():
        (mirror / name).write_bytes(content)
    sums = "\n".join(f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}" for name, data in files.items())
    entry = f"Package: tiny\nBinary: tiny\nVersion: 1.0-1\nDirectory: .\nChecksums-Sha256:\n{sums}\n"
    (mirror / "Sources.gz").write_bytes(gzip.compress(entry.encode()))
    sources = tmp_path / "debian.sources"
    sources.write_text(f"Types: deb\nURIs: file://{mirror}\nSuites: ./\nTrusted: yes\n", encoding="utf-8")
    monkeypatch.setattr(recipe, "_APT_SOURCES", sources)


def write_recipe(tmp_path: Path, *packages: tuple[str, str, str]) -> Path:
    """Packages as (registry, version, sha256), all called tiny."""
    rows = [
        f'[[package]]\nregistry = "{registry}"\nname = "tiny"\nversion = "{version}"\nsha256 = "{sha256}"\n'
        for registry, version, sha256 in packages
    ]
    path = tmp_path / "recipe.toml"
    path.write_text("".join(rows), encoding="utf-8")
    return path


def fetch(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["fetch", str(path), "-o", str(path.parent / "fetched"), "--json"])
    return code, capsys.readouterr().err


def fetched(tmp_path: Path) -> dict[str, bytes]:
    folder = tmp_path / "fetched"
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.startswith(".")}


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_wheel(tmp_path: Path, index: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch(write_recipe(tmp_path, ("pypi", "1.0", sha(index))), capsys) == (0, "")
    assert fetched(tmp_path) == {WHEEL_NAME: index}


@pytest.mark.usefixtures("npm_registry")
def test_an_npm_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch(write_recipe(tmp_path, ("npm", "1.0.0", sha(NPM))), capsys) == (0, "")
    assert fetched(tmp_path) == {"tiny-1.0.0.tgz": NPM}


@pytest.mark.skipif(shutil.which("apt-get") is None, reason="no Debian")
@pytest.mark.usefixtures("debian_mirror")
def test_the_upstream_archive_of_a_debian_package(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch(write_recipe(tmp_path, ("debian", "1.0", sha(DEBIAN))), capsys) == (0, "")
    assert fetched(tmp_path) == {"tiny_1.0.orig.tar.gz": DEBIAN}
    code, error = fetch(write_recipe(tmp_path, ("debian", "0.9", "")), capsys)
    assert (code, "Debian has another version now" in error) == (1, True)


def test_into_a_relative_folder(
    tmp_path: Path, index: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_recipe(tmp_path, ("pypi", "1.0", sha(index)))
    monkeypatch.chdir(tmp_path)
    assert main(["fetch", str(path), "-o", "fetched", "--json"]) == 0
    assert fetched(tmp_path) == {WHEEL_NAME: index}
    assert str(tmp_path) in capsys.readouterr().out


def test_what_is_there_and_right_costs_no_network(
    tmp_path: Path, index: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_recipe(tmp_path, ("pypi", "1.0", sha(index)))
    assert fetch(path, capsys) == (0, "")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    assert fetch(path, capsys) == (0, "")
    archive = tmp_path / "fetched" / WHEEL_NAME
    archive.write_bytes(b"damaged")
    assert fetch(path, capsys)[0] == 1


def test_another_archive_than_the_one_pinned(tmp_path: Path, index: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    code, error = fetch(write_recipe(tmp_path, ("pypi", "1.0", "0" * 64)), capsys)
    assert code == 1
    assert f"SHA-256 {sha(index)} instead of {'0' * 64}" in error
    assert fetched(tmp_path) == {}


@pytest.mark.parametrize(("registry", "version"), [("pypi", "9.9"), ("npm", "9.9.9")])
@pytest.mark.usefixtures("index", "npm_registry")
def test_a_version_that_is_not_there(
    tmp_path: Path, registry: str, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, error = fetch(write_recipe(tmp_path, (registry, version, "")), capsys)
    assert code == 1
    assert "could not fetch it" in error
    assert "check the name, the network connection" in error
    assert fetched(tmp_path) == {}


def test_a_client_that_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    code, error = fetch(write_recipe(tmp_path, ("npm", "1.0.0", "")), capsys)
    assert code == 1
    assert "npm fetches it and is not installed" in error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no \\[\\[package\\]\\]"),
        ('[[package]]\nregistry = "conda"\nname = "a"\nversion = "1"', "there are pypi, pypi-sdist, npm, debian"),
        ('[[package]]\nregistry = "npm"\nname = "--x"\nversion = "1"', "names no package"),
        ('[[package]]\nregistry = "npm"\nname = "a"\nversions = "1"', "versions is no setting"),
        ('[[package]]\nregistry = "npm"', "package.name is missing"),
    ],
    ids=["empty", "registry", "option", "key", "incomplete"],
)
def test_bad_recipes(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=message):
        read_recipe(path)
