"""What a GGUF holds, for people: tokenizer, markers, tensor types, and how midfill would prompt it.

Reads the header only, so that a 7B file takes no longer than a small one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from midfill_model.errors import ModelError
from midfill_model.files.gguf_file import FimTokens, ModelHeader, header_of, tensor_type_name
from midfill_model.files.gguf_layout import STRING, Layout, Stored, read_layout, read_numbers, read_strings

# Token types of GGUF that stand for no plain text. NORMAL (1), UNUSED (5) and BYTE (6) are left out.
INTEGERS = (4, 5)  # GGUF value types; converters write signed and unsigned ones
SPECIAL_TYPES = {2: "UNKNOWN", 3: "CONTROL", 4: "USER_DEFINED"}
ROLES = (
    *("bos", "eos", "eot", "eom", "unknown", "padding"),
    *("fim_pre", "fim_suf", "fim_mid", "fim_pad", "fim_rep", "fim_sep"),
)


@dataclass(frozen=True)
class SpecialToken:
    """A token that is no plain text, as the vocabulary spells it, with the roles the metadata gives it."""

    token_id: int
    piece: str
    type: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class TensorType:
    """All tensors of one ggml type; size in bytes."""

    name: str
    n_tensors: int
    n_bytes: int


@dataclass(frozen=True)
class Inspection:
    """One file. `header` and `prompt_format` are `None` when midfill cannot serve it; `refusal` says why."""

    path: Path
    file_bytes: int
    gguf_version: int
    n_parameters: int
    tensor_types: tuple[TensorType, ...]
    special_tokens: tuple[SpecialToken, ...]
    header: ModelHeader | None
    prompt_format: str | None
    refusal: str


def inspect_gguf(path: Path) -> Inspection:
    """Inspect the GGUF at `path`; raises the ModelErrors of a file whose header cannot be read."""
    layout = read_layout(path)
    header, refusal = None, ""
    try:
        header = header_of(layout)
    except ModelError as error:
        refusal = str(error)
    pieces = _pieces(layout)
    return Inspection(
        path=path,
        file_bytes=layout.file_bytes,
        gguf_version=layout.version,
        n_parameters=sum(tensor.n_elements for tensor in layout.tensors),
        tensor_types=_tensor_types(layout),
        special_tokens=_special_tokens(layout, pieces),
        header=header,
        prompt_format=_prompt_format(header, pieces) if header else None,
        refusal=refusal,
    )


def _pieces(layout: Layout) -> list[str]:
    tokens = layout.values.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, Stored) or tokens.kind != STRING:
        return []
    return [piece.decode("utf-8", errors="replace") for piece in read_strings(layout, tokens)]


def _tensor_types(layout: Layout) -> tuple[TensorType, ...]:
    """The types that are there, the one with most bytes first."""
    n_tensors: Counter[str] = Counter()
    n_bytes: Counter[str] = Counter()
    for tensor in layout.tensors:
        n_tensors[tensor_type_name(tensor)] += 1
        n_bytes[tensor_type_name(tensor)] += tensor.n_bytes
    return tuple(TensorType(name, n_tensors[name], size) for name, size in n_bytes.most_common())


def _special_tokens(layout: Layout, pieces: Sequence[str]) -> tuple[SpecialToken, ...]:
    """Tokens of a special type, and those with a role whatever their type: a NORMAL marker is a defect."""
    stored = layout.values.get("tokenizer.ggml.token_type")
    types: dict[int, int] = {}
    if isinstance(stored, Stored) and stored.kind in INTEGERS and stored.count == len(pieces):
        types = {token: int(number) for token, number in enumerate(read_numbers(layout, stored))}
    roles: dict[int, list[str]] = {}
    for role in ROLES:
        token = layout.values.get(f"tokenizer.ggml.{role}_token_id")
        if isinstance(token, int) and 0 <= token < len(pieces):
            roles.setdefault(token, []).append(role)
    special = sorted({token for token, kind in types.items() if kind in SPECIAL_TYPES} | set(roles))
    return tuple(
        SpecialToken(token, pieces[token], _type_name(types.get(token)), tuple(roles.get(token, ())))
        for token in special
    )


def _type_name(kind: int | None) -> str:
    if kind is None:
        return "(none)"
    return SPECIAL_TYPES.get(kind) or {1: "NORMAL", 5: "UNUSED", 6: "BYTE"}.get(kind, str(kind))


def _prompt_format(header: ModelHeader, pieces: Sequence[str]) -> str:
    from midfill_model.prompts.formats import find_format

    return find_format(frozenset(pieces), header.architecture, header.name, _fim_pieces(header.fim, pieces)).name


def _fim_pieces(fim: FimTokens, pieces: Sequence[str]) -> tuple[str, str, str] | None:
    if fim.prefix is None or fim.suffix is None or fim.middle is None:
        return None
    return pieces[fim.prefix], pieces[fim.suffix], pieces[fim.middle]
