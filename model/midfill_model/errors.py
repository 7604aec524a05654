"""Errors that a user of a model can meet. Each message says what happened and what to do.

ModelError
├── NotGguf                  the file is no GGUF at all
├── TruncatedModel           the file ends before its header says it does
├── UnsupportedModel         a GGUF, but of an architecture or layout that cannot be served
├── NotEnoughMemory          the model and its KV cache do not fit
├── ContextTooLong           more context asked for than the model was trained for
├── UnknownModel             no such name in the catalogue and no such file
├── ModelUnavailable         pull failed: licence not accepted, no network, wrong hash
└── EngineError              the engine cannot run: worker crashed too often, endpoint not reachable

A stale or cancelled request is not an error: its completion says so in `stop_reason`.
"""

from __future__ import annotations


class ModelError(Exception):
    """Anything wrong with a model or the engine that runs it; shown to the user as it is."""


class NotGguf(ModelError):
    """The file does not begin like a GGUF; seen by who passes a wrong path."""


class TruncatedModel(ModelError):
    """The file is shorter than its header promises; seen after an interrupted download."""


class UnsupportedModel(ModelError):
    """The GGUF has no tokenizer, or an architecture llama.cpp does not know; seen when choosing a model."""


class NotEnoughMemory(ModelError):
    """Weights, KV cache and buffers exceed the free memory; seen when loading."""


class ContextTooLong(ModelError):
    """The configured context length exceeds the model's; seen when loading."""


class UnknownModel(ModelError):
    """A model name that the catalogue does not have; the message suggests the nearest."""


class ModelUnavailable(ModelError):
    """A model that could not be pulled or verified."""


class EngineError(ModelError):
    """The engine cannot serve: the worker keeps crashing or the endpoint does not answer."""
