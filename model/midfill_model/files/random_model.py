"""GGUF files with random weights in the Llama shape: for tests and benchmarks that must not download a model.

Such a model loads, allocates and computes like the real one of its shape; what it writes means nothing.
Tensors are made, written and dropped one by one: a 7B file needs as much memory as its largest tensor.

    write_random_model(Path("tiny.gguf"), SHAPES["tiny"], vocabulary)
    write_random_model(Path("7b.gguf"), SHAPES["aixcoder-7b"], synthetic_vocabulary(49152), file_type="q4_0")
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count, islice, product
from math import prod
from pathlib import Path
from string import ascii_letters, ascii_lowercase, digits, punctuation
from typing import TYPE_CHECKING, Any, Literal

from midfill_model.files.gguf_metadata import add_value

if TYPE_CHECKING:
    import numpy as np
    from gguf import GGUFWriter
    from numpy.typing import NDArray

FileType = Literal["f32", "f16", "q8_0", "q4_0", "q4_k_m"]


@dataclass(frozen=True)
class Shape:
    """The sizes of a Llama model; `init_std` is the standard deviation of its weights."""

    n_layers: int
    n_hidden: int
    n_ffn: int
    n_heads: int
    n_kv_heads: int
    n_context: int
    rope_theta: float
    norm_eps: float
    init_std: float


SHAPES: Mapping[str, Shape] = {
    # For tests. Wide weights (1 / sqrt(n_hidden)) give logits that differ from token to token, so that
    # greedy decoding has a clear winner and a wrong KV cache shows.
    "tiny": Shape(2, 64, 192, 4, 2, 2048, 10_000.0, 1e-6, init_std=0.125),
    # config.json of aiXcoder/aixcoder-7b.
    "aixcoder-7b": Shape(32, 4096, 14464, 32, 8, 32768, 256_000.0, 1e-6, init_std=0.02),
}


class TokenType(IntEnum):
    """Token types as GGUF numbers them."""

    NORMAL = 1
    UNKNOWN = 2
    CONTROL = 3
    USER_DEFINED = 4
    UNUSED = 5
    BYTE = 6


@dataclass(frozen=True)
class Vocabulary:
    """The tokenizer that goes into the file's metadata.

    `model` is "llama" (SentencePiece: has `scores`) or "gpt2" (byte-level BPE: has `merges` and `pre`, the
    name of its pre-tokenizer). `None` leaves a key out of the file, as some converters do. `metadata` holds
    any further keys.
    """

    model: Literal["llama", "gpt2"]
    pieces: tuple[str, ...]
    types: tuple[TokenType, ...]
    scores: tuple[float, ...] = ()
    merges: tuple[str, ...] = ()
    pre: str | None = None
    bos_id: int | None = None
    eos_id: int | None = None
    unk_id: int | None = None
    add_bos: bool | None = None
    add_space_prefix: bool | None = None
    metadata: Mapping[str, str | bool | int | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.pieces)) != len(self.pieces):
            raise ValueError("pieces must differ from one another")
        if len(self.types) != len(self.pieces):
            raise ValueError(f"{len(self.pieces)} pieces but {len(self.types)} types")
        if self.model == "llama" and len(self.scores) != len(self.pieces):
            raise ValueError(f"{len(self.pieces)} pieces but {len(self.scores)} scores")


# Where aiXcoder's tokenizer has its sentinels; the bytes are at 3..258 and the name of 259 is not published.
AIXCODER_SENTINELS: Mapping[int, str] = {
    260: "▁<AIX-SPAN-PRE>",
    261: "▁<AIX-SPAN-MIDDLE>",
    262: "▁<AIX-SPAN-POST>",
    263: "▁<AIX-END-TURN>",
    264: "▁<AIX-SYSTEM>",
    265: "▁<AIX-USER>",
}


def synthetic_vocabulary(n_pieces: int) -> Vocabulary:
    """A SentencePiece vocabulary laid out like aiXcoder's, with letter sequences instead of learned pieces.

    With 49,152 pieces code comes to about 2.4 characters per token (aiXcoder: 3.5).
    """
    reserved = _reserved_pieces()
    learned = list(islice(_letter_pieces(), n_pieces - len(reserved)))
    return Vocabulary(
        model="llama",
        pieces=(*(piece for piece, _ in reserved), *learned),
        types=(*(token_type for _, token_type in reserved), *[TokenType.NORMAL] * len(learned)),
        scores=(*[0.0] * len(reserved), *(-float(rank) for rank in range(len(learned)))),
        bos_id=1,
        eos_id=2,
        unk_id=0,
        add_bos=True,
    )


def _reserved_pieces() -> list[tuple[str, TokenType]]:
    """The pieces 0 to 265 of aiXcoder's tokenizer, with 259 as a filler."""
    special = [("<unk>", TokenType.UNKNOWN), ("<s>", TokenType.CONTROL), ("</s>", TokenType.CONTROL)]
    byte_pieces = [(f"<0x{byte:02X}>", TokenType.BYTE) for byte in range(256)]
    filler = [("<reserved-259>", TokenType.CONTROL)]
    return special + byte_pieces + filler + [(piece, TokenType.CONTROL) for piece in AIXCODER_SENTINELS.values()]


def _letter_pieces() -> Iterator[str]:
    """Single characters, runs of blanks, then all sequences of 2, 3, ... letters with and without a blank.

    SentencePiece builds a piece from two shorter ones, so all parts of a piece come before it.
    """
    yield "▁"
    yield from ascii_letters + digits + punctuation
    yield from ("▁" * n for n in range(2, 33))
    yield from (f"▁{letter}" for letter in ascii_lowercase)
    for n_letters in count(2):
        for letters in product(ascii_lowercase, repeat=n_letters):
            yield "".join(letters)
            yield "▁" + "".join(letters)


def write_random_model(
    path: Path, shape: Shape, vocabulary: Vocabulary, *, file_type: FileType = "f16", seed: int = 0
) -> None:
    """Write a model to `path`; the same arguments give the same bytes.

    Matrices are stored as `file_type`, norms as f32. The file appears under its name when it is complete.
    """
    import numpy as np
    from gguf import GGMLQuantizationType, GGUFWriter, quant_shape_to_byte_shape

    part = path.with_name(path.name + ".part")
    writer = GGUFWriter(part, "llama")
    try:
        _add_shape(writer, shape, len(vocabulary.pieces), file_type)
        _add_vocabulary(writer, vocabulary)
        # The sizes of all tensors come before the first one: hence two passes over the list.
        tensors = list(_tensors(shape, len(vocabulary.pieces)))
        formats = [GGMLQuantizationType[_format(shape, file_type, name, dimensions)] for name, dimensions in tensors]
        for (name, dimensions), stored_as in zip(tensors, formats, strict=True):
            byte_shape = quant_shape_to_byte_shape(dimensions, stored_as)
            writer.add_tensor_info(name, byte_shape, np.dtype(np.uint8), prod(byte_shape), stored_as)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        rng = np.random.default_rng(seed)
        for (_, dimensions), stored_as in zip(tensors, formats, strict=True):
            writer.write_tensor_data(_random_tensor(rng, dimensions, stored_as.name, shape.init_std))
    except BaseException:
        writer.close()
        part.unlink(missing_ok=True)
        raise
    writer.close()
    part.replace(path)


def _add_shape(writer: GGUFWriter, shape: Shape, n_vocabulary: int, file_type: FileType) -> None:
    from gguf import LlamaFileType

    writer.add_file_type(LlamaFileType["ALL_F32" if file_type == "f32" else f"MOSTLY_{file_type.upper()}"])
    writer.add_vocab_size(n_vocabulary)
    writer.add_context_length(shape.n_context)
    writer.add_embedding_length(shape.n_hidden)
    writer.add_feed_forward_length(shape.n_ffn)
    writer.add_block_count(shape.n_layers)
    writer.add_head_count(shape.n_heads)
    writer.add_head_count_kv(shape.n_kv_heads)
    writer.add_rope_dimension_count(shape.n_hidden // shape.n_heads)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_layer_norm_rms_eps(shape.norm_eps)


def _add_vocabulary(writer: GGUFWriter, vocabulary: Vocabulary) -> None:
    writer.add_tokenizer_model(vocabulary.model)
    writer.add_token_list(vocabulary.pieces)
    writer.add_token_types(vocabulary.types)
    if vocabulary.model == "llama":
        writer.add_token_scores(vocabulary.scores)
    else:
        writer.add_token_merges(vocabulary.merges)
    for add, optional in (
        (writer.add_tokenizer_pre, vocabulary.pre),
        (writer.add_bos_token_id, vocabulary.bos_id),
        (writer.add_eos_token_id, vocabulary.eos_id),
        (writer.add_unk_token_id, vocabulary.unk_id),
        (writer.add_add_bos_token, vocabulary.add_bos),
        (writer.add_add_space_prefix, vocabulary.add_space_prefix),
    ):
        if optional is not None:
            add(optional)
    for key, value in vocabulary.metadata.items():
        add_value(writer, key, value)


def _tensors(shape: Shape, n_vocabulary: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and dimensions (rows, columns) of all tensors, in the order of the file."""
    hidden, ffn = shape.n_hidden, shape.n_ffn
    kv = hidden // shape.n_heads * shape.n_kv_heads
    yield "token_embd.weight", (n_vocabulary, hidden)
    for layer in range(shape.n_layers):
        yield f"blk.{layer}.attn_norm.weight", (hidden,)
        yield f"blk.{layer}.attn_q.weight", (hidden, hidden)
        yield f"blk.{layer}.attn_k.weight", (kv, hidden)
        yield f"blk.{layer}.attn_v.weight", (kv, hidden)
        yield f"blk.{layer}.attn_output.weight", (hidden, hidden)
        yield f"blk.{layer}.ffn_norm.weight", (hidden,)
        yield f"blk.{layer}.ffn_gate.weight", (ffn, hidden)
        yield f"blk.{layer}.ffn_up.weight", (ffn, hidden)
        yield f"blk.{layer}.ffn_down.weight", (hidden, ffn)
    yield "output_norm.weight", (hidden,)
    yield "output.weight", (n_vocabulary, hidden)


def _format(shape: Shape, file_type: FileType, name: str, dimensions: tuple[int, ...]) -> str:
    """What a tensor is stored as, by ggml's name.

    Of Q4_K_M, llama.cpp's mix: some matrices have two bits more, and those that blocks of 256 do not fit have others.
    """
    if len(dimensions) == 1:
        return "F32"
    if file_type != "q4_k_m":
        return file_type.upper()
    has_six_bits = _has_six_bits(shape, name)
    if dimensions[-1] % 256:
        return "Q8_0" if has_six_bits else "Q5_0"
    return "Q6_K" if has_six_bits else "Q4_K"


def _has_six_bits(shape: Shape, name: str) -> bool:
    """Which matrices of Q4_K_M do."""
    if not name.endswith(("attn_v.weight", "ffn_down.weight")):
        return name == "output.weight"
    layer, eighth = int(name.split(".")[1]), shape.n_layers // 8
    is_outer = layer < eighth or layer >= 7 * shape.n_layers // 8
    return is_outer or (layer - eighth) % 3 == 2


def _random_tensor(rng: np.random.Generator, dimensions: tuple[int, ...], stored_as: str, std: float) -> NDArray[Any]:
    """One tensor as it lies in the file: norms are ones, matrices are random with mean 0."""
    import numpy as np

    if len(dimensions) == 1:
        return np.ones(dimensions, np.float32)
    n_rows, n_columns = dimensions
    if stored_as not in ("F32", "F16"):
        return _random_blocks(rng, n_rows * n_columns, stored_as, std)
    tensor = np.empty(dimensions, "<f4" if stored_as == "F32" else "<f2")
    n_rows_at_a_time = max(1, 2**22 // n_columns)  # 16 MiB of f32 besides the tensor itself
    for first in range(0, n_rows, n_rows_at_a_time):
        rows = tensor[first : first + n_rows_at_a_time]
        rows[:] = rng.standard_normal(rows.shape, np.float32) * std
    return tensor


# Weights in a block and bits of each, besides scales.
_BLOCKS = {"Q8_0": (32, 8), "Q5_0": (32, 5), "Q4_0": (32, 4), "Q4_K": (256, 4), "Q6_K": (256, 6)}


def _random_blocks(rng: np.random.Generator, n_weights: int, stored_as: str, std: float) -> NDArray[np.uint8]:
    """Blocks of weights as ggml packs them, the integers drawn directly.

    Quantising 7 billion floats would take minutes for weights that stay just as random. Where the range of the integers
    is lopsided (-8..7), scales of both signs keep the mean at 0; Q4_K has minima for that.
    """
    import numpy as np

    n_in_block, n_bits = _BLOCKS[stored_as]
    n_blocks = n_weights // n_in_block
    std_of_integers = float(np.sqrt((4**n_bits - 1) / 12))
    scales = np.full(n_blocks, std / std_of_integers)
    if stored_as != "Q4_K":
        scales *= rng.choice((1.0, -1.0), n_blocks)
    integers = rng.integers(0, 256, (n_blocks, n_in_block * n_bits // 8), np.uint8)
    if stored_as == "Q6_K":
        sixteenths = np.full((n_blocks, 16), 15, np.uint8)
        return np.hstack((integers, sixteenths, _halves(scales / 15)))
    if stored_as == "Q4_K":
        eighths = np.tile(np.array([15] * 8 + [255] * 4, np.uint8), (n_blocks, 1))  # scales and minima of 15 in 6 bits
        return np.hstack((_halves(scales / 15), _halves(scales / 15 * 7.5), eighths, integers))
    return np.hstack((_halves(scales), integers))


def _halves(numbers: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The bytes of half-precision numbers, a row each."""
    import numpy as np

    return numbers.astype("<f2").view(np.uint8).reshape(-1, 2)
