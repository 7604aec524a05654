"""Which engine the settings mean."""

from __future__ import annotations

import os
from pathlib import Path

from midfill_lsp.settings import Settings
from midfill_model.engine import Engine, StatusListener
from midfill_model.files.catalogue import DEFAULT_MODEL, find_model
from midfill_model.local.llama_engine import LlamaEngine
from midfill_model.local.wire import EngineOptions


def open_configured_engine(settings: Settings, on_status: StatusListener | None = None) -> Engine:
    """The remote engine if the settings name its url, else the local one. ModelError when it cannot be had."""
    if not settings.remote.url:
        return open_local_engine(settings, on_status)
    from midfill_model.remote.remote_engine import RemoteEngine  # an HTTP client that few need

    remote = settings.remote
    return RemoteEngine(
        remote.url,
        remote.model,
        api_key=os.environ.get(remote.api_key_env, ""),
        max_prompt_tokens=settings.max_prompt_tokens,
        on_status=on_status,
    )


def open_local_engine(settings: Settings, on_status: StatusListener | None = None) -> LlamaEngine:
    """The model of the settings on this machine, loading. ModelError when there is no such model."""
    found = find_model(settings.model or DEFAULT_MODEL)
    options = EngineOptions(
        n_ctx=settings.context_tokens,
        n_threads=settings.n_threads,
        max_prompt_tokens=settings.max_prompt_tokens,
        max_snippet_tokens=settings.max_snippet_tokens,
        cold_wait_ms=settings.cold_wait_ms,
        tunes=not (settings.n_threads or settings.context_tokens),
        guesses=True,
        min_logprob=found.entry.min_logprob if found.entry else None,
        lora=Path(settings.lora).expanduser() if settings.lora else None,
    )
    return LlamaEngine(found.path, options, on_status, name=found.name)
