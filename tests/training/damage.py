"""Ways to damage a GGUF or a checkpoint in place, for tests of what notices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from midfill_model.files.gguf_layout import Stored, read_layout, read_strings


def swap_tensors(gguf: Path, first: str, second: str) -> None:
    """Exchange the data of two tensors of one shape and type."""
    layout = read_layout(gguf)
    infos = {tensor.name: tensor for tensor in layout.tensors}
    data = bytearray(gguf.read_bytes())
    spans = [
        slice(layout.data_offset + infos[name].offset, layout.data_offset + infos[name].offset + infos[name].n_bytes)
        for name in (first, second)
    ]
    data[spans[0]], data[spans[1]] = data[spans[1]], data[spans[0]]
    gguf.write_bytes(data)


def set_token_type(gguf: Path, piece: str, kind: int) -> None:
    """Store one token under another type."""
    layout = read_layout(gguf)
    tokens, types = layout.values["tokenizer.ggml.tokens"], layout.values["tokenizer.ggml.token_type"]
    assert isinstance(tokens, Stored)
    assert isinstance(types, Stored)
    data = bytearray(gguf.read_bytes())
    at = types.offset + 4 * read_strings(layout, tokens).index(piece.encode())
    data[at : at + 4] = kind.to_bytes(4, "little")
    gguf.write_bytes(data)


def replace_text(gguf: Path, old: bytes, new: bytes) -> None:
    """Replace a text of the header by another one of the same length."""
    assert len(old) == len(new)
    data = gguf.read_bytes()
    assert old in data
    gguf.write_bytes(data.replace(old, new, 1))


def edit_json(path: Path, changes: Mapping[str, Any]) -> None:
    """Change top-level keys of a JSON file; `None` removes one."""
    table = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in table.items() if value is not None}))
