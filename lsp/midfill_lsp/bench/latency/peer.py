"""midfill beside llama.vim with llama-server: the same keys, model, files and machine, played file by file in turn.

What is played is `script`; how, is told by `editor` (midfill, over LSP, its workspace indexed before) and `llama_vim`
(the peer, once without and once with its ring of chunks). The servers run all the time, but while one is played with,
the others are held. Time counts from a key at which a suggestion is due until it is there, or until it is certain that
there is none. CPU time is that of the servers with all their processes; editors are left out on both sides.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from midfill_lsp.bench.context.index import copy_workspace
from midfill_lsp.bench.figures import Progress, percentile
from midfill_lsp.bench.latency.cancelling import Cancels, measure_cancels
from midfill_lsp.bench.latency.editor import Editor
from midfill_lsp.bench.latency.llama_server import LlamaServer
from midfill_lsp.bench.latency.llama_vim import LlamaVim
from midfill_lsp.bench.latency.playing import Played, Player, cpu_s, hold, play, release, released
from midfill_lsp.bench.latency.script import Session, sessions
from midfill_lsp.bench.latency.typing import connect
from midfill_model.files.catalogue import DEFAULT_MODEL, find_model

OWN_SOURCE = Path(__file__).parents[2]  # what is typed into, where nothing else is given
SETTLE_S = 120.0
MAX_STOLEN = 0.1  # of the processors' time: a wait that lasted longer for other machines tells nothing
MIN_TOLD_MS = 100.0  # stolen time is told in steps of 10 ms, too coarse for shorter waits


@dataclass(frozen=True)
class Figures:
    """What one contestant's play came to; the waits of `model_` are those in which a model had to run.

    Mean and percentiles are of the waits in which other machines left the processors alone: all but `n_disturbed`.
    """

    name: str
    n_keys: int
    n_due: int
    n_shown: int
    total_wait_s: float
    n_disturbed: int
    mean_wait_ms: float
    model_p50_ms: float
    model_p95_ms: float
    cpu_s_per_100_keys: float
    without_model: float
    reused: float
    decoded_per_suggestion: float


@dataclass(frozen=True)
class LatencyResult:
    """What `midfill bench latency` prints."""

    model: str
    contestants: tuple[Figures, ...]
    cancels: Cancels


def run(peer: Path, model: str, folder: Path | None, progress: Progress) -> LatencyResult:
    """Play the script; `peer` is a llama-server, `folder` holds the files that are typed into."""
    found = find_model(model or DEFAULT_MODEL)
    with tempfile.TemporaryDirectory(prefix="midfill-bench-") as made:
        root = Path(made).resolve() / "workspace"
        copy_workspace(folder or OWN_SOURCE, root, 0)
        script = sessions(root)
        played = asyncio.run(_play_all(script, peer, found.path, root, progress))
        text = script[0].text
    return LatencyResult(
        model=found.name,
        contestants=tuple(_figures(name, play) for name, play in played.items()),
        cancels=measure_cancels(str(found.path), text, progress),
    )


def render(result: LatencyResult) -> str:
    """The figures as a Markdown table."""
    rows = [
        ("keys, of which a suggestion was due at", [f"{each.n_keys}, {each.n_due}" for each in result.contestants]),
        ("suggestions shown there", [str(each.n_shown) for each in result.contestants]),
        ("waited for them in all", _beside(result, "total_wait_s", " s")),
        ("waits that other machines disturbed", [str(each.n_disturbed) for each in result.contestants]),
        ("mean of the others", _beside(result, "mean_wait_ms", " ms")),
        ("median wait where a model ran", _beside(result, "model_p50_ms", " ms")),
        ("p95 wait where a model ran", _beside(result, "model_p95_ms", " ms")),
        ("CPU time per 100 keys", _beside(result, "cpu_s_per_100_keys", " s")),
        ("answered without a model", [f"{each.without_model:.0%}" for each in result.contestants]),
        ("prompt tokens reused", [f"{each.reused:.0%}" for each in result.contestants]),
        ("tokens decoded per suggestion", [f"{each.decoded_per_suggestion:.1f}" for each in result.contestants]),
    ]
    head = ["| | " + " | ".join(each.name for each in result.contestants) + " |", "|---" * (len(rows[0][1]) + 1) + "|"]
    lines = [f"| {name} | {' | '.join(cells)} |" for name, cells in rows]
    return "\n".join([*head, *lines, "", f"cancel to worker free: {result.cancels}"])


async def _play_all(
    script: Sequence[Session], peer: Path, model: Path, root: Path, progress: Progress
) -> dict[str, Played]:
    """Every file with every contestant, each beginning as often as the others."""
    players: list[Player] = []
    try:
        progress("starting ...")
        players.append(await _midfill(model, root))
        players += [await _peer(peer, model, has_ring=has_ring) for has_ring in (False, True)]
        played = {player.name: Played([]) for player in players}
        for player in players:
            hold(player)
        for number, session in enumerate(script):
            for place in range(len(players)):
                player = players[(number + place) % len(players)]
                progress(f"typing into file {number + 1}/{len(script)} with {player.name}")
                with released(player):
                    await play(session, player, played[player.name])
        return played
    finally:
        for player in players:
            release(player)
            await player.close()


def _beside(result: LatencyResult, figure: str, unit: str) -> list[str]:
    """One figure of all contestants; in brackets what share of each peer's ours is."""
    ours, *peers = (getattr(each, figure) for each in result.contestants)
    return [f"{ours:,.1f}{unit}", *(f"{peer:,.1f}{unit} ({ours / peer:.2f})" if peer else "" for peer in peers)]


async def _midfill(model: Path, root: Path) -> Editor:
    before = {child.pid for child in psutil.Process().children()}
    client = await connect({"model": str(model)}, root)
    [server] = [child for child in psutil.Process().children() if child.pid not in before]
    player = Editor(client, root, server)
    await _settled(player)
    return player


async def _peer(program: Path, model: Path, *, has_ring: bool) -> LlamaVim:
    server = LlamaServer(program, model)
    try:
        await server.wait_until_loaded()
    except BaseException:
        server.close()
        raise
    return LlamaVim(server, has_ring=has_ring)


async def _settled(player: Player) -> None:
    """Wait until the workspace is indexed: the processes have nothing to do."""
    deadline, used_s = time.monotonic() + SETTLE_S, -1.0
    while time.monotonic() < deadline and cpu_s(player) - used_s > 0.05:
        used_s = cpu_s(player)
        await asyncio.sleep(1)


def _figures(name: str, played: Played) -> Figures:
    waits = played.waits
    calm = [wait for wait in waits if wait.stolen <= MAX_STOLEN or wait.wait_ms < MIN_TOLD_MS]
    by_model = [wait.wait_ms for wait in calm if wait.origin.is_from_model]
    n_prompt = sum(wait.origin.n_prompt_tokens for wait in waits)
    n_shown = sum(wait.is_shown for wait in waits)
    return Figures(
        name=name,
        n_keys=played.n_keys,
        n_due=len(waits),
        n_shown=n_shown,
        total_wait_s=round(sum(wait.wait_ms for wait in waits) / 1000, 3),
        n_disturbed=len(waits) - len(calm),
        mean_wait_ms=round(statistics.fmean(wait.wait_ms for wait in calm), 1) if calm else 0.0,
        model_p50_ms=percentile(by_model, 50) if len(by_model) > 1 else sum(by_model),
        model_p95_ms=percentile(by_model, 95) if len(by_model) > 1 else sum(by_model),
        cpu_s_per_100_keys=round(100 * played.cpu_s / played.n_keys, 2),
        without_model=round(statistics.fmean(not wait.origin.is_from_model for wait in waits), 3),
        reused=round(sum(wait.origin.n_reused_tokens for wait in waits) / n_prompt, 3) if n_prompt else 1.0,
        decoded_per_suggestion=round(sum(wait.origin.n_completion_tokens for wait in waits) / (n_shown or 1), 1),
    )
