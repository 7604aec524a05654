"""The log: to stderr, because stdout is the wire, and without anything that the user typed.

Messages of the protocol and texts of exceptions may hold the user's code, so neither is ever logged.
"""

from __future__ import annotations

import logging
import sys
import traceback

_OURS = ("midfill_lsp", "midfill_model", "midfill_context")


def log_to_stderr() -> None:
    """Warnings until the settings say otherwise; of pygls never more, because it logs whole messages."""
    layout = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.WARNING, format=layout, stream=sys.stderr)
    logging.getLogger("pygls").setLevel(logging.WARNING)


def set_log_level(level: str) -> None:
    """How much our own packages log: debug, info, warning or error."""
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())


def describe_error(error: BaseException) -> str:
    """Type and place of an error, without its text."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return " < ".join([type(error).__name__, *(f"{frame.name}:{frame.lineno}" for frame in frames)])
