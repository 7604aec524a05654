"""A minute of fast typing: every key arrives, ghost text always fits, memory stays."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from e2e.vscode.code_server import CodeServer
from e2e.vscode.window import Window

pytestmark = pytest.mark.e2e

KEYS_PER_S = 12
TYPING_S = 60
MAX_GROWTH_MIB = 40  # of server and worker together, once they have warmed up

# Notes, at every frame that looks different, the line of the cursor: its number, its text, the ghost text behind it.
WATCH = """() => {
  window.seen = [];
  let last = '';
  const note = () => {
    const number = document.querySelector('.line-numbers.active-line-number')?.textContent;
    const top = document.querySelector('.current-line')?.parentElement?.style.top;
    const line = [...document.querySelectorAll('.view-lines > .view-line')].find((each) => each.style.top === top);
    const spans = [...(line?.querySelectorAll('span > span') ?? [])];
    const isGhost = (span) => span.className.includes('ghost-text');
    const text = (wanted) => spans.filter((span) => isGhost(span) === wanted).map((span) => span.textContent).join('');
    const below = [...document.querySelectorAll('.suggest-preview-text .view-line')].map((each) => each.textContent);
    const now = JSON.stringify([Number(number), text(false), [text(true), ...below].join('\\n')]);
    if (now !== last) window.seen.push(now);
    last = now;
    requestAnimationFrame(note);
  };
  note();
}"""


@dataclass(frozen=True)
class Answer:
    """A suggestion of the server's, for the text that ended at an offset."""

    offset: int
    text: str


def code(n_keys: int) -> str:
    """Something a person might type, that repeats itself enough to be completed."""
    names = ["add", "subtract", "multiply", "divide", "power", "remainder", "minimum", "maximum", "average", "distance"]
    parts = [f"def {name}(left, right):\n    result = left + right\n    return result\n\n\n" for name in names]
    return "".join(parts * (n_keys // len("".join(parts)) + 1))[:n_keys].rstrip()


def messages(recorded: bytes) -> Iterator[Any]:
    """The messages in one direction of a recorded conversation."""
    for header in re.finditer(rb"Content-Length: (\d+)\r\n(?:.*\r\n)*?\r\n", recorded):
        with_body = recorded[header.end() : header.end() + int(header[1])]
        if len(with_body) == int(header[1]):
            yield json.loads(with_body)


def answers(recording: Path, text: str) -> list[Answer]:
    """What the server suggested, for a file at whose end `text` was typed and nothing else."""
    asked = {
        message["id"]: message["params"]["position"]
        for message in messages(recording.with_suffix(".in").read_bytes())
        if message.get("method") == "textDocument/inlineCompletion"
    }
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    found: list[Answer] = []
    for message in messages(recording.with_suffix(".out").read_bytes()):
        if (position := asked.get(message.get("id"))) and message.get("result"):
            offset = starts[position["line"]] + position["character"]
            found += [Answer(offset, item["insertText"]) for item in message["result"]["items"]]
    return found


def fits(typed: str, ghost: str, known: list[Answer]) -> bool:
    """Whether the ghost text is what is left of a suggestion that was made here, or earlier and typed along since.

    A frame may show the editor half way through drawing: then lines are missing, but none is wrong.
    """
    in_line, *below = ghost.split("\n")
    wholes = (typed[: answer.offset] + answer.text for answer in known if answer.offset <= len(typed))
    for left in (whole[len(typed) :].split("\n") for whole in wholes if whole.startswith(typed)):
        if in_line in ("", left[0]) and set(below) <= set(left[1:]):
            return True
    return False


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    return tmp_path / "conversation"


@pytest.fixture
def recorded_server(start_code_server: Callable[..., CodeServer], recording: Path, tmp_path: Path) -> CodeServer:
    """A code-server whose user's Python writes down what the server reads and says."""
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\ntee {recording}.in | "{sys.executable}" "$@" | tee {recording}.out\n', encoding="utf-8"
    )
    python.chmod(0o755)
    return start_code_server({"midfill.pythonPath": str(python)})


@pytest.mark.timeout(240)
def test_a_minute_of_typing(
    recorded_server: CodeServer,
    new_window: Callable[[CodeServer], Window],
    recording: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "project/a.py"
    file.parent.mkdir()
    file.write_text("")
    window = new_window(recorded_server)
    window.open(file.parent, file, trust=True)
    window.until_ready()
    window.page.evaluate(WATCH)
    text = code(KEYS_PER_S * TYPING_S)
    began, memory_mib = time.monotonic(), []
    for i, key in enumerate(text):
        window.page.wait_for_timeout(max(0.0, 1000 * (began + i / KEYS_PER_S - time.monotonic())))
        window.page.keyboard.type(key)
        if i % (KEYS_PER_S * 10) == 0:
            memory_mib.append(rss_mib(recorded_server))
    took_s = time.monotonic() - began
    memory_mib.append(rss_mib(recorded_server))
    seen = [json.loads(each) for each in window.page.evaluate("window.seen")]
    window.press("Escape")
    window.see_saved(file, text)

    known, lines = answers(recording, text), text.split("\n")
    shown = [
        ("\n".join([*lines[: number - 1], blanks(line)]), blanks(ghost))
        for number, line, ghost in seen
        if ghost.strip()
    ]
    stale = [(typed[-40:], ghost) for typed, ghost in shown if text.startswith(typed) and not fits(typed, ghost, known)]
    with capsys.disabled():
        print(
            f"\nVS Code: {len(text)} keys in {took_s:.0f} s, {len(known)} answers, {len(shown)} frames with other ghost"
            f" text, {len(stale)} of them stale; server and worker {memory_mib} MiB, every 10 s"
        )
    assert shown
    assert not stale
    assert max(memory_mib[2:]) - memory_mib[2] < MAX_GROWTH_MIB


def blanks(text: str) -> str:
    return text.replace("\u00a0", " ").removesuffix("\n")


def rss_mib(server: CodeServer) -> int:
    """Memory of the server and its worker."""
    found: list[psutil.Process] = server.processes("midfill_lsp") + server.processes("midfill_model")
    return sum(process.memory_info().rss for process in found) >> 20
