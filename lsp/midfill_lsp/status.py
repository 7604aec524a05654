"""What clients are told of the server's state, by the notification `midfill/status` and in answer to commands."""

from __future__ import annotations

from midfill_lsp.models.model_choice import local_model
from midfill_lsp.pausing import Pauses
from midfill_lsp.settings import Settings
from midfill_model.engine import EngineState, EngineStatus

_STATES = {EngineState.CLOSED: "loading"}  # one that is not open yet: only the settings close it for good


def status_to_wire(
    settings: Settings, engine: EngineStatus, pauses: Pauses, last_latency_ms: float | None
) -> dict[str, object]:
    """`{state, model, reason, paused: {everywhere, languages, uris}, lastLatencyMs?}` on every change. `state` is one
    of `loading`, `ready`, `busy`, `error` (`reason` says what to do), `paused` (everywhere) and `disabled` (by the
    setting `enabled`); `lastLatencyMs` is how long the last suggestion took that the model was asked for.
    """
    state, reason = _STATES.get(engine.state, engine.state.value), engine.reason
    if pauses.everywhere:
        state, reason = "paused", ""
    if not settings.enabled:
        state, reason = "disabled", ""
    model = engine.model or local_model(settings)
    told: dict[str, object] = {"state": state, "model": model, "reason": reason, "paused": pauses.to_wire()}
    return told if last_latency_ms is None else told | {"lastLatencyMs": round(last_latency_ms)}
