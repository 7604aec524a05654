"""BLEU-4 of two pieces of code as FIM-Eval's harness has it (PAPER.md section 5)."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sacrebleu.metrics.bleu import BLEU


def bleu4(written: str, reference: str) -> float:
    """From 0 to 1, over the tokens of 13a and without smoothing.

    Equal texts are 1, a text beside an empty one 0; a reference of fewer than four tokens is judged by shorter n-grams.
    """
    if written == reference:
        return 1.0
    if not written or not reference:
        return 0.0
    score = _bleu(min(4, len(_tokens(reference).split()))).sentence_score(written, [reference]).score
    return float(score) / 100


@cache
def _bleu(max_order: int) -> BLEU:
    from sacrebleu.metrics.bleu import BLEU

    return BLEU(tokenize="13a", smooth_method="none", max_ngram_order=max_order, effective_order=False)


def _tokens(text: str) -> str:
    from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

    return str(Tokenizer13a()(text))
