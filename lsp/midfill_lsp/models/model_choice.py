"""The models that a user can choose between, and what choosing one means for the settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from midfill_lsp.settings import RemoteSettings, Settings
from midfill_model.files.catalogue import DEFAULT_MODEL, ListedModel, listed_model, listed_models


def local_model(settings: Settings) -> str:
    """The name or path of the model that runs on this machine; empty where an endpoint completes instead."""
    return "" if settings.remote.url else settings.model or DEFAULT_MODEL


def with_model(settings: Settings, name: str) -> Settings:
    """The settings with another model of this machine. An adapter fits the model it was set with alone."""
    if name in ("", local_model(settings)):
        return settings
    return replace(settings, model=name, lora="", remote=RemoteSettings())


def models_to_wire(settings: Settings) -> list[dict[str, object]]:
    """All models there are, for a client; among them the active one where it is a file outside the models folder."""
    active = local_model(settings)
    models = listed_models()
    if active and active not in (model.name for model in models):
        models.append(listed_model(active, Path(active).expanduser()))
    return [_to_wire(model) | {"active": model.name == active} for model in models]


def _to_wire(model: ListedModel) -> dict[str, object]:
    told: dict[str, object] = {
        "name": model.name,
        "description": model.title,
        "licence": "unknown to midfill",
        "bytes": model.size_bytes,
        "installed": model.is_installed,
    }
    if model.entry:
        licence = model.entry.licence
        told |= {"licence": licence.name, "licenceUrl": licence.url, "needsMemoryBytes": model.entry.memory_mib << 20}
    return told
