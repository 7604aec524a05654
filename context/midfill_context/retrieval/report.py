"""What retrieval found, as `midfill context --json` prints it and `midfill.explain` tells it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from midfill_context.retrieval.retriever import Retrieved


def report(found: Retrieved) -> dict[str, Any]:
    """The snippets in the order of the prompt, each with its place, why it is there, its score and tokens."""
    return {
        "elapsed_ms": round(found.elapsed_ms, 1),
        "is_complete": found.is_complete,
        "n_tokens": found.n_tokens,
        "snippets": [
            {**asdict(snippet.chunk), "why": snippet.why, "score": round(snippet.score, 4), "n_tokens": n_tokens}
            for snippet, n_tokens in zip(found.snippets, found.snippet_tokens, strict=True)
        ],
    }
