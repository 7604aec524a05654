"""The state of one client's session, and what the server tells the client of its own accord."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Coroutine
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from midfill_lsp import __version__
from midfill_lsp.completing import Completer
from midfill_lsp.documents import DocumentStore
from midfill_lsp.engine_slot import EngineSlot, OpenEngine, call_soon
from midfill_lsp.logs import describe_error, set_log_level
from midfill_lsp.projects import Project, Projects
from midfill_lsp.protocol import MidfillProtocol
from midfill_lsp.settings import SECTION, Settings, needs_new_engine, settings_from
from midfill_lsp.shown import ShownSuggestions
from midfill_lsp.statistics import Statistics, statistics_path
from midfill_model.engine import EngineState, EngineStatus

logger = logging.getLogger(__name__)

STATUS = "midfill/status"

_ANSWER_S = 2.0  # how long a client may take to answer before the server goes on without it


class MidfillServer(LanguageServer):
    """Documents, settings and engine of one client. Used on the event loop's thread only."""

    protocol: MidfillProtocol

    def __init__(self, open_engine: OpenEngine) -> None:
        super().__init__("midfill", __version__, protocol_cls=MidfillProtocol)
        self.documents = DocumentStore()
        self.projects = Projects(self.documents, self._warn_of_index, self._show_indexing)
        self.completer = Completer(self.documents, self.projects.retrieve)
        self.slot = EngineSlot(open_engine, self._tell_status)
        self.settings = Settings()
        self.statistics = Statistics(statistics_path())
        self.shown = ShownSuggestions(self.documents, self.statistics)
        self._first_settings = Settings()  # of initializationOptions; whatever comes later is laid over them
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
        self._put_in_force(self._first_settings)

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
        set_log_level(self.settings.log_level)
        await self.pull_settings()
        self._is_started = True
        self._open_engine()
        self._open_projects()

    async def pull_settings(self) -> None:
        """Ask the client for its settings, where it can be asked, and take them up."""
        if not self.can("workspace.configuration"):
            return
        items = [types.ConfigurationItem(section=SECTION)]
        answer = await _answered(self.workspace_configuration_async(types.ConfigurationParams(items)))
        if answer and answer[0] is not None:
            self.take_settings(answer[0])

    def take_settings(self, wire: object) -> None:
        """Put settings in force, laid over those of `initializationOptions`."""
        previous = self.settings
        settings, problems = settings_from(wire, self._first_settings)
        self._put_in_force(settings)
        self._complain(problems)
        set_log_level(self.settings.log_level)
        if self._is_started and needs_new_engine(previous, self.settings):
            self._open_engine()
        if self._is_started:
            self._open_projects()

    def _put_in_force(self, settings: Settings) -> None:
        self.settings = settings
        self.statistics.is_on = settings.statistics

    def _complain(self, problems: list[str]) -> None:
        complaint = f"midfill: settings ignored: {'; '.join(problems)}"
        if problems and complaint != self._last_complaint:
            self._last_complaint = complaint
            self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, complaint))

    def _subscribe(self, method: str, options: object) -> None:
        registration = types.Registration(str(uuid.uuid4()), method, options)
        self.in_background(self._register(types.RegistrationParams([registration])))

    async def _register(self, params: types.RegistrationParams) -> None:
        await _answered(self.client_register_capability_async(params))

    # Engine

    def restart_engine(self) -> None:
        """Close the engine and open it again, whatever state it is in."""
        self._open_engine()

    def _open_engine(self) -> None:
        self._loading_ended.set()
        if not self.settings.enabled:
            self.slot.close()
            self.protocol.notify(STATUS, {"state": "disabled", "model": self.settings.model, "reason": ""})
            return
        self._loading_ended = asyncio.Event()
        self.slot.open(self.settings)
        if self.can("window.work_done_progress"):
            self.in_background(self._show_loading(self.settings.model, self._loading_ended))

    def _tell_status(self, status: EngineStatus) -> None:
        told = {"state": status.state.value, "model": status.model, "reason": status.reason}
        self.protocol.notify(STATUS, told)
        if status.state is not EngineState.LOADING:
            self._loading_ended.set()
        complaint = f"midfill: {status.reason}"
        if status.state is EngineState.ERROR and complaint != self._last_complaint:
            self._last_complaint = complaint
            self.window_show_message(types.ShowMessageParams(types.MessageType.Error, complaint))

    async def _show_loading(self, model: str, loading_ended: asyncio.Event) -> None:
        await self._show_progress(f"midfill: loading {model}".rstrip(), loading_ended.wait())

    # Projects

    def _open_projects(self) -> None:
        self.projects.allow(self.settings.max_snippet_tokens if self.settings.enabled else 0)

    def _warn_of_index(self, message: str) -> None:
        """Called from the threads of indexes."""
        params = types.ShowMessageParams(types.MessageType.Warning, f"midfill: {message}")
        call_soon(self._loop, self.window_show_message, params)

    def _show_indexing(self, project: Project) -> None:
        if self.can("window.work_done_progress"):
            self.in_background(self._show_progress(f"midfill: indexing {project.index.root.name}", project.settled()))

    async def _show_progress(self, title: str, work: Coroutine[Any, Any, object]) -> None:
        """Show that something is being done, where it takes longer than the client's answer to that."""
        doing = asyncio.ensure_future(work)
        token = str(uuid.uuid4())  # never used twice: pygls neither forgets a token nor takes it again
        await _answered(self.work_done_progress.create_async(token))
        if doing.done():
            return
        self.work_done_progress.begin(token, types.WorkDoneProgressBegin(title=title))
        await doing
        self.work_done_progress.end(token, types.WorkDoneProgressEnd())

    def _settle(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s", describe_error(error))


async def _answered(request: Any) -> Any:
    """The client's answer to a request of ours; `None` for a refusal, nonsense or silence."""
    try:
        return await asyncio.wait_for(request, _ANSWER_S)
    except (asyncio.TimeoutError, JsonRpcException):
        return None
