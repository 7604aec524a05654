"""Files in which an analyser finds a high-risk bug go (PAPER.md section 1, row 7); all other findings are counted.

Analysers are programs of their own, one run of each a project. Which there are, how they are called and which of their
rules drop a file is data, in `analysis.toml`. One that is not installed is left out, and the findings say so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.filters.tables import table
from midfill_training.corpus.verdict import Verdict
from midfill_training.errors import BadInput, OutputError


@dataclass(frozen=True)
class AnalysisSettings:
    """Which analysers run, and for how long on one project."""

    analysers: tuple[str, ...] = ("ruff", "eslint", "cppcheck")
    # ruff takes a second for 5 MB; a file of deep templates can keep cppcheck busy for hours.
    timeout_s: float = 60.0


@dataclass(frozen=True)
class Analyser:
    """A row of `analysis.toml`."""

    program: str
    languages: tuple[str, ...]
    suffix: str
    command: tuple[str, ...]
    output: str
    high_risk: Mapping[str, str]
    counted: tuple[str, ...] = ()

    def executable(self) -> str | None:
        """Where the program is, beside the running Python or on PATH."""
        return shutil.which(self.program, path=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))


@dataclass(frozen=True)
class AnalysisFilter:
    """Drops files. BadInput for an analyser that is not in the table."""

    settings: AnalysisSettings = AnalysisSettings()

    def __post_init__(self) -> None:
        for name in self.settings.analysers:
            if name not in analysers():
                raise BadInput(f"analysis.analysers has {name!r}; there are {', '.join(analysers())}")

    def __call__(self, files: Sequence[SourceFile]) -> Iterator[Verdict]:
        findings: list[Counter[str]] = [Counter() for _ in files]
        risks = [""] * len(files)
        for name in self.settings.analysers:
            analyser = analysers()[name]
            mine = [number for number, file in enumerate(files) if file.language in analyser.languages]
            if not mine:
                continue
            try:
                for place, rule in _run(analyser, [files[number].text for number in mine], self.settings.timeout_s):
                    number = mine[place]
                    findings[number][f"{name} {rule}"] += 1
                    if rule in analyser.high_risk:
                        risks[number] = risks[number] or f"{name} {rule}: {analyser.high_risk[rule]}"
            except _NoFindings as reason:
                findings[mine[0]][f"{name}: {reason}"] += 1
        for file, risk, counts in zip(files, risks, findings, strict=True):
            yield Verdict(None if risk else file, risk, counts)


class _NoFindings(Exception):
    """The analyser said nothing of this project; the message says why."""


def _run(analyser: Analyser, texts: Sequence[str], timeout_s: float) -> Iterator[tuple[int, str]]:
    """The place in `texts` and the rule of each finding. Raises _NoFindings, OutputError."""
    executable = analyser.executable()
    if executable is None:
        raise _NoFindings("not installed")
    with tempfile.TemporaryDirectory(prefix="midfill-analysis-") as folder:
        try:
            for place, text in enumerate(texts):
                Path(folder, f"{place}{analyser.suffix}").write_bytes(text.encode())
        except OSError as error:
            raise OutputError(f"{folder}: {error.strerror}; make space there, or set TMPDIR to another disk") from error
        command = [executable, *_rules(analyser), *analyser.command]
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, timeout=timeout_s, check=False, stdin=subprocess.DEVNULL
            )
            out, err = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
            found = list(_PARSERS[analyser.output](out, err))
        except subprocess.TimeoutExpired:
            raise _NoFindings(f"stopped after {timeout_s:g} s") from None
        except (OSError, ValueError, KeyError, TypeError):
            raise _NoFindings("failed") from None
    for path, rule in found:
        number = Path(path).name.removesuffix(analyser.suffix)
        if number.isdecimal() and int(number) < len(texts):
            yield int(number), rule


def _rules(analyser: Analyser) -> list[str]:
    """eslint runs no rule that it is not told; the others have families."""
    if analyser.output != "eslint":
        return []
    return ["--rule", json.dumps(dict.fromkeys([*analyser.high_risk, *analyser.counted], "error"))]


# --- what they print: path and rule of each finding ---


def _ruff(out: str, _: str) -> Iterator[tuple[str, str]]:
    """Syntax errors have no code of a family, and are another filter's business."""
    for finding in json.loads(out):
        if finding["code"] and finding["code"][0].isupper():
            yield finding["filename"], finding["code"]


def _eslint(out: str, _: str) -> Iterator[tuple[str, str]]:
    for file in json.loads(out):
        yield from ((file["filePath"], message["ruleId"]) for message in file["messages"] if message["ruleId"])


def _cppcheck(_: str, err: str) -> Iterator[tuple[str, str]]:
    for line in err.splitlines():
        path, tab, rest = line.partition("\t")
        if tab:
            yield path, rest.partition("\t")[0]


_PARSERS: Mapping[str, Callable[[str, str], Iterable[tuple[str, str]]]] = {
    "ruff": _ruff,
    "eslint": _eslint,
    "cppcheck": _cppcheck,
}


@cache
def analysers() -> dict[str, Analyser]:
    """The analysers that midfill knows, by name."""
    return {name: Analyser(**{**row, "languages": tuple(row["languages"])}) for name, row in table("analysis").items()}
