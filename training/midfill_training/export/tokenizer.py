"""Which tokenizer a checkpoint has, and its special tokens, wherever the folder says them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from midfill_model.files.random_model import Vocabulary
from midfill_training.errors import BadCheckpoint, BadInput
from midfill_training.export import bpe_tokenizer, spm_tokenizer
from midfill_training.export.checkpoint import read_json

CONFIG = "tokenizer_config.json"
FILES = (bpe_tokenizer.FILE, spm_tokenizer.FILE, CONFIG, "special_tokens_map.json")


@dataclass(frozen=True)
class TokenizerFound:
    """A proved vocabulary; `note` says how it was proved."""

    vocabulary: Vocabulary
    note: str


def tokenizer_files(folder: Path) -> list[Path]:
    """The files of the tokenizer in a folder. Raises BadInput where there is none."""
    found = [folder / name for name in FILES if (folder / name).is_file()]
    if not {bpe_tokenizer.FILE, spm_tokenizer.FILE} & {path.name for path in found}:
        raise BadInput(f"{folder}: has neither {bpe_tokenizer.FILE} nor {spm_tokenizer.FILE}")
    return found


def copy_tokenizer(source: Path, folder: Path) -> None:
    """Copy a tokenizer into a checkpoint. Raises BadInput where there is none, OSError."""
    for path in tokenizer_files(source):
        shutil.copyfile(path, folder / path.name)


def read_vocabulary(folder: Path, config: Mapping[str, Any], fim: tuple[str, str, str] | None = None) -> TokenizerFound:
    """The tokenizer in `folder`, tokenizer.model before tokenizer.json.

    Raises BadCheckpoint when there is none, and what `read_spm_vocabulary` and `read_bpe_vocabulary` raise.
    """
    settings = read_json(folder / CONFIG) if (folder / CONFIG).exists() else {}
    added = _added_tokens(settings)
    pieces = {piece: token for token, (piece, _) in added.items()}
    has_model = (folder / spm_tokenizer.FILE).exists()
    has_table = (folder / bpe_tokenizer.FILE).exists()
    if has_table and not has_model:
        table = read_json(folder / bpe_tokenizer.FILE)
        vocab = (table.get("model") or {}).get("vocab")
        pieces |= vocab if isinstance(vocab, dict) else {}
        pieces |= {str(entry["content"]): int(entry["id"]) for entry in table.get("added_tokens", ())}
    ids: dict[str, int | bool | None] = {
        "bos_id": _special_id("bos", settings, config, pieces),
        "eos_id": _special_id("eos", settings, config, pieces),
        "add_bos": settings.get("add_bos_token", config.get("add_bos_token")),
    }
    if ids["add_bos"] is None:  # a tokenizer.model alone is loaded as Llama's tokenizer, which adds it
        ids["add_bos"] = bpe_tokenizer.adds_bos(folder, ids["bos_id"]) if has_table else True
    if has_model:
        vocabulary = spm_tokenizer.read_spm_vocabulary(folder, ids, added, fim)
        note = f"SentencePiece, add_space_prefix {str(vocabulary.add_space_prefix).lower()}"
        return TokenizerFound(vocabulary, note)
    if has_table:
        found = bpe_tokenizer.read_bpe_vocabulary(folder, ids, fim)
        also = f", as would {', '.join(found.fitting[1:])}" if found.fitting[1:] else ""
        return TokenizerFound(found.vocabulary, f"byte-level BPE, pre-tokenizer {found.fitting[0]} fits{also}")
    raise BadCheckpoint(
        f"{folder}: has neither {spm_tokenizer.FILE} nor {bpe_tokenizer.FILE}; copy the tokenizer there"
    )


def _added_tokens(settings: Mapping[str, Any]) -> dict[int, tuple[str, bool]]:
    table = settings.get("added_tokens_decoder")
    if not isinstance(table, dict):
        return {}
    return {int(token): (str(entry["content"]), bool(entry.get("special"))) for token, entry in table.items()}


def _special_id(
    name: str, settings: Mapping[str, Any], config: Mapping[str, Any], pieces: Mapping[str, int]
) -> int | None:
    """The tokenizer's own word first: config.json of a fine-tuned model is often a copy."""
    piece = settings.get(f"{name}_token")
    if isinstance(piece, dict):
        piece = piece.get("content")
    if isinstance(piece, str) and piece in pieces:
        return pieces[piece]
    token = config.get(f"{name}_token_id")
    if isinstance(token, list):
        token = token[0] if token else None
    return token if type(token) is int else None
