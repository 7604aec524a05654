"""Why a document's last request got the suggestion it got, or none: what `midfill.explain` answers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from midfill_model.engine import StopReason, Timings

_WORDS = {
    StopReason.END_OF_TEXT: "the model ended the completion",
    StopReason.LINE: "the line is complete",
    StopReason.SUFFIX: "the completion met the text after the cursor",
    StopReason.MAX_TOKENS: "the completion reached maxTokens; complete lines are shown",
    StopReason.DEADLINE: "a time budget ran out (promptBudgetMs or decodeBudgetMs); complete lines are shown",
    StopReason.CANCELLED: "the editor cancelled the request",
    StopReason.SUPERSEDED: "a newer request of the same document took its place",
    StopReason.LOADING: "the model is still loading",
    StopReason.NOTHING_TO_CONTINUE: "there is no text before the cursor to continue",
    StopReason.ENGINE_FAILED: "the engine failed; its status says why",
}


@dataclass(frozen=True)
class Explanation:
    """One request's outcome; `stop_reason` is `None` when no engine was asked."""

    why: str
    is_shown: bool = False
    stop_reason: StopReason | None = None
    timings: Timings = field(default_factory=Timings)
    total_ms: float = 0.0

    def to_wire(self) -> dict[str, object]:
        """As JSON, flat, in the names of `midfill complete --json`."""
        stop_reason = self.stop_reason.value if self.stop_reason else None
        total_ms = round(self.total_ms, 1)
        timings = {name: round(value, 1) for name, value in asdict(self.timings).items()}
        return {
            "why": self.why,
            "is_shown": self.is_shown,
            "stop_reason": stop_reason,
            **timings,
            "total_ms": total_ms,
        }


def why_of(stop_reason: StopReason, *, is_shown: bool) -> str:
    """In words, why a completion ended as it did and what became of it."""
    reason = _WORDS[stop_reason]
    return reason if is_shown else f"{reason}; nothing was left to show"
