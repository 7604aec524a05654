"""Whether suggestions break the file: at cursors of every kind in finished projects, by how the completion ends.

A suggestion adds a syntax error if the whole file then has more of them than with the hole left empty, both parsed from
scratch by the grammar; of Python, CPython's own parser is asked as well. Exact means that the file is what it was.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from midfill_context.cursor import Cursor
from midfill_context.syntax.errors import MAX_ERRORS, count_errors
from midfill_context.syntax.grammars import parse
from midfill_lsp.bench.completions.cursors import CutOut, cut_cursors
from midfill_lsp.bench.completions.raw_completions import Provenance, RawCompletion, Writer, ending_at
from midfill_lsp.bench.figures import Progress
from midfill_lsp.bench.intervals import Estimate, estimate
from midfill_lsp.suggesting.suggestion import Suggestion, suggestion_from
from midfill_model.ending import Ended, TextEnding
from midfill_model.ending.hole import TooHard
from midfill_model.ending.structure import StructureEnding
from midfill_model.engine import Ending, StopReason

STRUCTURE, UNCUT, LINE, RAW = "structured stop", "the same, not cut", "line mode", "raw end-of-text"
MIN_LOGPROBS = (-0.5, -0.75, -1.0, -1.25, -1.5, -2.0)
_ENDINGS = {STRUCTURE: Ending.STRUCTURE, UNCUT: Ending.STRUCTURE, LINE: Ending.LINE, RAW: Ending.RAW}


@dataclass(frozen=True)
class Answer:
    """What was suggested at one cursor with one ending; `logprob` is the mean of what was written up to there."""

    ending: str
    kind: str
    language: str
    where: str
    text: str
    adds_error: bool
    is_refused: bool
    is_exact: bool
    logprob: float


@dataclass(frozen=True)
class Gate:
    """What is left of the structured stop's answers where the model has to be so sure, and what is held back."""

    min_logprob: float
    answered: Estimate
    n_hidden: int
    n_hidden_exact: int


@dataclass(frozen=True)
class Share:
    """The answers of an ending, of one kind of place or in one language (`part`), or all of them (empty).

    Of the `n_answered` suggestions, `n_errors` add a syntax error, and CPython refuses `n_refused` files that it could
    read with the hole left empty.
    """

    part: str
    ending: str
    answered: Estimate
    n_answered: int
    n_errors: int
    n_refused: int
    exact: Estimate


@dataclass(frozen=True)
class ValidityResult:
    """`gain` is how much more often the structured stop is exact than line mode on the same cursors, and the same where
    one line is missing or nothing. `faults` are the suggestions of the structured stop that add an error: where, what.
    """

    provenance: Provenance
    n_files: int
    shares: tuple[Share, ...]
    gates: tuple[Gate, ...]
    gain: Estimate
    gain_one_line: Estimate | None
    faults: tuple[str, ...]


def run(
    folders: Sequence[Path],
    n_cursors: int,
    progress: Progress,
    model: str = "",
    max_prompt_tokens: int = 256,
    max_tokens: int = 48,
    results: Path | None = None,
) -> ValidityResult:
    """Measure at `n_cursors` in the projects; `results` keeps what the model writes.

    Raises ValueError for folders without code and for another file of results, OSError and ModelError.
    """
    cut_outs = cut_cursors(folders, n_cursors)
    answers: list[Answer] = []
    with Writer(model, max_prompt_tokens, max_tokens, results) as writer:
        for number, cut_out in enumerate(cut_outs, 1):
            progress(f"cursor {number} of {len(cut_outs)}")
            answers += judged(cut_out, writer.write(cut_out.cursor))
    files = [cut_out.file for cut_out in cut_outs]
    gains = list(_gains(answers))
    one_line = [at for at, cut_out in enumerate(cut_outs) if "\n" not in cut_out.reference]
    return ValidityResult(
        writer.provenance,
        len(set(files)),
        tuple(_shares(answers)),
        tuple(_gate(least, [each for each in answers if each.ending == STRUCTURE]) for least in MIN_LOGPROBS),
        estimate(gains, files),
        estimate([gains[at] for at in one_line], [files[at] for at in one_line]) if one_line else None,
        tuple(f"{each.where}, {each.kind}: {each.text!r}" for each in answers if _is_fault(each)),
    )


def render(result: ValidityResult) -> str:
    """The figures as Markdown tables."""
    rows = [
        "| ending | cursors answered | suggestions that add a syntax error | that CPython refuses | exact |",
        "|---|---|---|---|---|",
    ]
    rows += [f"| {share.ending} | {_figures(share)} |" for share in result.shares if not share.part]
    rows += [
        "",
        "| place | ending | cursors answered | add an error | CPython refuses | exact |",
        "|---|---|---|---|---|---|",
    ]
    rows += [f"| {share.part} | {share.ending} | {_figures(share)} |" for share in result.shares if share.part]
    rows += [
        "",
        f"| least mean log-probability, {STRUCTURE} | cursors answered | held back | of them exact |",
        "|---|---|---|---|",
    ]
    rows += [
        f"| {gate.min_logprob} | {_percent(gate.answered)} | {gate.n_hidden} | {gate.n_hidden_exact} |"
        for gate in result.gates
    ]
    rows += [
        "",
        f"Exact more often than line mode: {_gain(result.gain)}; where no more than one line is missing: "
        f"{_gain(result.gain_one_line)}.",
        f"{result.n_files} files; {result.provenance}",
        *(f"- {fault}" for fault in result.faults),
    ]
    return "\n".join(rows) + "\n"


def judged(cut_out: CutOut, raw: RawCompletion) -> Iterator[Answer]:
    """What each ending makes of what the model wrote, and what that does to the file."""
    cursor = cut_out.cursor
    n_errors, is_refused = _n_errors(cursor, cursor.suffix), _is_refused(cursor, cursor.suffix)
    for name in _ENDINGS:
        completion = raw.completion(_ending(name, cursor))
        shown = suggestion_from(completion) or Suggestion("", completion.stop_reason)
        after = shown.text + cursor.suffix[shown.n_replaced :]
        yield Answer(
            name,
            cut_out.kind.value,
            cursor.language,
            cut_out.where,
            shown.text,
            adds_error=_n_errors(cursor, after) > n_errors,
            is_refused=_is_refused(cursor, after) and not is_refused,
            is_exact=after == cut_out.reference + cursor.suffix,
            logprob=fmean(completion.logprobs or (0.0,)),
        )


class _Uncut(StructureEnding):
    """Stops where the structured stop does, and leaves the text as it is then."""

    def finish(self, text: str, reason: StopReason) -> Ended:
        return Ended(text, reason)


def _ending(name: str, cursor: Cursor) -> TextEnding:
    if name == UNCUT:
        with suppress(TooHard):
            return _Uncut(cursor)
    return ending_at(cursor, _ENDINGS[name])


def _n_errors(cursor: Cursor, after: str) -> int:
    tree = parse(cursor.language, (cursor.prefix + after).encode(errors="replace"))
    return MAX_ERRORS if tree is None else count_errors(tree.root_node)


def _is_refused(cursor: Cursor, after: str) -> bool:
    """Whether this is Python that CPython cannot parse."""
    if cursor.language != "python":
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(cursor.prefix + after)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    return False


def _is_fault(answer: Answer) -> bool:
    return answer.ending == STRUCTURE and (answer.adds_error or answer.is_refused)


def _gains(answers: Iterable[Answer]) -> Iterator[int]:
    """For each cursor, whether the structured stop is exact there and line mode is not (1), or the other way (-1)."""
    exact = {name: [each.is_exact for each in answers if each.ending == name] for name in (STRUCTURE, LINE)}
    return (ours - theirs for ours, theirs in zip(exact[STRUCTURE], exact[LINE], strict=True))


def _shares(answers: Sequence[Answer]) -> Iterator[Share]:
    kinds, languages = ({each.kind: None for each in answers}, {each.language: None for each in answers})
    for name in _ENDINGS:
        yield _share("", name, answers)
    for part in (*kinds, *languages):
        for name in (STRUCTURE, LINE):
            yield _share(part, name, [each for each in answers if part in (each.kind, each.language)])


def _share(part: str, name: str, answers: Iterable[Answer]) -> Share:
    some = [each for each in answers if each.ending == name]
    files = [_file(each) for each in some]
    return Share(
        part,
        name,
        estimate([bool(each.text) for each in some], files),
        sum(bool(each.text) for each in some),
        sum(each.adds_error for each in some),
        sum(each.is_refused for each in some),
        estimate([each.is_exact for each in some], files),
    )


def _gate(least: float, answers: Sequence[Answer]) -> Gate:
    hidden = [each for each in answers if each.text and each.logprob < least]
    files = [_file(each) for each in answers]
    answered = estimate([bool(each.text) and each.logprob >= least for each in answers], files)
    return Gate(least, answered, len(hidden), sum(each.is_exact for each in hidden))


def _file(answer: Answer) -> str:
    return answer.where.rsplit(":", 2)[0]


def _figures(share: Share) -> str:
    errors = f"{share.n_errors} ({100 * share.n_errors / max(share.n_answered, 1):.1f} %)"
    return (
        f"{_percent(share.answered)}, n = {share.answered.n} | {errors} | {share.n_refused} | {_percent(share.exact)}"
    )


def _gain(found: Estimate | None) -> str:
    return "no case" if found is None else f"{_percent(found)}, n = {found.n}"


def _percent(found: Estimate) -> str:
    return f"{100 * found.mean:.1f} % [{100 * found.low:.1f}, {100 * found.high:.1f}]"
