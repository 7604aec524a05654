"""The texts of files, and chunks of them as a prompt may show them: with their secrets blanked."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from midfill_context.index.view import IndexView
from midfill_context.secrets import find_secrets, replace_spans

_N_FILES = 64
_ALL = 1 << 30
_SPANS_LINES = "PRIVATE KEY"  # the only secrets that do, and whose lines alone look like nothing


class Text:
    """The text of one file; what is derived from it is made on first need."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def lines(self) -> list[str]:
        return self._text.removesuffix("\n").split("\n")

    @cached_property
    def lowered(self) -> bytes:
        return self._text.lower().encode(errors="replace")

    @cached_property
    def line_starts(self) -> npt.NDArray[np.int64]:
        """Where each line begins in `lowered`."""
        ends = np.flatnonzero(np.frombuffer(self.lowered, dtype=np.uint8) == ord("\n"))
        return np.concatenate([np.zeros(1, dtype=np.int64), ends + 1])

    def shown(self, first: int, last: int) -> str:
        """Some lines, which count from 1, without their secrets."""
        if _SPANS_LINES in self._text:
            return "\n".join(blanked(self._text).split("\n")[first - 1 : last])
        return blanked("\n".join(self.lines[first - 1 : last]))


class Texts:
    """The texts that were read lately, until they change."""

    def __init__(self, view: IndexView) -> None:
        self._view = view
        self._files: OrderedDict[str, tuple[int, Text]] = OrderedDict()

    def of(self, path: str) -> Text:
        """The text of a file; empty where it cannot be read."""
        generation = self._view.generation(path)
        known = self._files.pop(path, None)
        if known is None or known[0] != generation:
            known = generation, Text(self._view.lines(path, 1, _ALL) or "")
        self._files[path] = known
        if len(self._files) > _N_FILES:
            self._files.popitem(last=False)
        return known[1]


@lru_cache(maxsize=4096)
def blanked(text: str) -> str:
    """The text with `<KEY>` or the like for each secret: what models know from their training as a place for one."""
    return replace_spans(text, find_secrets(text), lambda span: f"<{span.kind}>")
