"""A checkpoint becomes a GGUF: what is planned, what it will weigh, and the writing of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from midfill_model.files.random_model import Vocabulary
from midfill_training.errors import OutputError
from midfill_training.export.checkpoint import Checkpoint, open_checkpoint
from midfill_training.export.lora import read_adapter
from midfill_training.export.mapping import Value, find_architecture, plan_tensors, size_metadata
from midfill_training.export.model_card import read_card
from midfill_training.export.quantise import (
    PLAIN_TYPES,
    QUANTISED_TYPES,
    Fallback,
    check_type,
    planned_size,
    quantise_file,
)
from midfill_training.export.sizes import read_sizes
from midfill_training.export.tensor_plan import PlannedTensor
from midfill_training.export.tokenizer import read_vocabulary
from midfill_training.export.vocabulary import padded, vocabulary_metadata
from midfill_training.export.writer import stored_bytes, write_gguf, write_hollow_gguf
from midfill_training.output import check_output

FILE_TYPES = (*PLAIN_TYPES, *QUANTISED_TYPES)
_FILE_TYPE_NUMBERS: Mapping[str, int] = {"f32": 0, "f16": 1, "q8_0": 7, "bf16": 32, **QUANTISED_TYPES}


@dataclass(frozen=True)
class ExportOptions:
    """What a user can choose. `name`, `licence` and `origin` replace what the model card says."""

    file_type: str = "f16"
    name: str | None = None
    licence: str | None = None
    origin: str | None = None
    fim: tuple[str, str, str] | None = None
    adapter: Path | None = None
    imatrix: Path | None = None
    tokenizer: Path | None = None
    n_threads: int = 0
    force: bool = False
    show_progress: bool = False


@dataclass(frozen=True)
class Plan:
    """Everything a GGUF will hold; `note` says how its tokenizer was proved."""

    architecture: str
    metadata: Mapping[str, Value]
    tensors: tuple[PlannedTensor, ...]
    vocabulary: Vocabulary
    note: str


@dataclass(frozen=True)
class Exported:
    """What was written, or would be (`dry_run`). `n_bytes` is of the file, or of the tensors in a dry run."""

    path: Path
    architecture: str
    file_type: str
    n_parameters: int
    n_bytes: int
    tokenizer: str
    dry_run: bool = False
    fallbacks: tuple[Fallback, ...] = field(default=())


def plan_export(checkpoint: Checkpoint, options: ExportOptions) -> Plan:
    """Check all that can be known without reading weights; raises the errors of `midfill_training.errors`."""
    check_type(options.file_type, options.imatrix)
    architecture = find_architecture(checkpoint)
    deltas = read_adapter(options.adapter, checkpoint).deltas if options.adapter else None
    tensors = plan_tensors(checkpoint, deltas)
    found = read_vocabulary(options.tokenizer or checkpoint.folder, checkpoint.config, options.fim)
    vocabulary = padded(found.vocabulary, read_sizes(checkpoint.config).n_vocab)
    card = read_card(checkpoint, name=options.name, licence=options.licence, origin=options.origin)
    metadata = {**card, **size_metadata(checkpoint), **vocabulary_metadata(vocabulary)}
    return Plan(architecture.gguf, metadata, tuple(tensors), vocabulary, found.note)


def export(path: Path, output: Path, options: ExportOptions, *, dry_run: bool = False) -> Exported:
    """Convert the checkpoint at `path`; in a dry run only say what it would give."""
    if not dry_run:
        check_output(output, force=options.force)
    plan = plan_export(open_checkpoint(path), options)
    if dry_run:
        return _dry_run(plan, output, options.file_type)
    if options.file_type in PLAIN_TYPES:
        _write(plan, output, options.file_type, options)
        return _exported(plan, output, options.file_type, output.stat().st_size)
    # llama.cpp quantises from a file: a plain one beside the output, since /tmp may be small.
    with TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as folder:
        plain = Path(folder) / "plain.gguf"
        _write(plan, plain, _plain_type(plan), options)
        done = quantise_file(plain, output, options.file_type, imatrix=options.imatrix, n_threads=options.n_threads)
    return _exported(plan, output, options.file_type, output.stat().st_size, done.fallbacks)


def _write(plan: Plan, path: Path, file_type: str, options: ExportOptions) -> None:
    write_gguf(
        path,
        plan.architecture,
        {**plan.metadata, "general.file_type": _FILE_TYPE_NUMBERS[file_type]},
        plan.tensors,
        file_type,
        show_progress=options.show_progress,
    )


def _plain_type(plan: Plan) -> str:
    """What to quantise from: bf16 keeps the range of a bf16 checkpoint, f16 the digits of the others."""
    dtypes = {getattr(tensor.source, "dtype", "F32") for tensor in plan.tensors}
    return "bf16" if "BF16" in dtypes else "f16"


def _dry_run(plan: Plan, output: Path, file_type: str) -> Exported:
    if file_type in PLAIN_TYPES:
        n_bytes = sum(stored_bytes(tensor, file_type) for tensor in plan.tensors)
        return _exported(plan, output, file_type, n_bytes, dry_run=True)
    try:
        with TemporaryDirectory(prefix="midfill-") as folder:
            plain = Path(folder) / "hollow.gguf"
            write_hollow_gguf(plain, plan.architecture, plan.metadata, plan.tensors)
            told = planned_size(plain, file_type)
    except OSError as error:
        raise OutputError(f"the temporary folder cannot be written: {error.strerror or error}") from error
    return _exported(plan, output, file_type, told.n_bytes, told.fallbacks, dry_run=True)


def _exported(
    plan: Plan,
    output: Path,
    file_type: str,
    n_bytes: int,
    fallbacks: tuple[Fallback, ...] = (),
    *,
    dry_run: bool = False,
) -> Exported:
    n_parameters = sum(tensor.n_values for tensor in plan.tensors)
    return Exported(output, plan.architecture, file_type, n_parameters, n_bytes, plan.note, dry_run, fallbacks)
