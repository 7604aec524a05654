"""The training loop: one for a laptop, a GPU and many of them.

Nothing in a step waits for the GPU: losses and norms stay there until the next log line asks for them all at once.
"""

from __future__ import annotations

import math
import time
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from midfill_training.errors import Diverged
from midfill_training.train.batches import ReadAhead, Reading, StepBatches
from midfill_training.train.checkpoints import (
    State,
    load_optimizer,
    newest_checkpoint,
    prune_checkpoints,
    save_checkpoint,
)
from midfill_training.train.evaluation import Evaluation, Evaluator
from midfill_training.train.journal import Journal
from midfill_training.train.learner import Learner, checkpoint_activations, compile_layers, run_batch
from midfill_training.train.model import Model
from midfill_training.train.order import Order
from midfill_training.train.processes import Processes
from midfill_training.train.schedule import Schedule
from midfill_training.train.settings import Machine, Training
from midfill_training.train.stopping import noting_signals


@dataclass(frozen=True)
class Plan:
    """What to train on what, and where: `run` is the folder of the run."""

    run: Path
    training: Training
    machine: Machine
    schedule: Schedule
    reading: Reading
    evaluator: Evaluator | None


@dataclass(frozen=True)
class Ending:
    """How training ended: `stopped_by` is the number of a signal, or 0 when all was done."""

    state: State
    stopped_by: int = 0


class Loop:
    """The state of a run in this process."""

    def __init__(self, plan: Plan, model: Model, processes: Processes, state: State) -> None:
        self._plan, self._model, self._processes, self._state = plan, model, processes, state
        self._started = time.monotonic() - state.elapsed_s
        if plan.machine.compile:
            compile_layers(model.causal)
        if plan.machine.checkpoint_activations:
            checkpoint_activations(model.causal)
        learner = Learner(model.causal, precision=plan.training.precision).train()
        self._learner, self._optimizer = processes.prepare(learner, lambda each: make_optimizer(each, plan.training))
        if state.step:
            found = newest_checkpoint(plan.run)
            assert found is not None, "a state comes from a checkpoint"
            load_optimizer(found, self._learner, self._optimizer)
        self._journal = Journal(plan.run, state.step) if processes.is_first else None
        self._pending: list[tuple[torch.Tensor, torch.Tensor]] = []  # loss and norm of the steps not logged yet
        self._logged_s = self._saved_s = state.elapsed_s
        self._saved_step = state.step

    def train(self) -> Ending:
        """Train until the schedule is over or a signal comes; raises Diverged and OutputError."""
        plan = self._plan
        order = Order(len(plan.reading.rows), plan.training.batch_rows, plan.training.block_rows, plan.training.seed)
        if not self._state.step:
            self._evaluate()
        ahead = ReadAhead(plan.reading, order, self._processes.device)
        with noting_signals() as request, closing(ahead), self._bar() as bar:
            while True:
                elapsed_s, signal = self._processes.agree(self._elapsed_s(), request.signal)
                self._state = replace(self._state, elapsed_s=elapsed_s)
                if signal or plan.schedule.is_over(self._state.step, elapsed_s):
                    break
                if self._is_save_due():
                    self._log()
                    self._evaluate()
                    self._save()
                self._step(ahead.step(self._state.step))
                bar.update()
                if self._state.step % plan.machine.log_steps == 0:
                    self._log()
            self._log()
            if not signal:
                self._evaluate()
            if self._state.step != self._saved_step:
                self._save()
        return Ending(self._state, int(signal))

    def _step(self, share: StepBatches) -> None:
        """One step of the optimizer. The gradient is that of the mean over all targets of all processes."""
        settings, step = self._plan.training, self._state.step
        torch.manual_seed(_seed(settings.seed, step, self._processes.rank))  # of dropout, the only chance there is
        self._lr = self._plan.schedule.learning_rate(step, self._state.elapsed_s)
        for group in self._optimizer.param_groups:
            group["lr"] = self._lr
        self._optimizer.zero_grad(set_to_none=True)
        weight = 1 / max(1, share.n_targets)
        losses = []
        for batch in share.batches:
            is_last = batch is share.batches[-1]
            with nullcontext() if is_last else self._processes.adding_up(self._learner):
                loss = run_batch(self._learner, batch) * weight
                (loss * self._processes.world).backward()  # DDP and FSDP take the mean over processes
                losses.append(loss.detach())
        norm = torch.nn.utils.clip_grad_norm_(self._learner.parameters(), settings.clip)
        self._optimizer.step()
        self._pending.append((torch.stack(losses).sum(), whole(norm)))
        self._state = replace(self._state, step=step + 1)

    def _log(self) -> None:
        """One line for the steps since the last; raises Diverged when one of them went wrong."""
        if not self._pending:
            return
        losses = self._processes.total(torch.stack([loss for loss, _ in self._pending]))
        norms = torch.stack([norm for _, norm in self._pending]).cpu()
        n_steps, step = len(self._pending), self._state.step
        self._pending.clear()
        lost = torch.nonzero(~(losses.isfinite() & norms.isfinite()))
        if len(lost):
            raise Diverged(self._way_back(step - n_steps + int(lost[0]) + 1))
        elapsed_s = self._elapsed_s()
        self._write(
            loss=float(losses.mean()),
            lr=self._lr,
            grad_norm=float(norms.mean()),
            tokens_per_s=round(n_steps * self._step_tokens / max(1e-9, elapsed_s - self._logged_s), 1),
        )
        self._logged_s = elapsed_s

    def _evaluate(self) -> None:
        """Measure on valid rows, and remember whether no step was better; Diverged when the weights are lost."""
        if self._plan.evaluator is None:
            return
        found = self._plan.evaluator.evaluate(self._learner, self._processes)
        if not math.isfinite(found.loss):
            raise Diverged(self._way_back(self._state.step))
        if self._state.step and (self._state.best_loss is None or found.loss <= self._state.best_loss):
            self._state = replace(self._state, best_loss=found.loss, best_step=self._state.step)
        self._write(valid_loss=found.loss, **_figures(found))
        self._logged_s = self._elapsed_s()

    def _save(self) -> None:
        plan, state = self._plan, self._state
        save_checkpoint(plan.run, self._model, self._learner, self._optimizer, state, self._processes)
        if self._processes.is_first:
            prune_checkpoints(plan.run, plan.machine.keep, state.best_step)
        self._saved_s, self._saved_step = self._elapsed_s(), state.step
        self._logged_s = self._saved_s

    def _is_save_due(self) -> bool:
        machine, state = self._plan.machine, self._state
        if state.step == self._saved_step:
            return False
        by_time = machine.save_minutes > 0 and state.elapsed_s - self._saved_s >= 60 * machine.save_minutes
        return by_time or (machine.save_steps > 0 and state.step % machine.save_steps == 0)

    def _way_back(self, step: int) -> str:
        good = newest_checkpoint(self._plan.run)
        start = f"start a new run with --from {good}" if good else "start again"
        return (
            f"the loss or its gradient is no number any more at step {step}; "
            f"{f'the last good checkpoint is {good}' if good else 'no checkpoint was written before'}. Lower "
            f"training.lr_max (now {self._plan.training.lr_max:g}) or training.clip, or lengthen training.warmup, and "
            f"{start}; if it happens at step 1, the weights that you start from are at fault"
        )

    def _write(self, **figures: Any) -> None:
        if self._journal is not None:
            tokens = self._state.step * self._step_tokens
            elapsed_s = round(self._elapsed_s(), 2)
            self._journal.write({"step": self._state.step, "tokens": tokens, **figures, "elapsed_s": elapsed_s})

    @property
    def _step_tokens(self) -> int:
        return self._plan.training.batch_rows * self._plan.reading.rows.length

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._started

    def _bar(self) -> tqdm:
        is_hidden = None if self._processes.is_first else True  # None: unless stderr is a terminal
        return tqdm(total=self._plan.schedule.steps, initial=self._state.step, unit="step", disable=is_hidden)


def make_optimizer(learner: torch.nn.Module, settings: Training) -> torch.optim.Optimizer:
    """AdamW on what is trained; matrices decay, norms do not."""
    trained = [parameter for parameter in learner.parameters() if parameter.requires_grad]
    groups = [
        {"params": [each for each in trained if each.dim() >= 2], "weight_decay": settings.weight_decay},
        {"params": [each for each in trained if each.dim() < 2], "weight_decay": 0.0},
    ]
    betas = (settings.beta1, settings.beta2)
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=0.0, betas=betas, fused=True)


def whole(norm: torch.Tensor) -> torch.Tensor:
    """A norm that FSDP left in parts, as a plain tensor."""
    return norm.full_tensor() if hasattr(norm, "full_tensor") else norm


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])


def _figures(found: Evaluation) -> dict[str, Any]:
    figures: dict[str, Any] = {"valid": found.by_objective, "perplexity": found.perplexity}
    if found.exact_match is not None:
        figures |= {"exact_match": found.exact_match, "n_middles": found.n_middles}
    return figures
