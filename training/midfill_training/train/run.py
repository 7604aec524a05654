"""A run and its folder: begun, gone on with, or finished.

run.json        what the run is: a run with other rows, start or settings is refused here
log.jsonl       the curve (`journal`)
checkpoints/    `checkpoints`
base/           the checkpoint that a GGUF was restored to
model/          the result, from the checkpoint that was best on valid rows; with LoRA `adapter/`
report.html, manifest.json
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from midfill_training.errors import BadInput, OutputError
from midfill_training.export.tokenizer import copy_tokenizer, tokenizer_files
from midfill_training.output import replacing
from midfill_training.packing.rows import Rows, open_rows
from midfill_training.report.manifest import FILE_NAME as MANIFEST
from midfill_training.report.manifest import Manifest, sha256, write_manifest
from midfill_training.train.batches import Reading
from midfill_training.train.checkpoints import OPTIMIZER, STATE, State, checkpoint_path, newest_checkpoint, read_state
from midfill_training.train.evaluation import Evaluator
from midfill_training.train.loop import Ending, Loop, Plan
from midfill_training.train.model import Model, fresh_model, load_model, restored, with_adapter
from midfill_training.train.page import write_report
from midfill_training.train.processes import Processes
from midfill_training.train.schedule import Schedule, planned_steps
from midfill_training.train.settings import Lora, Machine, Training
from midfill_training.train.shapes import ModelShape

RUN, BASE = "run.json", "base"
DTYPES = {"bf16": torch.bfloat16, "f32": torch.float32}


@dataclass(frozen=True)
class Request:
    """What a user asks for. `start` is a checkpoint or a GGUF, or None for fresh weights of `shape`.

    `rows` holds train/, and valid/ and fim/ to evaluate on, unless `valid` is a folder to take these from: that makes
    runs comparable whose rows are not. The loss of fim/ counts middles alone.
    """

    stage: str
    rows: Path
    output: Path
    start: Path | None
    tokenizer: Path | None
    shape: ModelShape
    training: Training
    machine: Machine
    lora: Lora | None = None
    valid: Path | None = None


@dataclass(frozen=True)
class Result:
    """`folder` is the model or adapter; None when the signal `stopped_by` stopped the run before its end."""

    folder: Path | None
    state: State
    stopped_by: int = 0


def train(request: Request) -> Result:
    """Do a run, or what is left of it. Raises the errors of `midfill_training.errors`."""
    from transformers.utils import logging

    logging.disable_progress_bar()  # of each checkpoint: they would tear ours
    processes = Processes(request.machine, precision=request.training.precision)
    rows = _rows(request)
    identity = _claim(request) if processes.is_first else None
    processes.wait()
    folder = request.output / ("adapter" if request.lora else "model")
    ending = Ending(_state(request.output))
    if not (request.output / MANIFEST).exists():
        model = _model(request, ending.state, processes)
        plan = _plan(request, rows, model, processes)
        ending = _loop(plan, model, processes, ending.state)
        if identity is not None and not ending.stopped_by:
            _write_result(folder, plan, model, ending.state)
            _write_reports(identity, plan, model, ending.state, folder)
    processes.leave()
    return Result(None if ending.stopped_by else folder, ending.state, ending.stopped_by)


def _rows(request: Request) -> dict[str, Rows]:
    """The rows that are there: "train", and "valid" and "fim" to evaluate on."""
    judges = request.valid or request.rows
    folders = {"train": request.rows / "train", "valid": judges / "valid", "fim": judges / "fim"}
    needed = {"train", "valid"} if request.valid else {"train"}
    found = {name: each for name, each in folders.items() if name in needed or (each / "tokens.npy").exists()}
    return {name: open_rows(folder) for name, folder in found.items()}


def _claim(request: Request) -> Manifest:
    """Make the folder of the run, or see that it is of this very run; says what the run is.

    A run that came to no checkpoint may be begun again as another one.
    """
    run = request.output
    asked = Manifest(request.stage, _inputs(request), _settings(request))
    found = _found_run(run)
    if found is not None and found.is_of(asked.stage, asked.inputs, asked.settings):
        return asked
    if found is not None and newest_checkpoint(run) is not None:
        raise OutputError(f"{run}: holds another run ({_difference(found, asked)}); name another folder")
    try:
        run.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(run / BASE, ignore_errors=True)
    except OSError as error:
        raise OutputError(f"{run}: cannot be the folder of a run: {error.strerror or error}") from error
    with replacing(run / RUN) as draft:
        draft.write_text(json.dumps(asdict(asked), indent=2) + "\n", encoding="utf-8")
    return asked


def _found_run(run: Path) -> Manifest | None:
    """What the run in a folder is; None where there is none yet. OutputError when there is something else."""
    try:
        if not run.exists() or all(path.name == f"{RUN}.part" for path in run.iterdir()):
            return None
        return Manifest(**json.loads((run / RUN).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise OutputError(f"{run}: is not empty and no run ({error}); name another folder") from error


def _inputs(request: Request) -> dict[str, str]:
    inputs = {"rows": _packed(request.rows)} | ({"valid": _packed(request.valid)} if request.valid else {})
    if request.start is not None:
        if not request.start.exists():
            raise BadInput(f"{request.start}: no such checkpoint folder and no such GGUF")
        inputs["start"] = sha256(request.start)
    if request.tokenizer is not None:
        inputs |= {f"tokenizer/{path.name}": sha256(path) for path in tokenizer_files(request.tokenizer)}
    return inputs


def _packed(rows: Path) -> str:
    """What tells a folder of rows from another."""
    return sha256(rows / MANIFEST if (rows / MANIFEST).exists() else rows)


def _settings(request: Request) -> dict[str, Any]:
    """What decides the outcome; how a machine gets there may change while a run lasts."""
    settings: dict[str, Any] = {"training": asdict(request.training)}
    if request.start is None:
        settings["model"] = asdict(request.shape)
    if request.lora is not None:
        settings["lora"] = asdict(request.lora) | {"targets": list(request.lora.targets)}
    return settings


def _difference(found: Manifest, asked: Manifest) -> str:
    """The first thing that differs, in words."""
    before, now = _flat(asdict(found)), _flat(asdict(asked))
    name = next(name for name in (*now, *before) if before.get(name) != now.get(name))
    return f"its {name} was {before.get(name)}, now it is {now.get(name)}"


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def _state(run: Path) -> State:
    newest = newest_checkpoint(run)
    return read_state(newest) if newest else State()


def _model(request: Request, state: State, processes: Processes) -> Model:
    """The model as the run begins, or as its newest checkpoint has it."""
    start, training = request.start, request.training
    if start is not None and start.is_file():
        if processes.is_first:
            restored(start, request.output / BASE, request.tokenizer)
        processes.wait()
        start = request.output / BASE
    tokenizer = request.tokenizer or start
    if tokenizer is None:
        raise BadInput("fresh weights need a tokenizer; name its folder with --tokenizer, or a model with --from")
    tokenizer_files(tokenizer)  # rather refused now than at the first checkpoint
    saved = checkpoint_path(request.output, state.step) if state.step else None
    if request.lora is not None:
        if start is None:
            raise BadInput("a LoRA adapter needs a model to start from; name it with --from")
        base = load_model(start, dtype=DTYPES[training.precision])
        model = with_adapter(base, request.lora, training.seed, saved)
    else:
        found = saved or start
        model = load_model(found) if found else fresh_model(request.shape, tokenizer, training.seed)
    return replace(model, tokenizer=tokenizer)


def _plan(request: Request, rows: Mapping[str, Rows], model: Model, processes: Processes) -> Plan:
    """Everything the loop needs; BadInput where rows, model and processes do not go together."""
    training, machine = request.training, request.machine
    for name, each in rows.items():
        if each.length > model.causal.config.max_position_embeddings:
            raise BadInput(
                f"the {name} rows are of {each.length:,} tokens, the model sees "
                f"{model.causal.config.max_position_embeddings:,}; pack shorter rows, or raise "
                "model.max_position_embeddings"
            )
    if training.batch_rows % processes.world:
        raise BadInput(
            f"training.batch_rows is {training.batch_rows}; {processes.world} processes cannot share that evenly"
        )
    readings = {
        name: Reading(each, training.isolate, model.n_vocab, machine.micro_rows, processes.rank, processes.world)
        for name, each in rows.items()
    }
    evaluator = None
    if "valid" in readings:
        evaluator = Evaluator(readings["valid"], readings.get("fim"), machine.valid_rows, processes.device)
    schedule = Schedule(training, planned_steps(training, len(rows["train"])))
    return Plan(request.output, training, machine, schedule, readings["train"], evaluator)


def _loop(plan: Plan, model: Model, processes: Processes, state: State) -> Ending:
    try:
        return Loop(plan, model, processes, state).train()
    except torch.OutOfMemoryError as error:
        raise BadInput(
            f"the GPU has too little memory: lower machine.micro_rows (now {plan.machine.micro_rows}), or set "
            "machine.checkpoint_activations=true; the same command goes on from the last checkpoint"
        ) from error


def _write_result(folder: Path, plan: Plan, model: Model, state: State) -> None:
    """The best checkpoint as it leaves the house: without the optimizer, and in the precision it was trained in."""
    best = checkpoint_path(plan.run, state.step if state.best_step is None else state.best_step)
    draft = folder.with_name(folder.name + ".part")
    try:
        shutil.rmtree(draft, ignore_errors=True)
        if model.adapter is not None:
            shutil.copytree(best, draft, ignore=shutil.ignore_patterns(OPTIMIZER, STATE))
        else:
            load_model(best, dtype=DTYPES[plan.training.precision]).causal.save_pretrained(draft)
            copy_tokenizer(model.tokenizer, draft)
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise OutputError(f"{folder}: cannot be written: {error}. Make room and run the same command again") from error


def _write_reports(asked: Manifest, plan: Plan, model: Model, state: State, folder: Path) -> None:
    counts = {
        "steps": state.step,
        "tokens": state.step * plan.training.batch_rows * plan.reading.rows.length,
        "minutes": round(state.elapsed_s / 60, 2),
        "parameters": model.n_parameters,
        "best_step": state.best_step,
        "best_valid_loss": state.best_loss,
    }
    write_report(plan.run, asked.stage, asked.settings, counts)
    write_manifest(plan.run, replace(asked, counts=counts, outputs={folder.name: sha256(folder)}))
