"""How long a request waits for the next keystroke before the model is asked.

A request that a newer one ends has cost little: what it read of the prompt stays, and the worker is free again within
30 ms. So nobody waits where the model is fast. Where it takes ten times as long as the fingers, a wait for them is not
felt, and spares the processor the beginnings of completions that nobody will see.
"""

from __future__ import annotations

import statistics
from collections import deque

from midfill_lsp.settings import Settings

_N_KEYS = 20
_N_ANSWERS = 10
_N_NEEDED = 5  # of each, before anything is concluded
_PAUSE_S = 1.0  # fingers that rest so long think
_FELT_SHARE = 0.1  # what a wait may add to the time an answer takes anyway


class Debounce:
    """The rhythm of the user's keystrokes and the time the model takes, both as measured lately."""

    def __init__(self) -> None:
        self._last_key_s = 0.0
        self._intervals_s: deque[float] = deque(maxlen=_N_KEYS)
        self._answers_s: deque[float] = deque(maxlen=_N_ANSWERS)

    def typed(self, now_s: float) -> None:
        """A document was edited."""
        interval_s, self._last_key_s = now_s - self._last_key_s, now_s
        if interval_s < _PAUSE_S:
            self._intervals_s.append(interval_s)

    def answered(self, seconds: float) -> None:
        """The model took so long."""
        self._answers_s.append(seconds)

    def wait_s(self, settings: Settings) -> float:
        """How long the next request is to wait; a time in the settings is what it is."""
        if settings.debounce_ms:
            return settings.debounce_ms / 1000
        if min(len(self._intervals_s), len(self._answers_s)) < _N_NEEDED:
            return 0.0
        usual_s = statistics.quantiles(self._intervals_s, n=4)[2]  # three of four keystrokes come sooner
        return usual_s if usual_s <= _FELT_SHARE * statistics.median(self._answers_s) else 0.0
