"""Which strategy orders a project: drawn for each by itself, so that no project's order hangs on the others."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from midfill_training.corpus.documents import Project, SourceFile
from midfill_training.errors import BadInput
from midfill_training.ordering import content, dependency, path, shuffled

Order = Callable[[Sequence[SourceFile], random.Random], list[SourceFile]]
STRATEGIES: dict[str, Order] = {
    "content": content.order,
    "path": path.order,
    "dependency": dependency.order,
    "random": shuffled.order,
}


@dataclass(frozen=True)
class OrderingSettings:
    """Shares of the strategies, in any unit. The paper names the four; these figures for them are a recollection that
    nobody could check (PAPER.md section 9)."""

    content: float = 0.3
    path: float = 0.3
    dependency: float = 0.3
    random: float = 0.1

    def __post_init__(self) -> None:
        shares = vars(self)
        if not all(0 <= share < float("inf") for share in shares.values()) or not any(shares.values()):
            raise BadInput(f"ordering: the shares are {shares}; none below 0, and one above it")


@dataclass(frozen=True)
class OrderedProject:
    """The files of a project in the order that `strategy` gave them."""

    name: str
    strategy: str
    files: tuple[SourceFile, ...]


def order_project(project: Project, settings: OrderingSettings, seed: str) -> OrderedProject:
    """Draw a strategy for a project and use it; the seed and the project's name decide both."""
    rng = random.Random(f"{seed}/{project.name}")
    shares = vars(settings)
    strategy = rng.choices(list(shares), list(shares.values()))[0]
    return OrderedProject(project.name, strategy, tuple(STRATEGIES[strategy](project.files, rng)))
