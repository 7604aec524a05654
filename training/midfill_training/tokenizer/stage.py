"""The stage `tokenizer`: a tokenizer learned from a corpus, and the figures that judge it.

Its files appear whole, the manifest last. Learning starts again after an interruption: `tokenizers` and SentencePiece
count and merge in one call that hands out nothing half done, and the text is limited (`max_mb`), so that it takes
minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from midfill_model.prompts.vocabulary import Vocabulary
from midfill_training.corpus.documents import shards
from midfill_training.errors import OutputError
from midfill_training.output import replacing
from midfill_training.report.manifest import FILE_NAME, Manifest, read_manifest, sha256, write_manifest
from midfill_training.tokenizer.bpe import train_bpe
from midfill_training.tokenizer.report import compressions, write_report
from midfill_training.tokenizer.sentencepiece_bpe import train_sentencepiece
from midfill_training.tokenizer.settings import TokenizerSettings
from midfill_training.tokenizer.text import CorpusText, corpus_text
from midfill_training.tokenizer.vocabulary import load_vocabulary

STAGE = "tokenizer"
REPORT = "report.html"
FILES = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json")
EXAMPLES = 20  # the longest of so many is shown in the report


@dataclass(frozen=True)
class TokenizerOptions:
    """How to run; none of it changes the tokenizer."""

    force: bool = False
    progress: bool | None = False  # None: on a terminal


def make_tokenizer(
    corpus: Path, out: Path, settings: TokenizerSettings, options: TokenizerOptions | None = None
) -> Manifest:
    """Learn a tokenizer in the folder `out`; do nothing where the same one is there already. Raises TrainingErrors."""
    options = options or TokenizerOptions()
    inputs = {shard.name: sha256(shard) for shard in shards(corpus)}
    finished = _finished(out, inputs, settings, force=options.force)
    if finished is not None:
        return finished
    _make_folder(out)
    text = corpus_text(corpus, settings.max_mb * 10**6)
    files = _learn(_texts(text, options.progress), settings)
    _write(out, files)
    counts = _judge(out / REPORT, text, load_vocabulary(out), settings)
    manifest = Manifest(STAGE, inputs, asdict(settings), counts, {name: sha256(out / name) for name in files})
    write_manifest(out, manifest)
    return manifest


def _finished(out: Path, inputs: dict[str, str], settings: TokenizerSettings, *, force: bool) -> Manifest | None:
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; name the folder to write")
    manifest = None if force else read_manifest(out)
    if manifest is None or manifest.is_of(STAGE, inputs, asdict(settings)):
        return manifest
    raise OutputError(f"{out}: holds what another run has made; choose another folder, or --force")


def _learn(texts: Iterator[str], settings: TokenizerSettings) -> dict[str, bytes]:
    if settings.kind == "bpe":
        return train_bpe(texts, settings.vocab)
    return train_sentencepiece(texts, settings.vocab, settings.max_piece_chars)


def _texts(text: CorpusText, progress: bool | None) -> Iterator[str]:
    """The files that are learned from, with a bar over their bytes."""
    from tqdm import tqdm

    n_bytes = round(sum(text.n_bytes.values()) * text.share)
    disable = None if progress is None else not progress
    with tqdm(total=n_bytes, desc="tokenizer", unit="B", unit_scale=True, disable=disable) as bar:
        for file in text.files():
            bar.update(len(file.text.encode(errors="replace")))
            yield file.text


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written: {error.strerror or error}") from error


def _write(out: Path, files: dict[str, bytes]) -> None:
    """Write the files in place of what an earlier run has left: first the manifest goes, which vouches for the rest."""
    for name in (FILE_NAME, REPORT, *FILES):
        (out / name).unlink(missing_ok=True)
    for name, data in files.items():
        with replacing(out / name) as draft:
            draft.write_bytes(data)


def _judge(path: Path, text: CorpusText, vocabulary: Vocabulary, settings: TokenizerSettings) -> dict[str, object]:
    measured = compressions(text.files(), vocabulary)
    example = max(islice(text.files(), EXAMPLES), key=lambda file: len(file.text))
    write_report(path, measured, asdict(settings), vocabulary, example)
    return {
        "tokens": len(vocabulary.pieces),
        "bytes": dict(text.n_bytes),
        "share_learned_from": round(text.share, 4),
        "chars_per_token": {each.language: round(each.chars_per_token, 3) for each in measured},
    }
