"""Which prompt answers, and what is read beside it."""

from __future__ import annotations

import pytest

from midfill_context.cursor import Cursor
from midfill_model.engine import CompletionRequest, Limits, Priority
from midfill_model.local.kv_cache import MAIN, QUICK
from midfill_model.local.prompt_choice import MIN_QUICK_TOKENS
from scripted_choice import COLD_WAIT_MS, LONG, N_WRITTEN, SHORT, SNIPPET, TOKENS_PER_S, scripted


def test_what_is_read_in_time_answers_whole() -> None:
    model = scripted()
    assert model.ask(SHORT)[1] == MAIN
    assert not model.choice.has_unread


@pytest.mark.parametrize("cold_wait_ms", [None, 10_000.0], ids=["wait for it", "long"])
def test_whoever_waits_gets_everything(cold_wait_ms: float | None) -> None:
    model = scripted(cold_wait_ms)
    prompt, sequence = model.ask(LONG, SNIPPET)
    assert sequence == MAIN
    assert prompt.n_snippet_tokens > 200


def test_snippets_come_when_they_are_read() -> None:
    """The file alone answers at once; what is read beside it takes over and follows the typing."""
    model = scripted()
    prompt, sequence = model.ask(SHORT, SNIPPET)
    assert (sequence, prompt.n_snippet_tokens) == (QUICK, 0)
    assert model.choice.has_unread
    model.choice.read_on()
    assert not model.choice.has_unread
    for typed in ("y", "y =", "y = x", "y = x\n\n"):
        n_before = model.context.n_decoded
        prompt, sequence = model.ask(SHORT + typed, SNIPPET)
        assert sequence == MAIN
        assert prompt.n_snippet_tokens > 200
        assert model.context.n_decoded - n_before <= 4


def test_typing_on_loses_nothing_of_what_was_read_beside() -> None:
    model = scripted()
    for at in range(1, 20):
        prompt, sequence = model.ask(SHORT + "y" * at, SNIPPET)
        if sequence == MAIN:
            break
        model.context.interrupt_at = len(model.context.batches) + 3  # the next key
        model.choice.read_on()
        assert model.choice.has_unread
        model.context.interrupt_at = None
    assert sequence == MAIN
    assert model.context.n_decoded == len(prompt.drafted) + len(model.context.sequences[QUICK]), "each token once"


def test_a_long_file_answers_with_less_of_itself_and_keeps_its_size() -> None:
    model = scripted()
    prompt, sequence = model.ask(LONG)
    assert sequence == QUICK
    assert MIN_QUICK_TOKENS <= len(prompt.drafted) <= TOKENS_PER_S * COLD_WAIT_MS / 1000
    for typed in ("y", "y =", "y = x"):
        n_before = model.context.n_decoded
        assert model.ask(LONG + typed)[1] == QUICK
        assert model.context.n_decoded - n_before <= 3
    model.choice.read_on()
    prompt, sequence = model.ask(LONG + "y = x1")
    assert sequence == MAIN
    assert len(prompt.drafted) > len(LONG)


def test_a_file_that_was_read_answers_while_its_snippets_are_read() -> None:
    model = scripted()
    model.ask(LONG)
    model.choice.read_on()
    n_before = model.context.n_decoded
    prompt, sequence = model.ask(LONG + "y", SNIPPET)
    assert sequence == QUICK
    assert len(prompt.drafted) > len(LONG)
    assert model.context.n_decoded - n_before == 1


def test_nobody_waits_for_a_warm_up() -> None:
    model = scripted()
    assert model.ask(LONG, SNIPPET, limits=Limits(0), priority=Priority.BACKGROUND)[1] == MAIN
    assert not model.choice.has_unread
    assert model.ask(LONG + "y", SNIPPET)[1] == MAIN


def test_a_warm_up_lays_out_what_is_asked_for_later() -> None:
    """Also where what may be written takes from the room for snippets."""
    model = scripted(10_000)
    model.choice.choose(CompletionRequest(Cursor("a.py", "", "x", "")), 400)
    cursor = Cursor("a.py", "python", LONG, "\nz = 9\n")
    warm, _ = model.choice.choose(CompletionRequest(cursor, (SNIPPET, SNIPPET), limits=Limits(0)), 32)
    typed, _ = model.choice.choose(CompletionRequest(cursor, (SNIPPET, SNIPPET)), 400)
    assert warm == typed


def test_another_place_is_answered_in_time_as_well() -> None:
    model = scripted()
    model.ask(LONG, SNIPPET)
    model.choice.read_on()
    n_before = model.context.n_decoded
    prompt, sequence = model.ask("def other():\n" * 90, SNIPPET)
    assert sequence == QUICK
    assert 0 < model.context.n_decoded - n_before <= TOKENS_PER_S * COLD_WAIT_MS / 1000
    assert len(prompt.drafted) >= MIN_QUICK_TOKENS


def test_no_prompt_outgrows_its_sequence() -> None:
    model = scripted()
    for prefix in (SHORT, LONG, LONG * 9, "日本語" * 500):
        for n_written in (N_WRITTEN, 400, 690, 1290):
            request = CompletionRequest(Cursor("a.py", "python", prefix, "\nz"), (SNIPPET,) * 3)
            prompt, sequence = model.choice.choose(request, n_written)
            room = {MAIN: 1300, QUICK: 700}[sequence]
            assert len(prompt.drafted) <= max(room - n_written, 0)
