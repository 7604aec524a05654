"""Rows filled with documents."""

from __future__ import annotations

import numpy as np

from midfill_training.packing.filling import Filling


def test_a_document_goes_on_in_the_next_row() -> None:
    filling = Filling(8, 99, np.dtype(np.uint16))
    filling.put([1, 2, 3], [True, False, True], "sfim", "a")
    assert filling.room == 5
    filling.put([4, 5], [True, True], "fim", "a")
    filling.put(range(10, 20), [True] * 10, "ntp", "b")  # type: ignore[arg-type]
    first, *rest = filling.take()
    assert not rest
    assert first.tokens.tolist() == [1, 2, 3, 4, 5, 10, 11, 12]
    assert first.loss.tolist() == [True, False, True] + [True] * 5
    assert first.group.tolist() == [1, 1, 1, 1, 1, 2, 2, 2]
    assert first.objective.tolist() == [2, 2, 2, 1, 1, 0, 0, 0]
    filling.put([30], [True], "fim", "a")
    (second,) = filling.take()
    assert second.tokens.tolist() == [13, 14, 15, 16, 17, 18, 19, 30]
    assert second.group.tolist() == [1] * 7 + [2]
    assert filling.n_filler == 0


def test_the_end_of_a_row_is_filled() -> None:
    filling = Filling(8, 99, np.dtype(np.uint32))
    filling.end_row()
    assert filling.take() == []
    filling.put([1, 2, 3], [True] * 3, "fim", "a")
    filling.end_row()
    filling.put([4], [True], "fim", "a")
    filling.end_row()
    first, second = filling.take()
    assert first.tokens.tolist() == [1, 2, 3] + [99] * 5
    assert first.loss.tolist() == [True] * 3 + [False] * 5
    assert first.group.tolist() == [1, 1, 1] + [0] * 5
    assert second.group.tolist() == [1] + [0] * 7
    assert second.tokens.dtype == np.uint32
    assert filling.n_filler == 12
