"""Why a document's last request got the suggestion it got, or none: what `midfill.explain` answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from midfill_lsp.suggesting.suggestion import Suggestion
from midfill_model.engine import Completion, StopReason, Timings

if TYPE_CHECKING:
    from midfill_context.retrieval.retriever import Retrieved


class Stage(str, Enum):
    """Where on its way the outcome of a request was decided."""

    DOCUMENT = "document"  # nothing was asked for, or the text is another one by now
    SETTINGS = "settings"
    ENGINE = "engine"  # loading, failed
    KEPT = "kept"  # from an earlier request, or prefetched
    CURSOR = "cursor"  # the place needs nothing
    MODEL = "model"
    BUDGET = "budget"  # time or tokens ran out
    ENDING = "ending"  # the completion was cut
    GATE = "gate"  # the model was not sure enough


_OUTCOMES = {
    StopReason.END_OF_TEXT: (Stage.MODEL, "the model ended the completion"),
    StopReason.STRUCTURE: (Stage.ENDING, "what was open at the cursor is complete"),
    StopReason.LINE: (Stage.ENDING, "the line is complete"),
    StopReason.SUFFIX: (Stage.ENDING, "the completion met the text after the cursor"),
    StopReason.REPETITION: (Stage.ENDING, "the model said the same again and again"),
    StopReason.NO_VALID_CUT: (Stage.ENDING, "every piece of the completion would have added a syntax error"),
    StopReason.UNSURE: (Stage.GATE, "the model was not sure enough of the completion"),
    StopReason.MAX_TOKENS: (Stage.BUDGET, "the completion reached maxTokens; what is whole is shown"),
    StopReason.DEADLINE: (
        Stage.BUDGET,
        "a time budget ran out (promptBudgetMs or decodeBudgetMs); what is whole is shown",
    ),
    StopReason.CANCELLED: (Stage.DOCUMENT, "the editor cancelled the request"),
    StopReason.SUPERSEDED: (Stage.DOCUMENT, "a newer request of the same document took its place"),
    StopReason.LOADING: (Stage.ENGINE, "the model is still loading"),
    StopReason.NOTHING_NEEDED: (Stage.CURSOR, "the code at the cursor is complete"),
    StopReason.NOTHING_TO_CONTINUE: (Stage.CURSOR, "there is no text before the cursor to continue"),
    StopReason.ENGINE_FAILED: (Stage.ENGINE, "the engine failed; its status says why"),
}


@dataclass(frozen=True)
class Answer:
    """What came of one request, the best suggestion first. Without a completion that was known before.

    `is_reused` where the model was not asked anew; `context_ms` is what finding the snippets took.
    """

    suggestions: tuple[Suggestion, ...] = ()
    retrieved: Retrieved | None = None
    completion: Completion | None = None
    is_reused: bool = False
    context_ms: float = 0.0
    total_ms: float = 0.0

    @property
    def suggestion(self) -> Suggestion | None:
        """The best one."""
        return self.suggestions[0] if self.suggestions else None


@dataclass(frozen=True)
class Explanation:
    """One request's outcome in words; `stop_reason` is `None` when no engine was asked."""

    why: str
    stage: Stage = Stage.DOCUMENT
    is_shown: bool = False
    is_reused: bool = False
    stop_reason: StopReason | None = None
    timings: Timings = field(default_factory=Timings)
    context_ms: float = 0.0
    total_ms: float = 0.0
    retrieved: Retrieved | None = None

    def to_wire(self) -> dict[str, object]:
        """As JSON, flat, in the names of `midfill complete --json`."""
        timings = {name: round(value, 1) for name, value in asdict(self.timings).items()}
        return {
            "why": self.why,
            "stage": self.stage.value,
            "is_shown": self.is_shown,
            "is_reused": self.is_reused,
            "stop_reason": self.stop_reason.value if self.stop_reason else None,
            **timings,
            "context_ms": round(self.context_ms, 1),
            "total_ms": round(self.total_ms, 1),
            "snippets": _report(self.retrieved)["snippets"] if self.retrieved else [],
        }


def explanation_of(answer: Answer, *, is_stale: bool) -> Explanation:
    """The outcome of a request; stale is one whose document has changed meanwhile."""
    completion = answer.completion
    is_shown = bool(answer.suggestions) and not is_stale
    stage, why = _outcome(completion, is_shown=is_shown)
    if is_stale:
        stage, why = Stage.DOCUMENT, "the document changed meanwhile"
    return Explanation(
        why=why,
        stage=stage,
        is_shown=is_shown,
        is_reused=answer.is_reused,
        stop_reason=completion.stop_reason if completion else None,
        timings=completion.timings if completion else Timings(),
        context_ms=answer.context_ms,
        total_ms=answer.total_ms,
        retrieved=answer.retrieved,
    )


def _outcome(completion: Completion | None, *, is_shown: bool) -> tuple[Stage, str]:
    if completion is None:
        return Stage.KEPT, "known from an earlier request" if is_shown else "an earlier request here found nothing"
    stage, why = _OUTCOMES[completion.stop_reason]
    return stage, why if is_shown else f"{why}; nothing was left to show"


def _report(retrieved: Retrieved) -> dict[str, Any]:
    from midfill_context.retrieval.report import report  # with it come index and parsers, which not everybody uses

    return report(retrieved)
