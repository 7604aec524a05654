"""Whether completions end where they should: holes whose content is known, by how the completion ends.

The cases are rows of SantaCoder-FIM, one line each, or what `midfill-train cut-fim-eval` cuts out of projects: the 13
scenarios of FIM-Eval, of which `empty` is right when nothing is said. The model writes once for all endings. Texts are
compared stripped, and lengths are characters of stripped texts; nothing said counts as length 0.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from midfill_context.cursor import Cursor
from midfill_context.languages import language
from midfill_lsp.bench.completions.raw_completions import Provenance, RawCompletion, Writer, ending_at
from midfill_lsp.bench.figures import Progress
from midfill_lsp.bench.intervals import Estimate, estimate
from midfill_model.engine import Ending

STRUCTURE, SURE, LINE, RAW = "structured stop", "the same, where sure", "line mode", "raw end-of-text"
_ENDINGS = {STRUCTURE: Ending.STRUCTURE, SURE: Ending.STRUCTURE, LINE: Ending.LINE, RAW: Ending.RAW}
_SINGLE_LINES = ("one line", "single line")  # of SantaCoder-FIM and of FIM-Eval
_SANTACODER = {"py": "python", "java": "java", "js": "javascript"}


@dataclass(frozen=True)
class GroupEnding:
    """One group of cases with one ending; `silent` is the share of cases where nothing was said.

    `ratio` is mean length by mean length of the true text, `ratio_said` the same where something was said; None where
    all these true texts are empty.
    """

    group: str
    ending: str
    exact: Estimate
    silent: float
    mean_chars: float
    mean_true_chars: float
    ratio: float | None
    ratio_said: float | None


@dataclass(frozen=True)
class EndingsResult:
    """What `midfill bench endings` prints."""

    provenance: Provenance
    groups: tuple[GroupEnding, ...]


def run(
    data: Sequence[Path],
    per_group: int | None,
    progress: Progress,
    model: str = "",
    max_prompt_tokens: int = 256,
    max_tokens: int = 96,
    results: Path | None = None,
) -> EndingsResult:
    """Measure at `per_group` cases of each group, always the same ones, or at all; `results` keeps what is written.

    Raises ValueError for data of another shape and for another file of results, OSError and ModelError.
    """
    cases = [case for path in data for case in _chosen(list(_cases(path)), per_group)]
    if not cases:
        raise ValueError("the data have no cases")
    written: dict[str, list[_Written]] = defaultdict(list)
    with Writer(model, max_prompt_tokens, max_tokens, results) as writer:
        for number, case in enumerate(cases, 1):
            progress(f"case {number} of {len(cases)}")
            written[case.group].append(_written(case, writer.write(case.cursor), writer.min_logprob))
    lines = [each for group, found in written.items() if group.startswith(_SINGLE_LINES) for each in found]
    parts = {**written, "all single lines": lines} if lines else written
    groups = tuple(_summary(part, name, found) for part, found in parts.items() for name in _ENDINGS)
    return EndingsResult(writer.provenance, groups)


def render(result: EndingsResult) -> str:
    """The figures as a Markdown table."""
    rows = [
        "| cases | ending | exact | nothing said | characters, true text | ratio | where something was said |",
        "|---|---|---|---|---|---|---|",
    ]
    for found in result.groups:
        exact = f"{100 * found.exact.mean:.1f} % [{100 * found.exact.low:.1f}, {100 * found.exact.high:.1f}]"
        ratios = ("" if ratio is None else f"{ratio:.2f}" for ratio in (found.ratio, found.ratio_said))
        rows.append(
            f"| {found.group} | {found.ending} | {exact}, n = {found.exact.n} | {100 * found.silent:.1f} % "
            f"| {found.mean_chars:.1f}, {found.mean_true_chars:.1f} | {' | '.join(ratios)} |"
        )
    rows += ["", str(result.provenance)]
    return "\n".join(rows) + "\n"


@dataclass(frozen=True)
class _Case:
    """Cases of one `cluster` come from the same problem or file."""

    group: str
    cluster: str
    cursor: Cursor
    true_text: str


@dataclass(frozen=True)
class _Written:
    """The stripped texts of a case by ending."""

    cluster: str
    true_text: str
    texts: Mapping[str, str]


def _written(case: _Case, raw: RawCompletion, min_logprob: float | None) -> _Written:
    least = {SURE: min_logprob}
    texts = {
        name: raw.completion(ending_at(case.cursor, ending), least.get(name)).text.strip()
        for name, ending in _ENDINGS.items()
    }
    return _Written(case.cluster, case.true_text.strip(), texts)


def _summary(group: str, name: str, written: Sequence[_Written]) -> GroupEnding:
    texts = [each.texts[name] for each in written]
    exact = [each.texts[name] == each.true_text for each in written]
    said = [each for each in written if each.texts[name]]
    return GroupEnding(
        group,
        name,
        estimate(exact, [each.cluster for each in written]),
        round(1 - len(said) / len(written), 4),
        round(fmean(map(len, texts)), 2),
        round(fmean(len(each.true_text) for each in written), 2),
        _ratio(name, written),
        _ratio(name, said),
    )


def _ratio(name: str, written: Sequence[_Written]) -> float | None:
    n_true_chars = sum(len(each.true_text) for each in written)
    return round(sum(len(each.texts[name]) for each in written) / n_true_chars, 3) if n_true_chars else None


def _cases(data: Path) -> Iterator[_Case]:
    try:
        with gzip.open(data, "rt", encoding="utf-8") if data.suffix == ".gz" else data.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                yield _scenario(row) if "task_type" in row else _one_line(row)
    except (ValueError, KeyError, TypeError, EOFError) as error:
        raise ValueError(f"{data} has no cases of SantaCoder-FIM or FIM-Eval: {error}") from error


def _one_line(row: Mapping[str, Any]) -> _Case:
    """Most rows lack the newlines around the line: the cursor stands on an empty line, as in an editor."""
    known = language(_SANTACODER[row["language"]])
    assert known is not None
    before, after = row["prompt"].removesuffix("\n") + "\n", "\n" + row["suffix"]
    cursor = Cursor(f"main{known.extensions[0]}", known.id, before, after)
    return _Case(f"one line, {known.name}", row["name"].rpartition("-")[0], cursor, row["canonical_solution"])


def _scenario(row: Mapping[str, Any]) -> _Case:
    cursor = Cursor(row["path"], row["language"], row["pre_mask_code"], row["post_mask_code"])
    return _Case(row["task_type"].replace("_", " "), row["path"], cursor, row["canonical_solution"])


def _chosen(cases: Sequence[_Case], per_group: int | None) -> Iterator[_Case]:
    """So many of each group, by lot; a larger number only adds to them."""
    groups: dict[str, list[_Case]] = defaultdict(list)
    for case in sorted(cases, key=_lot):
        groups[case.group].append(case)
    return (case for group in groups.values() for case in group[:per_group])


def _lot(case: _Case) -> bytes:
    text = f"{case.cursor.prefix}\0{case.cursor.suffix}"
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()
