"""The state of one client's session, and what the server tells the client of its own accord."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Coroutine
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.lsp.server import LanguageServer

from midfill_lsp import __version__
from midfill_lsp.documents import Document, DocumentStore
from midfill_lsp.models.engine_slot import EngineSlot, OpenEngine
from midfill_lsp.models.model_choice import with_model
from midfill_lsp.outcomes.shown import ShownSuggestions
from midfill_lsp.outcomes.statistics import Statistics, statistics_path
from midfill_lsp.pausing import Pauses
from midfill_lsp.projects import Project, Projects
from midfill_lsp.settings import SECTION, Settings, needs_new_engine, settings_from
from midfill_lsp.status import status_to_wire
from midfill_lsp.suggesting.completing import Completer, why_switched_off
from midfill_lsp.suggesting.explanation import Answer
from midfill_lsp.wire.asking import answered
from midfill_lsp.wire.logs import describe_error, set_log_level
from midfill_lsp.wire.progress import show_progress
from midfill_lsp.wire.protocol import MidfillProtocol
from midfill_lsp.wire.threads import call_soon, run_aside
from midfill_model.engine import EngineState, EngineStatus
from midfill_model.files.catalogue import find_model

logger = logging.getLogger(__name__)

STATUS = "midfill/status"


class MidfillServer(LanguageServer):
    """Documents, settings and engine of one client. Used on the event loop's thread only."""

    protocol: MidfillProtocol

    def __init__(self, open_engine: OpenEngine) -> None:
        super().__init__("midfill", __version__, protocol_cls=MidfillProtocol)
        self.documents = DocumentStore()
        self.projects = Projects(self.documents, self._warn_of_index, self._show_indexing)
        self.completer = Completer(self.documents, self.projects.retrieve)
        self.slot = EngineSlot(open_engine, self._hear_engine)
        self.settings = Settings()
        self.statistics = Statistics(statistics_path())
        self.shown = ShownSuggestions(self.documents, self.statistics)
        self._pauses = Pauses()
        self._last_latency_ms: float | None = None
        self._told: dict[str, object] = {}  # the newest status that the client knows
        self.pulling: set[str] = set()  # models on their way
        self._first_settings = Settings()  # of initializationOptions; whatever comes later is laid over them
        self._configured = Settings()  # by the client; the user may have chosen another model
        self._chosen_model = ""
        self._problems: list[str] = []
        self._last_complaint = ""
        self._is_started = False  # before that, settings open no engine
        self._loading_ended = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Into the log; pygls would show it to the user in the middle of typing."""
        logger.error("%s", describe_error(error))

    def close(self) -> None:
        """End statistics, indexes and the engine; may block while the engine ends."""
        self.statistics.close()
        self.projects.stop(wait=True)
        self.slot.close()

    def in_background(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something the message at hand does not wait for."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._settle)

    def can(self, capability: str) -> bool:
        """Whether the client declared a capability, such as `workspace.configuration`."""
        return bool(get_capability(self.protocol.client_capabilities, capability))

    # Settings

    def take_first_settings(self, options: object) -> None:
        """Take up `initializationOptions`; problems are shown once the client may be talked to."""
        self._first_settings, self._problems = settings_from(options)
        self._configure(self._first_settings)

    async def start(self) -> None:
        """What follows `initialized`: complain, ask for the settings, open engine and projects."""
        self._loop = asyncio.get_running_loop()
        self._complain(self._problems)
        if self.can("workspace.did_change_configuration.dynamic_registration"):
            options = types.DidChangeConfigurationRegistrationOptions(section=SECTION)
            self._subscribe(types.WORKSPACE_DID_CHANGE_CONFIGURATION, options)
        if self.can("workspace.did_change_watched_files.dynamic_registration"):
            everything = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*")])
            self._subscribe(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, everything)
        await self.pull_settings()
        self._is_started = True
        self._open_engine()
        self._open_projects()
        self._offer_completion()

    async def pull_settings(self) -> None:
        """Ask the client for its settings, where it can be asked, and take them up."""
        if not self.can("workspace.configuration"):
            return
        items = [types.ConfigurationItem(section=SECTION)]
        answer = await answered(self.workspace_configuration_async(types.ConfigurationParams(items)))
        if answer and answer[0] is not None:
            self.take_settings(answer[0])

    def take_settings(self, wire: object) -> None:
        """Put settings in force, laid over those of `initializationOptions`."""
        settings, problems = settings_from(wire, self._first_settings)
        self._complain(problems)
        self._configure(settings)

    def _configure(self, settings: Settings) -> None:
        """What the client says; a model that it names anew ends the user's choice of another one."""
        if (settings.model, settings.remote) != (self._configured.model, self._configured.remote):
            self._chosen_model = ""
        self._configured = settings
        self._put_in_force(with_model(settings, self._chosen_model))

    def _put_in_force(self, settings: Settings) -> None:
        previous, self.settings = self.settings, settings
        self.statistics.is_on = settings.statistics
        set_log_level(settings.log_level)
        if not self._is_started:
            return
        if needs_new_engine(previous, settings):
            self._open_engine()
        self._open_projects()
        self._offer_completion()

    def _offer_completion(self) -> None:
        """In the completion menu, if that is wanted by now and was not from the beginning."""
        method, unadvertised = types.TEXT_DOCUMENT_COMPLETION, self.protocol.unadvertised
        is_wanted = self.settings.fallback_completion and method in unadvertised
        if is_wanted and self.can("text_document.completion.dynamic_registration"):
            unadvertised.remove(method)
            self._subscribe(method, types.CompletionRegistrationOptions())

    def _complain(self, problems: list[str]) -> None:
        complaint = f"midfill: settings ignored: {'; '.join(problems)}"
        if problems and complaint != self._last_complaint:
            self._last_complaint = complaint
            self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, complaint))

    def _subscribe(self, method: str, options: object) -> None:
        registration = types.Registration(str(uuid.uuid4()), method, options)
        self.in_background(self._register(types.RegistrationParams([registration])))

    async def _register(self, params: types.RegistrationParams) -> None:
        await answered(self.client_register_capability_async(params))

    # Engine

    async def select_model(self, name: str) -> None:
        """Complete with another model until the client's settings name one anew; returns when it is open or refused.

        ModelError for one that is not here.
        """
        await run_aside(find_model, name)
        self._chosen_model = name
        self._put_in_force(with_model(self._configured, name))
        self.mend_engine()
        await self._loading_ended.wait()

    def restart_engine(self) -> None:
        """Close the engine and open it again, whatever state it is in."""
        self._open_engine()

    def mend_engine(self) -> None:
        """Open it again if it failed: what it lacked may be there now."""
        if self.slot.status.state is EngineState.ERROR:
            self._open_engine()

    def _open_engine(self) -> None:
        self._loading_ended.set()
        self._last_latency_ms = None
        if not self.settings.enabled:
            self.slot.close()
            self._tell_status()
            return
        self._loading_ended = asyncio.Event()
        self.slot.open(self.settings)
        if self.can("window.work_done_progress"):
            title = f"midfill: loading {self.slot.status.model}"
            self.in_background(show_progress(self, title, self._loading_ended.wait()))

    def _hear_engine(self, status: EngineStatus) -> None:
        self._tell_status()
        if status.state is not EngineState.LOADING:
            self._loading_ended.set()
        complaint = f"midfill: {status.reason}"
        if status.state is EngineState.ERROR and complaint != self._last_complaint:
            self._last_complaint = complaint
            self.window_show_message(types.ShowMessageParams(types.MessageType.Error, complaint))

    # Status

    @property
    def pauses(self) -> Pauses:
        """Where nothing is suggested for now."""
        return self._pauses

    @pauses.setter
    def pauses(self, pauses: Pauses) -> None:
        self._pauses = pauses
        self._tell_status()

    def why_not_asked(self, document: Document) -> str | None:
        """What the user has set or said that keeps the engine from being asked about a document, or `None`."""
        return why_switched_off(self.settings, document) or self._pauses.why(document)

    def note_latency(self, answer: Answer) -> None:
        """How long a suggestion took, if the model was asked for it."""
        if answer.suggestion and not answer.is_reused:
            self._last_latency_ms = answer.total_ms
            self._tell_status()

    def status(self) -> dict[str, object]:
        """See `status_to_wire`."""
        return status_to_wire(self.settings, self.slot.status, self._pauses, self._last_latency_ms)

    def _tell_status(self) -> None:
        status = self.status()
        if status != self._told:
            self._told = status
            self.protocol.notify(STATUS, status)

    # Projects

    def _open_projects(self) -> None:
        settings = self.settings
        n_tokens = settings.max_snippet_tokens if settings.enabled else 0
        self.projects.allow(n_tokens, settings.similarity)

    def _warn_of_index(self, message: str) -> None:
        """Called from the threads of indexes."""
        params = types.ShowMessageParams(types.MessageType.Warning, f"midfill: {message}")
        call_soon(self._loop, self.window_show_message, params)

    def _show_indexing(self, project: Project) -> None:
        if self.can("window.work_done_progress"):
            title = f"midfill: indexing {project.index.root.name}"
            self.in_background(show_progress(self, title, project.settled()))

    def _settle(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s", describe_error(error))
