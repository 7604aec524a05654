"""Errors of `midfill-train`. Each message says what happened and what to do, and is shown to the user as it is.

TrainingError
├── BadCheckpoint           a checkpoint that is incomplete, damaged or contradicts itself
├── UnsupportedCheckpoint   a checkpoint of a kind that is not converted here; the message says what is missing
├── TokenizerMismatch       llama.cpp would not tokenise as the original tokenizer does
├── BadInput                what a stage was given is missing, damaged, empty or refused
├── OutputError             the output exists, or cannot be written
├── Diverged                training cannot go on: the loss is no number any more
├── NotTheSameModel         verification: the GGUF is not the checkpoint
└── LlamaFailure            llama.cpp refused a file or crashed in its process
"""

from __future__ import annotations


class TrainingError(Exception):
    """Anything a user of `midfill-train` can meet; `midfill_model` has the errors of GGUF files."""


class BadCheckpoint(TrainingError):
    """Seen when a shard is missing or cut short, a shape contradicts config.json or a weight is not a number."""


class UnsupportedCheckpoint(TrainingError):
    """Seen for architectures, RoPE variants or file kinds that are not in the tables."""


class TokenizerMismatch(TrainingError):
    """Seen when no pre-tokenizer of llama.cpp reproduces the original ids; shows the first difference."""


class BadInput(TrainingError):
    """Seen when a source, a corpus, rows of tokens, a benchmark or a settings file cannot be used as it is."""


class Diverged(TrainingError):
    """Seen when the loss of a training run is NaN or infinite; names the step and the way back."""


class OutputError(TrainingError):
    """Seen when the output exists and --force is not given, when the disk is full or not writable."""


class NotTheSameModel(TrainingError):
    """Seen when `verify` refuses to bless a file."""


class LlamaFailure(TrainingError):
    """Seen when llama.cpp does not load, quantise or evaluate a file."""
