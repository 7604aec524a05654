"""Gives a model's own tokenizer the sentinels of midfill's format, in the place of special tokens without a use.

The ids and the size stay what they were, so that the model can be trained further as it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midfill_model.prompts.formats import MIDFILL
from midfill_training.errors import BadInput, OutputError
from midfill_training.export.bpe_tokenizer import FILE
from midfill_training.export.checkpoint import read_json
from midfill_training.export.tokenizer import CONFIG
from midfill_training.output import replacing

# Texts that llama.cpp takes for the end of a generation, or for filling, whatever a GGUF says of the token.
TAKEN = ("<reponame>", "<repo_name>", "<|repo_name|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<fim_pad>")


def adopt_sentinels(source: Path, out: Path) -> dict[str, str]:
    """Write the tokenizer in `source` to `out` with all sentinels; returns the new names by the old.

    Raises BadInput for a tokenizer without enough tokens to rename, OutputError where `out` is in use.
    """
    if (out / FILE).exists():
        raise OutputError(f"{out / FILE}: exists; choose another folder")
    table = read_json(source / FILE)
    settings = read_json(source / CONFIG) if (source / CONFIG).exists() else {}
    try:
        names = _names(table, settings)
        if len(names) < len(_missing(table)):
            raise BadInput(f"{source}: has too few special tokens without a role; learn a tokenizer from a corpus")
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{source}: {FILE} is not a BPE tokenizer as transformers writes them") from error
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror or error}") from error
    for name, content in ((CONFIG, settings), (FILE, table)):
        with replacing(out / name) as draft:
            draft.write_text(json.dumps(_renamed(content, names), ensure_ascii=False) + "\n", encoding="utf-8")
    return names


def _missing(table: Mapping[str, Any]) -> list[str]:
    known = {added["content"] for added in table["added_tokens"]} | set(table["model"]["vocab"])
    return [piece for piece in (*MIDFILL.sentinels, MIDFILL.end) if piece not in known]


def _names(table: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, str]:
    """Old names and new ones: special tokens without a role, in the order of their ids."""
    roles = {_text(value) for key, value in settings.items() if key.endswith("_token")}
    taken = {*TAKEN, *MIDFILL.sentinels, MIDFILL.end, *roles}
    special = [added["content"] for added in table["added_tokens"] if added["special"]]
    return dict(zip((piece for piece in special if piece not in taken), _missing(table), strict=False))


def _text(token: Any) -> str:
    return str(token["content"] if isinstance(token, dict) else token)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A JSON value with other names, wherever they stand."""
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value
