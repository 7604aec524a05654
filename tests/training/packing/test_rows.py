"""Rows of tokens on the disk."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from midfill_training.errors import BadInput, OutputError
from midfill_training.packing.rows import Row, open_rows, token_dtype, write_rows

LENGTH = 16
ARRAYS = ("tokens", "loss", "group", "objective")


def some_rows(n_rows: int, n_vocab: int = 1000) -> list[Row]:
    draws = np.random.default_rng(0)
    return [
        Row(
            draws.integers(n_vocab, size=LENGTH).astype(token_dtype(n_vocab)),
            draws.random(LENGTH) < 0.5,
            draws.integers(1, 2**16, LENGTH).astype(np.uint16),
            draws.integers(3, size=LENGTH).astype(np.uint8),
        )
        for _ in range(n_rows)
    ]


@pytest.mark.parametrize("n_vocab", [1000, 2**16, 2**16 + 1, 151_936])
def test_what_was_written_is_read(tmp_path: Path, n_vocab: int) -> None:
    written = some_rows(50, n_vocab)
    assert write_rows(tmp_path / "new" / "folder", written, LENGTH, n_vocab) == 50
    rows = open_rows(tmp_path / "new" / "folder")
    assert (len(rows), rows.length) == (50, LENGTH)
    assert rows.tokens.dtype.itemsize == (2 if n_vocab <= 2**16 else 4)
    for at, row in enumerate(written):
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(rows, name)[at], getattr(row, name))
            np.testing.assert_array_equal(getattr(rows.row(at), name), getattr(row, name))


def test_any_number_of_rows_fits_the_header(tmp_path: Path) -> None:
    (row,) = some_rows(1)
    assert write_rows(tmp_path, (row for _ in range(100_001)), LENGTH, 1000) == 100_001
    assert len(np.load(tmp_path / "tokens.npy")) == 100_001


def test_other_rows_take_the_place_of_the_old(tmp_path: Path) -> None:
    for n_rows in (30, 3):
        write_rows(tmp_path, some_rows(n_rows), LENGTH, 1000)
        assert len(open_rows(tmp_path)) == n_rows


def cut_short(folder: Path) -> None:
    path = folder / "group.npy"
    path.write_bytes(path.read_bytes()[:-7])


def remove(folder: Path) -> None:
    (folder / "loss.npy").unlink()


def garble(folder: Path) -> None:
    (folder / "objective.npy").write_bytes(b"\x93NUMPY\x01\x00garbage")


def pickle(folder: Path) -> None:
    np.save(folder / "tokens.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)


def take_from_other_rows(folder: Path) -> None:
    write_rows(folder / "other", some_rows(5), LENGTH, 1000)
    (folder / "other" / "loss.npy").replace(folder / "loss.npy")


def flatten(folder: Path) -> None:
    for name in ARRAYS:
        np.save(folder / f"{name}.npy", np.zeros(3, np.uint8))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_short, r"group\.npy: no rows"),
        (remove, r"loss\.npy: no rows .*midfill-train pack"),
        (garble, r"objective\.npy: no rows"),
        (pickle, r"tokens\.npy: no rows"),
        (take_from_other_rows, "different shapes"),
        (flatten, "different shapes"),
    ],
)
def test_damaged_rows(tmp_path: Path, damage: object, message: str) -> None:
    write_rows(tmp_path, some_rows(8), LENGTH, 1000)
    damage(tmp_path)  # type: ignore[operator]
    with pytest.raises(BadInput, match=message):
        open_rows(tmp_path)


def test_no_rows(tmp_path: Path) -> None:
    assert write_rows(tmp_path, [], LENGTH, 1000) == 0
    with pytest.raises(BadInput, match="holds no rows"):
        open_rows(tmp_path)
    with pytest.raises(BadInput, match="no rows of tokens"):
        open_rows(tmp_path / "nowhere")


def test_an_error_on_the_way_leaves_the_old_rows(tmp_path: Path) -> None:
    def failing() -> Iterator[Row]:
        yield from some_rows(10)
        raise BadInput("a damaged shard")

    write_rows(tmp_path, some_rows(4), LENGTH, 1000)
    with pytest.raises(BadInput, match="a damaged shard"):
        write_rows(tmp_path, failing(), LENGTH, 1000)
    assert len(open_rows(tmp_path)) == 4
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.npy" for name in ARRAYS}


def test_the_disk_fills_up(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))
    try:
        with pytest.raises(OutputError, match="the disk is full"):
            write_rows(tmp_path, some_rows(20_000), LENGTH, 1000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())
