"""A small SentencePiece model laid out like aiXcoder's tokenizer, trained on the standard library's code.

Shared with it: BPE with byte fallback, identity normalisation, a dummy prefix, blanks kept, single digits,
ids 0 `<unk>`, 1 `<s>`, 2 `</s>`, bytes at 3..258, the sentinels at 260..265, and runs of blanks as pieces.
"""

import io
import sysconfig
from pathlib import Path

import sentencepiece

from midfill_model.files.random_model import AIXCODER_SENTINELS, TokenType, Vocabulary

N_PIECES = 2000

_N_BYTES = 256
_FILLER = "<reserved-259>"

# Modules that every supported Python has; enough code for indentation, keywords and common names.
MODULES = (
    "argparse",
    "ast",
    "configparser",
    "dataclasses",
    "inspect",
    "pathlib",
    "shutil",
    "textwrap",
    "zipfile",
)


def train(directory: Path) -> Path:
    """Train the model in about a second and return the path of its .model file.

    The trainer puts control symbols before the bytes, aiXcoder has them after: they change places.
    """
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_training_lines()),
        model_writer=trained,
        model_type="bpe",
        vocab_size=N_PIECES,
        byte_fallback=True,
        normalization_rule_name="identity",
        add_dummy_prefix=True,
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        split_digits=True,
        character_coverage=1.0,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        control_symbols=[_FILLER, *AIXCODER_SENTINELS.values()],
        num_threads=1,
        minloglevel=2,
    )
    pieces, rest = _split_model(trained.getvalue())
    n_symbols = 1 + len(AIXCODER_SENTINELS)
    special, symbols = pieces[:3], pieces[3 : 3 + n_symbols]
    byte_pieces, learned = pieces[3 + n_symbols :][:_N_BYTES], pieces[3 + n_symbols + _N_BYTES :]
    path = directory / "tokenizer.model"
    path.write_bytes(b"".join([*special, *byte_pieces, *symbols, *learned, rest]))
    return path


def _split_model(proto: bytes) -> tuple[list[bytes], bytes]:
    """The pieces and the rest of a serialised ModelProto.

    The pieces are field 1 and come first, each as the tag 0x0A, a length (below 128 here) and so many bytes;
    doing it by hand saves a dependency on protobuf.
    """
    pieces = []
    start = 0
    while proto[start] == 0x0A:
        end = start + 2 + proto[start + 1]
        pieces.append(proto[start:end])
        start = end
    return pieces, proto[start:]


def to_vocabulary(
    path: Path,
    *,
    sentinel_type: TokenType = TokenType.CONTROL,
    add_space_prefix: bool | None = None,
) -> Vocabulary:
    """The model as GGUF metadata, with what converters do differently as a choice."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    ids = range(processor.get_piece_size())
    return Vocabulary(
        model="llama",
        pieces=tuple(processor.id_to_piece(i) for i in ids),
        scores=tuple(processor.get_score(i) for i in ids),
        types=tuple(sentinel_type if i in AIXCODER_SENTINELS else _token_type(processor, i) for i in ids),
        bos_id=processor.bos_id(),
        eos_id=processor.eos_id(),
        unk_id=processor.unk_id(),
        add_bos=True,
        add_space_prefix=add_space_prefix,
    )


def _token_type(processor: sentencepiece.SentencePieceProcessor, token_id: int) -> TokenType:
    if processor.is_unknown(token_id):
        return TokenType.UNKNOWN
    if processor.is_control(token_id):
        return TokenType.CONTROL
    if processor.is_byte(token_id):
        return TokenType.BYTE
    return TokenType.NORMAL


def _training_lines() -> list[str]:
    library = Path(sysconfig.get_path("stdlib"))
    sources = [library / f"{name}.py" for name in MODULES]
    packages = [library / name / "__init__.py" for name in MODULES]
    files = [file for file in sources + packages if file.is_file()]
    return [line for file in files for line in file.read_text(encoding="utf-8").splitlines() if line.isascii()]
