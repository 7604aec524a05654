"""What a step computes: the chunked loss is the plain one, and groups that are isolated do not see each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from midfill_training.objectives.examples import OBJECTIVES
from midfill_training.packing.rows import Rows, open_rows
from midfill_training.train import loss as chunked
from midfill_training.train.attention import group_mask, group_positions
from midfill_training.train.batches import Batch, Reading
from midfill_training.train.evaluation import Evaluator, exact_matches
from midfill_training.train.learner import Learner, compile_layers, run_batch
from midfill_training.train.model import Model, fresh_model
from midfill_training.train.processes import Processes
from midfill_training.train.settings import Machine
from training.train import tiny_runs
from training.train.tiny_rows import Vocabulary

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model(vocabulary: Vocabulary) -> Model:
    return fresh_model(tiny_runs.SHAPE, vocabulary.folder, seed=1)


def random_batch(*groups: int, n_rows: int = 2, n_vocab: int = 1000, isolate: bool = True) -> Batch:
    """Rows of groups of these lengths, the loss counting all that can be."""
    length = sum(groups)
    group = np.tile(np.repeat(np.arange(1, len(groups) + 1), groups), (n_rows, 1)).astype(np.uint16)
    tokens = np.random.default_rng(0).integers(0, n_vocab, (n_rows, length)).astype(np.uint16)
    loss, objective = np.ones((n_rows, length), dtype=bool), np.zeros((n_rows, length), dtype=np.uint8)
    return Reading(Rows(tokens, loss, group, objective), isolate, n_vocab, n_rows).batch(np.arange(n_rows))


@pytest.mark.parametrize("precision", ["f32", "bf16"])
@pytest.mark.parametrize("n_logits", [7 * 50, 50, 10**6], ids=["chunks of 7", "chunks of 1", "one chunk"])
def test_chunked_loss(monkeypatch: pytest.MonkeyPatch, n_logits: int, precision: str) -> None:
    monkeypatch.setattr(chunked, "CHUNK_LOGITS", n_logits)
    torch.manual_seed(0)
    hidden, head = torch.randn(30, 16, requires_grad=True), torch.randn(50, 16, requires_grad=True)
    targets = torch.randint(0, 50, (30,))
    plain = functional.cross_entropy(hidden @ head.T, targets, reduction="sum")
    plain.mul(3).backward()
    wanted = [plain.detach(), hidden.grad, head.grad]
    hidden.grad = head.grad = None
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
        found = chunked.cross_entropy(hidden, head, targets)
    found.mul(3).backward()
    tolerance = {"f32": 1e-5, "bf16": 3e-2}[precision]
    for a, b in zip([found.detach(), hidden.grad, head.grad], wanted, strict=True):
        assert (a - b).norm() <= tolerance * b.norm()
        assert a.dtype == torch.float32
    losses, hits = chunked.score(hidden.detach(), head.detach(), targets)
    assert losses.sum() == pytest.approx(plain.item(), rel=1e-5)
    assert hits.tolist() == ((hidden @ head.T).argmax(dim=1) == targets).tolist()


def test_no_targets_give_no_gradient() -> None:
    hidden, head = torch.randn(0, 16, requires_grad=True), torch.randn(50, 16, requires_grad=True)
    loss = chunked.cross_entropy(hidden, head, torch.zeros(0, dtype=torch.int64))
    loss.backward()
    assert loss.item() == 0
    assert head.grad is not None
    assert not head.grad.any()


def test_the_loss_is_that_of_transformers(model: Model) -> None:
    batch = random_batch(40, isolate=False)
    wanted = model.causal(batch.tokens, labels=batch.tokens).loss
    found = run_batch(Learner(model.causal, precision="f32").train(), batch) / len(batch.targets)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)


def test_groups_are_what_their_tokens_alone_would_be(model: Model) -> None:
    lengths = (5, 12, 3)
    batch = random_batch(*lengths)
    learner = Learner(model.causal, precision="f32").eval()
    found = run_batch(learner, batch)[0].detach().numpy().reshape(2, -1)
    alone = []
    for tokens in torch.split(batch.tokens, lengths, dim=1):
        losses = functional.cross_entropy(
            model.causal(tokens).logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none"
        )
        alone.append(losses.detach().numpy())
    assert found == pytest.approx(np.concatenate(alone, axis=1), rel=1e-4)


@pytest.mark.parametrize("isolate", [True, False])
def test_another_group_changes_nothing_when_isolated(model: Model, isolate: bool) -> None:
    batch = random_batch(10, 10, isolate=isolate)
    changed = batch.tokens.clone()
    changed[:, :10] = (changed[:, :10] + 1) % 1000
    mask = {"attention_mask": group_mask(batch.group), "position_ids": group_positions(batch.group)} if isolate else {}
    with torch.no_grad():
        before, after = (model.causal(tokens, **mask).logits[:, 10:] for tokens in (batch.tokens, changed))
    assert bool((before == after).all()) == isolate


def test_positions_begin_again() -> None:
    group = torch.tensor([[1, 1, 1, 2, 2, 0, 0], [4, 5, 5, 5, 5, 5, 6]], dtype=torch.int32)
    assert group_positions(group).tolist() == [[0, 1, 2, 0, 1, 0, 1], [0, 0, 1, 2, 3, 4, 0]]


@pytest.mark.filterwarnings("ignore")  # of torch, about its own doings while it traces
def test_layers_can_be_compiled(vocabulary: Vocabulary) -> None:
    fresh = fresh_model(tiny_runs.SHAPE, vocabulary.folder, seed=1)
    learner, batch = Learner(fresh.causal, precision="f32").train(), random_batch(8, 8)
    wanted = run_batch(learner, batch).item()
    compile_layers(fresh.causal, backend="eager")
    assert run_batch(learner, batch).item() == pytest.approx(wanted, rel=1e-5)


def test_loss_by_objective(model: Model, rows: Path) -> None:
    machine = Machine(micro_rows=3)
    opened = open_rows(rows / "valid")
    reading = Reading(opened, False, model.n_vocab, machine.micro_rows)
    learner = Learner(model.causal, precision="f32")
    found = Evaluator(reading, None, 100, CPU).evaluate(learner, Processes(machine, precision="f32"))
    assert set(found.by_objective) == set(OBJECTIVES)
    counts = {name: opened.loss[:, 1:][opened.objective[:, 1:] == at].sum() for at, name in enumerate(OBJECTIVES)}
    total = sum(found.by_objective[name] * counts[name] for name in OBJECTIVES)
    assert found.loss == pytest.approx(total / sum(counts.values()), rel=1e-5)
    assert found.perplexity["ntp"] == pytest.approx(np.exp(found.by_objective["ntp"]))
    assert (found.exact_match, found.n_middles) == (None, 0)
    assert learner.training


@pytest.mark.parametrize(
    ("places", "hits", "found"),
    [
        ([], [], (0, 0)),
        ([3, 4, 5, 9, 10], [1, 1, 1, 1, 0], (1, 2)),
        ([3, 4, 5, 9, 10], [1, 1, 0, 1, 1], (1, 2)),
        ([126, 128], [1, 1], (2, 2)),  # the end of one row and the beginning of the next are two middles
    ],
)
def test_exact_matches(places: list[int], hits: list[int], found: tuple[int, int]) -> None:
    assert exact_matches(np.array(hits, dtype=bool), np.array(places, dtype=np.int64)) == found
