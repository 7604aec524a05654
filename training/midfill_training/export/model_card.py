"""Name, licence and origin of a checkpoint, as its README's front matter and config.json tell them."""

from __future__ import annotations

from midfill_training.export.checkpoint import Checkpoint
from midfill_training.export.mapping import Value

README = "README.md"
MAX_LINES = 200


def read_card(checkpoint: Checkpoint, *, name: str | None, licence: str | None, origin: str | None) -> dict[str, Value]:
    """GGUF's general keys; given values win. What nobody says is left out, but a file without a name cannot be."""
    card = _front_matter(checkpoint)
    stated = checkpoint.config.get("_name_or_path")
    values: dict[str, Value | None] = {
        "general.type": "model",
        "general.name": name or card.get("model_name") or checkpoint.folder.resolve().name,
        "general.license": licence or card.get("license"),
        "general.license.name": None if licence else card.get("license_name"),
        "general.license.link": None if licence else card.get("license_link"),
        "general.source.url": origin or card.get("base_model") or (stated if isinstance(stated, str) else None),
        "general.quantization_version": 2,  # GGML_QNT_VERSION
    }
    return {key: value for key, value in values.items() if value}


def _front_matter(checkpoint: Checkpoint) -> dict[str, str]:
    """The plain `key: value` lines between the two `---` of a model card; nested ones are left out."""
    path = checkpoint.folder / README
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()[:MAX_LINES]
    if lines[:1] != ["---"] or "---" not in lines[1:]:
        return {}
    pairs = (line.split(":", 1) for line in lines[1 : lines.index("---", 1)] if ":" in line and line[0].isalpha())
    return {key.strip(): value.strip().strip("\"'") for key, value in pairs if value.strip()}
