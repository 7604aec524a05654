"""SentencePiece's `tokenizer.model` as a GGUF vocabulary, proved against the `sentencepiece` library.

llama.cpp's `add_space_prefix` puts the dummy space in front of every text, after markers too, where SentencePiece puts
one at the very start. So with markers the key is false, and who wants the space writes it; a model without markers
gets what its tokenizer.model says. Whichever it is, it is written only if the ids of the whole sample agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from midfill_model.files.random_model import TokenType, Vocabulary
from midfill_training.errors import BadCheckpoint, TokenizerMismatch, UnsupportedCheckpoint
from midfill_training.export.llama_process import Trial, tokenizer_trials
from midfill_training.export.sample_code import sample_texts
from midfill_training.export.sentencepiece_proto import BPE, SentencePieceModel, parse_model
from midfill_training.export.vocabulary import FIM_KEYS, with_markers
from midfill_training.export.writer import write_vocabulary_file

FILE = "tokenizer.model"
SPACE_PREFIX = "tokenizer.ggml.add_space_prefix"
ADDED_SCORE = -1000.0  # added tokens are matched as a whole, never built from merges
NO_DUMMY = "☺"  # in front of a text it takes the dummy space; its own ids are cut off again


def read_spm_vocabulary(
    folder: Path,
    ids: Mapping[str, int | bool | None],
    added: Mapping[int, tuple[str, bool]],
    fim: tuple[str, str, str] | None = None,
) -> Vocabulary:
    """The vocabulary of `folder/tokenizer.model` with `added` tokens (id -> piece, special).

    `ids` has add_bos, and bos_id and eos_id where the checkpoint says them. Raises BadCheckpoint for a damaged file,
    UnsupportedCheckpoint for unigram models and TokenizerMismatch when llama.cpp would tokenise differently.
    """
    path = folder / FILE
    try:
        model = parse_model(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BadCheckpoint(f"{path}: cannot be read as a SentencePiece model: {error}") from error
    if model.model_type != BPE:
        raise UnsupportedCheckpoint(f"{path}: not a BPE model; llama.cpp's tokenizer of this kind is BPE only")
    if not any(piece.type == TokenType.BYTE for piece in model.pieces):
        raise UnsupportedCheckpoint(f"{path}: has no byte fallback, without which llama.cpp cannot tokenise every text")
    vocabulary = with_markers(_with_added(_plain(model), added), fim)
    pieces = {piece: token for token, piece in enumerate(vocabulary.pieces)}
    vocabulary = replace(
        vocabulary,
        bos_id=_id(ids.get("bos_id"), pieces.get("<s>")),
        eos_id=_id(ids.get("eos_id"), pieces.get("</s>")),
        unk_id=next((token for token, kind in enumerate(vocabulary.types) if kind == TokenType.UNKNOWN), None),
        add_bos=bool(ids["add_bos"]),
    )
    return replace(vocabulary, add_space_prefix=_space_prefix(path, model, vocabulary))


def _id(stated: int | bool | None, fallback: int | None) -> int | None:
    return fallback if stated is None else int(stated)


def _plain(model: SentencePieceModel) -> Vocabulary:
    return Vocabulary(
        model="llama",
        pieces=tuple(piece.text for piece in model.pieces),
        types=tuple(TokenType(piece.type) for piece in model.pieces),
        scores=tuple(piece.score for piece in model.pieces),
    )


def _with_added(vocabulary: Vocabulary, added: Mapping[int, tuple[str, bool]]) -> Vocabulary:
    """Added tokens replace pieces of their id, or follow the last one."""
    pieces, types, scores = list(vocabulary.pieces), list(vocabulary.types), list(vocabulary.scores)
    for token, (piece, special) in sorted(added.items()):
        if token > len(pieces):
            raise BadCheckpoint(f"{FILE}: has {len(pieces):,} pieces, but {piece!r} is added as number {token:,}")
        kind = TokenType.CONTROL if special else TokenType.USER_DEFINED
        if token == len(pieces):
            pieces.append(piece)
            types.append(kind)
            scores.append(ADDED_SCORE)
        elif types[token] == TokenType.NORMAL and special:
            types[token] = kind
    return replace(vocabulary, pieces=tuple(pieces), types=tuple(types), scores=tuple(scores))


def _space_prefix(path: Path, model: SentencePieceModel, vocabulary: Vocabulary) -> bool:
    """The value of `add_space_prefix` under which llama.cpp reproduces the library's ids."""
    import sentencepiece

    library = sentencepiece.SentencePieceProcessor(model_file=str(path))
    marker = vocabulary.metadata.get(FIM_KEYS[2])
    written = False if marker is not None else model.add_dummy_prefix
    space = " " if model.add_dummy_prefix and not written else ""
    texts = [space + text for text in sample_texts()]
    expected: list[list[int]] = [library.encode(text) for text in sample_texts()]
    if isinstance(marker, int):
        n_cut = len(library.encode(NO_DUMMY))
        lines = [text for text in sample_texts() if "\n" not in text]
        texts += [space + text + vocabulary.pieces[marker] + text for text in lines]
        expected += [[*library.encode(text), marker, *library.encode(NO_DUMMY + text)[n_cut:]] for text in lines]
    with TemporaryDirectory(prefix="midfill-") as folder:
        gguf = write_vocabulary_file(Path(folder) / "vocabulary.gguf", vocabulary)
        (trial,) = tokenizer_trials(gguf, {str(written): {SPACE_PREFIX: written}}, texts, expected)
    if trial.n_wrong:
        raise TokenizerMismatch(f"{path}: {describe_mismatch(trial, texts, expected)}")
    return written


def describe_mismatch(trial: Trial, texts: Sequence[str], expected: Sequence[Sequence[int]]) -> str:
    """What went wrong in a trial, with the first text that came out differently."""
    if trial.error:
        return f"llama.cpp cannot use this tokenizer: {trial.error}"
    wrong = trial.first_wrong
    return (
        f"llama.cpp tokenises {trial.n_wrong:,} of {len(texts):,} sample texts differently, the first being "
        f"{texts[wrong][:120]!r}: {list(expected[wrong])[:24]} with the original tokenizer, "
        f"{list(trial.first_ids)[:24]} with llama.cpp"
    )
