"""Which engine the settings open, with the real model."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from midfill_context.cursor import Cursor
from midfill_lsp.models.engines import open_local_engine
from midfill_lsp.settings import Settings
from midfill_model.engine import CompletionRequest, StopReason
from midfill_model.files import store
from midfill_model.files.catalogue import DEFAULT_MODEL, catalogue

# What follows is anybody's guess, also this model's.
CURSOR = Cursor("a.py", "python", "# ", "")


def test_a_model_of_the_catalogue_is_heard_where_it_is_sure(smollm2: Path) -> None:
    least = catalogue()[DEFAULT_MODEL].min_logprob
    assert least is not None
    stored = store.stored_path(DEFAULT_MODEL)
    stored.parent.mkdir(parents=True, exist_ok=True)
    os.link(smollm2, stored)
    reasons = []
    for model in (DEFAULT_MODEL, str(smollm2)):
        with closing(open_local_engine(Settings(model=model))) as engine:
            engine.wait_until_loaded(60)
            reasons.append(engine.submit(CompletionRequest(CURSOR)).result(60).stop_reason)
    assert reasons[0] is StopReason.UNSURE
    assert reasons[1] is not StopReason.UNSURE, "of a file that a user names nothing was measured"
