"""Reads a guess at the next token along with a token, where a running measurement says that this pays.

What follows the same two tokens earlier in the prompt or in the completion follows again in most cases (prompt lookup
decoding, with drafts of one token: on a processor every further token costs more time, and is right less often).
"""

from __future__ import annotations

import statistics
import time
from collections import deque

from midfill_model.local.kv_cache import KvCache
from midfill_model.local.sampling import Logits

N_MEASURED_TIMES = 15
N_MEASURED_GUESSES = 64
# Where it does not pay, it is tried from time to time: that may change with the text and with the machine.
TRY_EVERY = 16


class GuessingPace:
    """A running measurement, of all completions: are guesses right often enough for what they cost?"""

    def __init__(self) -> None:
        self._seconds: tuple[deque[float], ...] = (deque(maxlen=N_MEASURED_TIMES), deque(maxlen=N_MEASURED_TIMES))
        self._guesses: deque[bool] = deque(maxlen=N_MEASURED_GUESSES)
        self._n_left_out = 0

    def note_read(self, n_tokens: int, seconds: float) -> None:
        """One token, or two of them, took so long."""
        self._seconds[n_tokens - 1].append(seconds)

    def note_guess(self, is_right: bool) -> None:
        """What a guess came to."""
        self._guesses.append(is_right)

    def wants_guess(self) -> bool:
        """Whether the next token should be read with a guess. Until it is measured, both ways take turns."""
        if self._guesses and all(len(times) == N_MEASURED_TIMES for times in self._seconds):
            one, two = map(statistics.median, self._seconds)
            wants = statistics.fmean(self._guesses) > two / one - 1
        else:
            wants = len(self._seconds[1]) <= len(self._seconds[0])
        self._n_left_out = 0 if wants or self._n_left_out >= TRY_EVERY - 1 else self._n_left_out + 1
        return self._n_left_out == 0


class Reader:
    """Reads what is written behind the first `n_cached` tokens of a sequence, one token after the other.

    Without a `pace` nothing is guessed. What was guessed wrong may stay in the cache behind the last token.
    """

    def __init__(self, cache: KvCache, n_cached: int, sequence: int, pace: GuessingPace | None) -> None:
        self._cache = cache
        self._sequence = sequence
        self._pace = pace
        self._ahead: tuple[int, Logits] | None = None  # a guess that was read along, and the logits after it
        self._tokens = cache.tokens(sequence)[:n_cached] if pace else []
        pairs = zip(self._tokens, self._tokens[1:], strict=False)
        self._followers = dict(zip(pairs, self._tokens[2:], strict=False))

    def read(self, token: int) -> Logits:
        """The logits after the next token. After Interrupted nothing more can be read."""
        if self._pace is None:
            return self._cache.append(token, self._sequence)
        logits = self._guessed(token, self._pace)
        if len(self._tokens) > 1:
            self._followers[self._tokens[-2], self._tokens[-1]] = token
        self._tokens.append(token)
        return self._decode(token, self._pace) if logits is None else logits

    def _guessed(self, token: int, pace: GuessingPace) -> Logits | None:
        """The logits after a token that was guessed; a wrong guess is forgotten."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return None
        guess, logits = ahead
        pace.note_guess(guess == token)
        if guess == token:
            return logits
        self._cache.truncate(len(self._tokens), self._sequence)
        return None

    def _decode(self, token: int, pace: GuessingPace) -> Logits:
        guess = self._followers.get((self._tokens[-2], token)) if len(self._tokens) > 1 else None
        tokens = [token] if guess is None or not pace.wants_guess() else [token, guess]
        started = time.perf_counter()
        logits, *after = self._cache.extend(tokens, self._sequence)
        pace.note_read(len(tokens), time.perf_counter() - started)
        if after and guess is not None:
            self._ahead = guess, after[0]
        return logits
