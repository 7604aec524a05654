"""A checkpoint becomes a GGUF: what is planned, what it will weigh, and the writing of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from midfill_model.files.random_model import Vocabulary
from midfill_training.errors import OutputError
from midfill_training.export.checkpoint import Checkpoint
from midfill_training.export.checkpoint_files import open_checkpoint
from midfill_training.export.lora import read_adapter
from midfill_training.export.mapping import Value, context_length, find_architecture, plan_tensors, size_metadata
from midfill_training.export.model_card import read_card
from midfill_training.export.quantise import (
    PLAIN_TYPES,
    QUANTISED_TYPES,
    Fallback,
    check_type,
    planned_size,
    quantise_file,
)
from midfill_training.export.resuming import identity_of, resumable
from midfill_training.export.sizes import read_sizes
from midfill_training.export.tensor_plan import PlannedTensor
from midfill_training.export.tokenizer import read_vocabulary
from midfill_training.export.vocabulary import padded, vocabulary_metadata
from midfill_training.export.writer import stored_bytes, write_draft, write_hollow_gguf
from midfill_training.output import check_output, replacing

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
    """Everything a GGUF will hold; `note` says how its tokenizer was proved, `limits` what is not as it was."""

    architecture: str
    metadata: Mapping[str, Value]
    tensors: tuple[PlannedTensor, ...]
    vocabulary: Vocabulary
    note: str
    limits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exported:
    """What was written, or would be (`dry_run`). `n_bytes` is of the file, or of the tensors in a dry run.

    `n_resumed` tensors were there from an interrupted run.
    """

    path: Path
    architecture: str
    file_type: str
    n_parameters: int
    n_bytes: int
    tokenizer: str
    dry_run: bool = False
    fallbacks: tuple[Fallback, ...] = field(default=())
    limits: tuple[str, ...] = ()
    n_resumed: int = 0


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
    return Plan(architecture.gguf, metadata, tuple(tensors), vocabulary, found.note, _limits(checkpoint))


def _limits(checkpoint: Checkpoint) -> tuple[str, ...]:
    n_trained, n_context = read_sizes(checkpoint.config).n_context, context_length(checkpoint)
    if n_context == n_trained:
        return ()
    return (
        f"context {n_context:,} tokens instead of {n_trained:,}: the model has a sliding window of that size, "
        f"which llama.cpp's {find_architecture(checkpoint).gguf} has not",
    )


def export(path: Path, output: Path, options: ExportOptions, *, dry_run: bool = False) -> Exported:
    """Convert the checkpoint at `path`; in a dry run only say what it would give."""
    if not dry_run:
        check_output(output, force=options.force)
    plan = plan_export(open_checkpoint(path), options)
    if dry_run:
        return _dry_run(plan, output, options.file_type)
    is_plain = options.file_type in PLAIN_TYPES
    matrix_type = options.file_type if is_plain else _plain_type(plan)
    metadata = {**plan.metadata, "general.file_type": _FILE_TYPE_NUMBERS[matrix_type]}
    fallbacks: tuple[Fallback, ...] = ()
    # llama.cpp quantises from a file, so the draft is the output itself or what it is quantised from.
    with resumable(output, _identity(plan, metadata, path, options)) as draft, replacing(output) as part:
        n_resumed = draft.n_tensors
        write_draft(draft, plan.architecture, metadata, plan.tensors, matrix_type, show_progress=options.show_progress)
        if is_plain:
            os.replace(draft.path, part)
        else:
            fallbacks = quantise_file(
                draft.path, part, options.file_type, imatrix=options.imatrix, n_threads=options.n_threads
            ).fallbacks
    done = _exported(plan, output, options.file_type, output.stat().st_size, fallbacks)
    return replace(done, n_resumed=n_resumed)


def _identity(plan: Plan, metadata: Mapping[str, Value], path: Path, options: ExportOptions) -> str:
    tensors = [(tensor.name, tensor.shape) for tensor in plan.tensors]
    return identity_of((plan.architecture, dict(metadata), tensors), [path, *filter(None, [options.adapter])])


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
    return Exported(
        output, plan.architecture, file_type, n_parameters, n_bytes, plan.note, dry_run, fallbacks, plan.limits
    )
