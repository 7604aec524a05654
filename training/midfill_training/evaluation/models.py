"""The model that is judged: which file its name stands for, and the engine that serves it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from midfill_model.files.catalogue import find_model
from midfill_model.files.gguf_file import read_header
from midfill_model.local.decoding import MAX_OVERHANG
from midfill_model.local.llama_engine import LlamaEngine
from midfill_model.local.wire import EngineOptions
from midfill_training.evaluation.runs import BASELINE
from midfill_training.inspection import inspect_gguf


@dataclass(frozen=True)
class JudgedModel:
    """A model file; `prompt_format` is the one it is served with."""

    name: str
    path: Path
    prompt_format: str
    n_ctx_train: int
    lora: Path | None = None

    @property
    def has_fim(self) -> bool:
        """Whether it sees the text after the cursor."""
        return self.prompt_format != BASELINE

    def open_engine(self, *, is_baseline: bool, max_tokens: int, max_prompt_tokens: int, n_threads: int) -> LlamaEngine:
        """The engine as the editor has it, with room for `max_tokens` beside the prompt, loading."""
        n_ctx = max(max_prompt_tokens + 2 * (max_tokens + MAX_OVERHANG), 4 * max_tokens)
        options = EngineOptions(
            n_ctx=min(n_ctx, self.n_ctx_train),
            n_threads=n_threads,
            max_prompt_tokens=max_prompt_tokens,
            max_parked_bytes=0,  # no case comes back
            lora=self.lora,
            prompt_format=BASELINE if is_baseline else "",
        )
        return LlamaEngine(self.path, options, name=self.name)


def judged_model(name_or_path: str, lora: Path | None = None) -> JudgedModel:
    """The model of a name or path, as `midfill complete` finds it. Raises ModelError."""
    found = find_model(name_or_path)
    header = read_header(found.path)
    prompt_format = inspect_gguf(found.path).prompt_format or BASELINE
    return JudgedModel(found.name, found.path, prompt_format, header.n_ctx_train, lora)
