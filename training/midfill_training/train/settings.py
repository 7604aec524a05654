"""What a user can set about training, as tables of a settings file.

`[training]` decides what is computed and cannot change while a run lasts; `[machine]` decides how, and may.
"""

from __future__ import annotations

from dataclasses import dataclass

from midfill_training.errors import BadInput

PRECISIONS = ("bf16", "f32")


@dataclass(frozen=True)
class Training:
    """What PAPER.md section 4 fixes is the default: AdamW, a cosine from 1e-5 to 1e-6, bf16. The rest is the usual."""

    seed: int = 0
    steps: int = 0  # 0: as many as `epochs` passes over the rows take
    epochs: float = 1.0
    minutes: float = 0.0  # wall clock after which the run is over, whatever `steps` says; 0: none
    batch_rows: int = 64  # rows a step, over all processes
    block_rows: int = 8  # rows that continue each other and are seen in consecutive steps
    isolate: bool = False  # attention stays within a group of the row
    precision: str = "bf16"  # of matrix products; weights and optimizer stay f32: at 1e-5 a bf16 weight would not move
    lr_max: float = 1e-5
    lr_min: float = 1e-6
    warmup: float = 0.01  # share of the run; the paper's is not published
    beta1: float = 0.9
    beta2: float = 0.95  # usual for language models; the paper's is not published
    weight_decay: float = 0.1  # of matrices; the paper's is not published
    clip: float = 1.0  # largest norm of the gradient

    def __post_init__(self) -> None:
        _require(self.precision in PRECISIONS, "training.precision", f"one of {', '.join(PRECISIONS)}")
        _require(self.batch_rows > 0, "training.batch_rows", "at least 1")
        _require(self.block_rows > 0, "training.block_rows", "at least 1")
        _require(self.steps >= 0 and self.epochs > 0, "training.steps and epochs", "positive")
        _require(self.minutes >= 0, "training.minutes", "0 or more")
        _require(0 <= self.warmup < 1, "training.warmup", "a share of the run, from 0 to less than 1")
        _require(0 <= self.lr_min <= self.lr_max, "training.lr_min", "between 0 and lr_max")
        _require(self.clip > 0, "training.clip", "above 0")


@dataclass(frozen=True)
class FineTuning(Training):
    """Other defaults for a project's worth of rows: small batches, few passes."""

    epochs: float = 3.0
    batch_rows: int = 8
    block_rows: int = 1
    weight_decay: float = 0.0


@dataclass(frozen=True)
class LoraTuning(FineTuning):
    """An adapter begins at zero and takes a rate twenty times as high."""

    lr_max: float = 2e-4
    lr_min: float = 2e-5
    warmup: float = 0.05


@dataclass(frozen=True)
class Machine:
    """How the run is carried out: changes rounding at most."""

    micro_rows: int = 8  # rows a process has in memory at once; the rest of its share follows, gradients added up
    threads: int = 0  # of torch on a CPU; 0: its own choice
    compile: bool = False  # torch.compile, layer by layer
    checkpoint_activations: bool = False  # a third more computing for a fraction of the memory
    fsdp: bool = False  # shard weights, gradients and optimizer over the processes
    log_steps: int = 10
    save_minutes: float = 10.0  # evaluate and save a checkpoint this often; 0: by steps alone
    save_steps: int = 0  # the same in steps; 0: by minutes alone
    keep: int = 2  # newest checkpoints to keep, besides the best
    valid_rows: int = 64  # rows to evaluate on

    def __post_init__(self) -> None:
        for name in ("micro_rows", "log_steps", "keep", "valid_rows"):
            _require(getattr(self, name) > 0, f"machine.{name}", "at least 1")
        for name in ("threads", "save_minutes", "save_steps"):
            _require(getattr(self, name) >= 0, f"machine.{name}", "0 or more")


@dataclass(frozen=True)
class Lora:
    """A LoRA adapter: rank, scale, and the matrices it changes: all of a layer, which learns more than q and v."""

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

    def __post_init__(self) -> None:
        _require(self.rank > 0 and bool(self.targets), "lora.rank and targets", "not empty")
        _require(0 <= self.dropout < 1, "lora.dropout", "from 0 to less than 1")


def _require(holds: bool, name: str, what: str) -> None:
    if not holds:
        raise BadInput(f"{name} must be {what}")
