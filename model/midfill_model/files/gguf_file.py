"""What a GGUF is and whether it can be served here, decided before llama.cpp sees the file.

llama.cpp aborts its process on some bad files and says little about the others, so all that can be known from
the header is checked here, and every refusal says what to do. Reads no tensor data and allocates no weights.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from midfill_model.errors import ContextTooLong, NotEnoughMemory, UnsupportedModel
from midfill_model.files.gguf_layout import (
    STRING,
    Layout,
    Stored,
    TensorInfo,
    Value,
    read_layout,
    read_numbers,
    read_strings,
)

# Known to llama.cpp, but they do not write text from left to right.
NOT_FOR_COMPLETION = {
    architecture: what
    for what, architectures in {
        "the vision part of a multimodal model": "clip",
        "an audio decoder": "wavtokenizer-dec",
        "an encoder-decoder model": "t5 t5encoder",
        "a diffusion model": "dream llada llada-moe rnd1",
        "an embedding model": "bert modern-bert nomic-bert nomic-bert-moe neo-bert jina-bert-v2 jina-bert-v3 "
        "eurobert gemma-embedding llama-embed",
    }.items()
    for architecture in architectures.split()
}
NOT_A_MODEL = {
    "adapter": "a LoRA adapter",
    "imatrix": "an importance matrix",
    "mmproj": "a multimodal projector",
}

MAX_LAYERS = 512  # LLAMA_MAX_LAYERS: llama.cpp aborts above it
F16_BYTES = 2
# Measured: 53 MB of libraries and scratch around SmolLM2-135M, 68 MiB around a 7B file (mmap, no repacking).
PROCESS_BYTES = 96 * 2**20
DEFAULT_UBATCH_TOKENS = 64


@dataclass(frozen=True)
class FimTokens:
    """Ids of the fill-in-the-middle markers that the metadata names; `None` where it names none."""

    prefix: int | None = None
    suffix: int | None = None
    middle: int | None = None
    pad: int | None = None
    repo_name: int | None = None
    file_sep: int | None = None


@dataclass(frozen=True)
class ModelHeader:
    """What the header says. Sizes in bytes; `kv_bytes_per_token` is for an f16 cache over all layers.

    `tokenizer` is llama.cpp's name of the kind ("gpt2" is byte-level BPE, "llama" is SentencePiece) and
    `pre_tokenizer` its pre-tokenizer; both and `name`, `licence` are empty when the file does not say.
    """

    path: Path
    architecture: str
    name: str
    licence: str
    file_type: str
    n_ctx_train: int
    n_layers: int
    n_vocab: int
    n_parameters: int
    tokenizer: str
    pre_tokenizer: str
    fim: FimTokens
    file_bytes: int
    tensor_bytes: int
    kv_bytes_per_token: int


@dataclass(frozen=True)
class MemoryNeed:
    """What serving takes, in bytes; `buffers` holds the rest of the process."""

    weights: int
    kv_cache: int
    buffers: int

    @property
    def total(self) -> int:
        return self.weights + self.kv_cache + self.buffers


def read_header(path: str | Path) -> ModelHeader:
    """Read and check the header of the GGUF at `path`.

    Raises NotGguf, TruncatedModel, UnsupportedModel (not a text model, no tokenizer, one shard of several, no
    weights, damaged), UnknownModel when there is no such file and ModelUnavailable when it cannot be read.
    """
    return header_of(read_layout(Path(path)))


def header_of(layout: Layout) -> ModelHeader:
    """The checked header of a file whose layout is known; raises UnsupportedModel."""
    architecture = _check_kind(layout)
    tokens = _check_tokenizer(layout)
    n_layers = _count(layout, f"{architecture}.block_count", most=MAX_LAYERS)
    return ModelHeader(
        path=layout.path,
        architecture=architecture,
        name=_text(layout, "general.name"),
        licence=_text(layout, "general.license"),
        file_type=_file_type(layout),
        n_ctx_train=_count(layout, f"{architecture}.context_length"),
        n_layers=n_layers,
        n_vocab=tokens.count,
        n_parameters=sum(tensor.n_elements for tensor in layout.tensors),
        tokenizer=_text(layout, "tokenizer.ggml.model"),
        pre_tokenizer=_text(layout, "tokenizer.ggml.pre"),
        fim=_fim_tokens(layout, tokens.count),
        file_bytes=layout.file_bytes,
        tensor_bytes=sum(tensor.n_bytes for tensor in layout.tensors),
        kv_bytes_per_token=_kv_bytes_per_token(layout, architecture, n_layers),
    )


def memory_need(header: ModelHeader, n_ctx: int, n_ubatch_tokens: int = DEFAULT_UBATCH_TOKENS) -> MemoryNeed:
    """Memory to serve `n_ctx` tokens with an f16 KV cache. Sliding-window layers are counted in full."""
    logits = n_ubatch_tokens * header.n_vocab * 4  # f32; the largest of the compute buffers
    return MemoryNeed(header.tensor_bytes, n_ctx * header.kv_bytes_per_token, PROCESS_BYTES + logits)


def check_fits(
    header: ModelHeader, n_ctx: int, available_bytes: int, n_ubatch_tokens: int = DEFAULT_UBATCH_TOKENS
) -> None:
    """Raise ContextTooLong or NotEnoughMemory when `n_ctx` tokens of context cannot be served."""
    if n_ctx > header.n_ctx_train:
        raise ContextTooLong(
            f"{header.path.name} was trained for {header.n_ctx_train:,} tokens of context "
            f"and {n_ctx:,} are asked for; set contextTokens to {header.n_ctx_train} or less"
        )
    need = memory_need(header, n_ctx, n_ubatch_tokens)
    if need.total <= available_bytes:
        return
    advice = "use a smaller quantisation or a smaller model, or close other programs"
    left_for_kv = available_bytes - need.weights - need.buffers
    if header.kv_bytes_per_token and left_for_kv >= 512 * header.kv_bytes_per_token:
        n_fitting = left_for_kv // header.kv_bytes_per_token // 256 * 256
        advice = f"set contextTokens to {n_fitting} or less, or {advice}"
    raise NotEnoughMemory(
        f"{header.path.name} needs {_mib(need.total)} of memory (weights {_mib(need.weights)}, "
        f"KV cache for {n_ctx:,} tokens {_mib(need.kv_cache)}, buffers {_mib(need.buffers)}) "
        f"and {_mib(available_bytes)} are free; {advice}"
    )


def _check_kind(layout: Layout) -> str:
    """The architecture of a complete text model; raises UnsupportedModel for everything else."""
    from gguf.constants import MODEL_ARCH_NAMES

    kind = _text(layout, "general.type")
    if kind in NOT_A_MODEL:
        raise UnsupportedModel(f"{layout.path}: {NOT_A_MODEL[kind]}, not a model; name the GGUF of the model itself")
    n_shards = layout.values.get("split.count", 0)
    if isinstance(n_shards, int) and n_shards > 1:
        raise UnsupportedModel(
            f"{layout.path}: one of {n_shards} shards; join them with `llama-gguf-split --merge` and name the result"
        )
    architecture = _text(layout, "general.architecture")
    if architecture in NOT_FOR_COMPLETION:
        raise UnsupportedModel(
            f"{layout.path}: {NOT_FOR_COMPLETION[architecture]} ({architecture}), which cannot complete code"
        )
    if architecture not in MODEL_ARCH_NAMES.values():
        raise UnsupportedModel(
            f"{layout.path}: architecture {architecture or '(none)'!r} is not known to llama.cpp; "
            "choose another model or update midfill"
        )
    if not layout.tensors:
        raise UnsupportedModel(f"{layout.path}: holds a vocabulary and no weights; get the full model")
    return architecture


def _check_tokenizer(layout: Layout) -> Stored:
    """The stored vocabulary, if it holds to what llama.cpp asserts of it or takes for granted."""
    tokens = layout.values.get("tokenizer.ggml.tokens")
    if _text(layout, "tokenizer.ggml.model") in ("", "none", "no_vocab") or tokens is None:
        raise UnsupportedModel(
            f"{layout.path}: has no tokenizer; convert the checkpoint again together with its tokenizer files"
        )
    if not isinstance(tokens, Stored) or tokens.kind != STRING or not tokens.count:
        raise _damaged(layout, "tokenizer.ggml.tokens is not a list of strings")
    # llama.cpp reads pieces up to a NUL byte, numbers the empty ones, and aborts when two others are equal.
    pieces = [piece.partition(b"\0")[0] for piece in read_strings(layout, tokens)]
    if len(set(pieces) - {b""}) < len(pieces) - pieces.count(b""):
        raise _damaged(layout, "two tokens have the same text")
    for key in ("tokenizer.ggml.scores", "tokenizer.ggml.token_type"):
        beside = layout.values.get(key)
        if beside is not None and not (isinstance(beside, Stored) and beside.count == tokens.count):
            raise _damaged(layout, f"{key} has not one number for each of {tokens.count:,} tokens")
    return tokens


def _fim_tokens(layout: Layout, n_vocab: int) -> FimTokens:
    def token(*keys: str) -> int | None:
        for key in keys:  # the second is the name older converters wrote
            value = layout.values.get(f"tokenizer.ggml.{key}_token_id")
            if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < n_vocab:
                return value
        return None

    return FimTokens(
        prefix=token("fim_pre", "prefix"),
        suffix=token("fim_suf", "suffix"),
        middle=token("fim_mid", "middle"),
        pad=token("fim_pad"),
        repo_name=token("fim_rep"),
        file_sep=token("fim_sep"),
    )


def _kv_bytes_per_token(layout: Layout, architecture: str, n_layers: int) -> int:
    """K and V of all layers at f16; 0 for models without attention."""
    attention = f"{architecture}.attention"
    n_heads = _per_layer(layout, f"{attention}.head_count", n_layers, default=0)
    if not any(n_heads):
        return 0
    n_kv_heads = _per_layer(layout, f"{attention}.head_count_kv", n_layers, default=n_heads)
    head_size = _count(layout, f"{architecture}.embedding_length") // max(n_heads)
    n_key = _count(layout, f"{attention}.key_length", default=head_size)
    n_value = _count(layout, f"{attention}.value_length", default=head_size)
    return sum(n_kv_heads) * (n_key + n_value) * F16_BYTES


def _per_layer(layout: Layout, key: str, n_layers: int, default: int | Sequence[int]) -> Sequence[int]:
    """A number for each layer, which the file gives once for all or as a list."""
    value: Value | Sequence[int] = layout.values.get(key, default)
    if isinstance(value, Stored):
        if value.kind == STRING or not n_layers <= value.count <= MAX_LAYERS:
            raise _damaged(layout, f"{key} is not one number per layer")
        numbers: Sequence[float] = read_numbers(layout, value)[:n_layers]
    elif isinstance(value, (int, float)):
        numbers = [value] * n_layers
    elif isinstance(value, str):
        raise _damaged(layout, f"{key} is not a number")
    else:
        numbers = value
    if not all(0 <= number < 2**20 for number in numbers):  # also refuses NaN
        raise _damaged(layout, f"{key} is out of range")
    return [int(number) for number in numbers]


def _count(layout: Layout, key: str, default: int | None = None, most: int = 2**31 - 1) -> int:
    value = layout.values.get(key, default)
    if not isinstance(value, int) or not 1 <= value <= most:
        raise _damaged(layout, f"{key} is missing or out of range")
    return value


def _text(layout: Layout, key: str) -> str:
    """A string that is safe to print on a terminal; empty when missing or of another type."""
    value = layout.values.get(key, "")
    return "".join(c for c in value if c.isprintable()) if isinstance(value, str) else ""


def _file_type(layout: Layout) -> str:
    """The quantisation by its usual name ("Q4_K_M"), or the tensor type that most bytes have."""
    from gguf.constants import LlamaFileType

    stated = layout.values.get("general.file_type")
    names = {int(kind): kind.name.removeprefix("MOSTLY_").removeprefix("ALL_") for kind in LlamaFileType}
    if isinstance(stated, int) and stated in names and stated != LlamaFileType.GUESSED:
        return str(names[stated])
    n_bytes: Counter[str] = Counter()
    for tensor in layout.tensors:
        n_bytes[tensor_type_name(tensor)] += tensor.n_bytes
    return n_bytes.most_common(1)[0][0]


def tensor_type_name(tensor: TensorInfo) -> str:
    """ggml's name of the tensor's type, e.g. "Q8_0"."""
    from gguf.constants import GGMLQuantizationType

    return str(GGMLQuantizationType(tensor.kind).name)


def _damaged(layout: Layout, what: str) -> UnsupportedModel:
    return UnsupportedModel(f"{layout.path}: the GGUF header is damaged ({what}); get the file again")


def _mib(n_bytes: int) -> str:
    return f"{n_bytes / 2**20:,.0f} MiB"
