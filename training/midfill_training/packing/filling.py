"""Fills rows with documents, one after the other: a document that does not fit goes on in the next row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from midfill_training.objectives.examples import OBJECTIVES, Objective
from midfill_training.packing.rows import DTYPES, Row


class Filling:
    """The row that is being filled, and those that are full."""

    def __init__(self, length: int, filler: int, dtype: np.dtype[Any]) -> None:
        self.length = length
        self.n_filler = 0
        self._filler = filler
        self._dtype = dtype
        self._row = self._empty()
        self._n_used = 0
        self._group: object = None
        self._n_groups = 0
        self._full: list[Row] = []

    @property
    def room(self) -> int:
        """Tokens that the row still takes."""
        return self.length - self._n_used

    def put(self, tokens: Sequence[int], loss: Sequence[bool], objective: Objective, group: object) -> None:
        """Append a document. Those put one after the other with equal `group` attend to each other within a row."""
        start = 0
        while start < len(tokens):
            n_put = min(self.room, len(tokens) - start)
            if self._n_used == 0 or group != self._group:
                self._group, self._n_groups = group, self._n_groups + 1
            place = slice(self._n_used, self._n_used + n_put)
            self._row.tokens[place] = tokens[start : start + n_put]
            self._row.loss[place] = loss[start : start + n_put]
            self._row.group[place] = self._n_groups
            self._row.objective[place] = OBJECTIVES.index(objective)
            self._n_used += n_put
            start += n_put
            if not self.room:
                self.end_row()

    def end_row(self) -> None:
        """Leave the rest of the row as filling, if anything is in it."""
        if self._n_used:
            self.n_filler += self.room
            self._full.append(self._row)
            self._row, self._n_used, self._n_groups = self._empty(), 0, 0

    def take(self) -> list[Row]:
        """The rows that are full; each is given once."""
        rows, self._full = self._full, []
        return rows

    def _empty(self) -> Row:
        def zeros(dtype: np.dtype[Any]) -> NDArray[Any]:
            return np.zeros(self.length, dtype)

        return Row(
            np.full(self.length, self._filler, self._dtype),
            **{name: zeros(dtype) for name, dtype in DTYPES.items()},
        )
