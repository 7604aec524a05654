"""The engine of the day: opened away from the event loop, replaced when the settings ask for another one."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from midfill_lsp.models.model_choice import local_model
from midfill_lsp.settings import Settings
from midfill_lsp.wire.logs import describe_error
from midfill_lsp.wire.threads import call_soon
from midfill_model.engine import Engine, EngineState, EngineStatus, StatusListener
from midfill_model.errors import ModelError

logger = logging.getLogger(__name__)

OpenEngine = Callable[[Settings, StatusListener], Engine]


class EngineSlot:
    """Holds at most one engine. Used on the event loop's thread; `on_status` is called there too.

    `open_engine` may take as long as it likes: it runs in a thread of its own, one opening at a time, so that
    two models are never in memory together."""

    def __init__(self, open_engine: OpenEngine, on_status: StatusListener) -> None:
        self._open_engine = open_engine
        self._on_status = on_status
        self._engine: Engine | None = None
        self._status = EngineStatus(EngineState.CLOSED, "")
        self._generation = 0  # of the newest opening; what older ones still report is not news
        self._opening = threading.Lock()

    @property
    def status(self) -> EngineStatus:
        """The newest status, also of an engine that is not open yet or failed to open."""
        return self._status

    @property
    def engine(self) -> Engine | None:
        """The engine, when it can take a request."""
        is_usable = self._status.state not in (EngineState.LOADING, EngineState.CLOSED)
        return self._engine if is_usable else None

    def open(self, settings: Settings) -> None:
        """Close the engine there is and open one for the settings; returns at once."""
        old = self._take_out()
        model = settings.remote.model or settings.remote.url or local_model(settings)
        loading = EngineStatus(EngineState.LOADING, model)
        self._report(self._generation, loading)
        work = (asyncio.get_running_loop(), self._generation, settings, loading, old)
        threading.Thread(target=self._open, args=work, name="engine-opening", daemon=True).start()

    def close(self) -> None:
        """Close the engine; one that is still being opened is closed when it is there."""
        old = self._take_out()
        self._status = EngineStatus(EngineState.CLOSED, "")
        if old is not None:
            old.close()

    def _take_out(self) -> Engine | None:
        self._generation += 1
        old, self._engine = self._engine, None
        return old

    def _open(
        self,
        loop: asyncio.AbstractEventLoop,
        generation: int,
        settings: Settings,
        loading: EngineStatus,
        old: Engine | None,
    ) -> None:
        def report(status: EngineStatus) -> None:
            call_soon(loop, self._report, generation, status)

        with self._opening:
            if old is not None:
                old.close()
            if generation != self._generation:
                return
            try:
                engine = self._open_engine(settings, report)
            except ModelError as error:
                report(replace(loading, state=EngineState.ERROR, reason=str(error)))
            except Exception as error:
                logger.error("opening the engine failed: %s", describe_error(error))
                reason = f"the engine cannot be opened ({type(error).__name__}); the server's log says where"
                report(replace(loading, state=EngineState.ERROR, reason=reason))
            else:
                call_soon(loop, self._install, generation, engine)

    def _install(self, generation: int, engine: Engine) -> None:
        if generation != self._generation:
            engine.close()
            return
        self._engine = engine
        self._report(generation, engine.status)

    def _report(self, generation: int, status: EngineStatus) -> None:
        is_early = self._engine is None and status.state in (EngineState.READY, EngineState.BUSY)
        if generation == self._generation and status != self._status and not is_early:
            self._status = status
            self._on_status(status)
