"""`tokenizer.model` as bytes: the few fields of SentencePiece's ModelProto that a conversion needs, read and written.

The `sentencepiece` library gives no piece's type, and protobuf for four fields would be a dependency of its own.
Fields (sentencepiece_model.proto): ModelProto 1 pieces, 2 trainer_spec, 3 normalizer_spec; SentencePiece 1 piece,
2 score, 3 type; TrainerSpec 3 model_type, 35 byte_fallback; NormalizerSpec 3 add_dummy_prefix,
4 remove_extra_whitespaces, 5 escape_whitespaces.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
UNIGRAM, BPE = 1, 2  # model types


@dataclass(frozen=True)
class Piece:
    """One token; `type` is numbered as GGUF numbers token types, which took the numbers over."""

    text: str
    score: float
    type: int


@dataclass(frozen=True)
class SentencePieceModel:
    """What `tokenizer.model` says; the defaults are those of the format."""

    pieces: tuple[Piece, ...]
    model_type: int = UNIGRAM
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = True


def parse_model(data: bytes) -> SentencePieceModel:
    """Parse a ModelProto; raises ValueError when it is none."""
    pieces, fields = [], {"model_type": UNIGRAM, "add_dummy_prefix": 1, "remove_extra_whitespaces": 1}
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            pieces.append(_piece(value))
        elif number == 2 and isinstance(value, bytes):
            for inner, setting in _fields(value):
                if inner == 3 and isinstance(setting, int):
                    fields["model_type"] = setting
        elif number == 3 and isinstance(value, bytes):
            for inner, setting in _fields(value):
                if inner in (3, 4) and isinstance(setting, int):
                    fields["add_dummy_prefix" if inner == 3 else "remove_extra_whitespaces"] = setting
    if not pieces:
        raise ValueError("no pieces in it")
    return SentencePieceModel(
        tuple(pieces),
        fields["model_type"],
        bool(fields["add_dummy_prefix"]),
        bool(fields["remove_extra_whitespaces"]),
    )


def serialise_bpe_model(pieces: Sequence[Piece]) -> bytes:
    """A BPE model with byte fallback, a dummy prefix and no normalisation: what GGUF's "llama" tokenizer stands for."""
    trainer = _tagged(3, VARINT, _varint(BPE)) + _tagged(35, VARINT, b"\1")
    normalizer = (
        _tagged(1, BYTES, _sized(b"identity"))
        + _tagged(3, VARINT, b"\1")
        + _tagged(4, VARINT, b"\0")
        + _tagged(5, VARINT, b"\1")
    )
    body = b"".join(_tagged(1, BYTES, _sized(_serialised(piece))) for piece in pieces)
    return body + _tagged(2, BYTES, _sized(trainer)) + _tagged(3, BYTES, _sized(normalizer))


def _piece(data: bytes) -> Piece:
    text, score, kind = "", 0.0, 1
    for number, value in _fields(data):
        if number == 1 and isinstance(value, bytes):
            text = value.decode()
        elif number == 2 and isinstance(value, bytes):
            score = struct.unpack("<f", value)[0]
        elif number == 3 and isinstance(value, int):
            kind = value
    return Piece(text, score, kind)


def _serialised(piece: Piece) -> bytes:
    return (
        _tagged(1, BYTES, _sized(piece.text.encode()))
        + _tagged(2, FIXED32, struct.pack("<f", piece.score))
        + _tagged(3, VARINT, _varint(piece.type))
    )


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a message: numbers as int, everything else as its bytes."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, at = _read_varint(data, at)
            yield number, value
            continue
        if kind == BYTES:
            n_bytes, at = _read_varint(data, at)
        elif kind in (FIXED32, FIXED64):
            n_bytes = 4 if kind == FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind} does not exist")
        if at + n_bytes > len(data):
            raise ValueError("it is cut short")
        yield number, data[at : at + n_bytes]
        at += n_bytes


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("it is cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _sized(data: bytes) -> bytes:
    return _varint(len(data)) + data


def _tagged(number: int, kind: int, data: bytes) -> bytes:
    return _varint(number << 3 | kind) + data
