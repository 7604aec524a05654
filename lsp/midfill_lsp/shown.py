"""The suggestions an editor was given lately, and what became of them."""

from __future__ import annotations

import itertools
import logging
from collections import OrderedDict

from midfill_lsp.suggestion import Suggestion

logger = logging.getLogger(__name__)

_N_REMEMBERED = 64  # an editor accepts one of the last few; the rest was dismissed


class ShownSuggestions:
    """Gives each suggestion an id, by which the editor tells that it was accepted."""

    def __init__(self) -> None:
        self._suggestions: OrderedDict[str, Suggestion] = OrderedDict()
        self._ids = map(str, itertools.count(1))

    def add(self, suggestion: Suggestion) -> str:
        """Remember a suggestion; returns its id."""
        suggestion_id = next(self._ids)
        self._suggestions[suggestion_id] = suggestion
        if len(self._suggestions) > _N_REMEMBERED:
            self._suggestions.popitem(last=False)
        return suggestion_id

    def accept(self, suggestion_id: str) -> bool:
        """Note that the user took it whole; false for an id that is not, or no longer, known."""
        suggestion = self._suggestions.pop(suggestion_id, None)
        if suggestion is not None:
            logger.info("accepted all %d characters", len(suggestion.text))
        return suggestion is not None

    def accept_partial(self, suggestion_id: str, length: int) -> bool:
        """Note that the user took its first `length` units; the rest may follow."""
        suggestion = self._suggestions.get(suggestion_id)
        if suggestion is not None:
            logger.info("accepted %d of %d characters", length, len(suggestion.text))
        return suggestion is not None
