"""JSON-RPC and the LSP life cycle: every request is answered exactly once, whatever arrives.

pygls gives the types, the capabilities and the requests to the client; how a message is received, run and
answered is replaced here, because pygls 2.1.1 leaves requests with invalid params or after `shutdown` without
an answer, runs requests before `initialize`, sends tracebacks to the client, logs what users type and keeps
documents that come apart at form feeds. Neither messages nor exception texts are logged here: both may hold
the user's code."""

from __future__ import annotations

import asyncio
import enum
import inspect
import json
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol, cast

import attrs
from cattrs import Converter, transform_error
from lsprotocol import types
from pygls import exceptions as rpc
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol

from midfill_lsp.wire.framing import Unreadable, encode_message
from midfill_lsp.wire.logs import describe_error
from midfill_lsp.wire.positions import Encoding

logger = logging.getLogger(__name__)

# A handler is called when its message is read, before the next one is: what it does before it returns sees
# the documents as the client saw them. What it returns may be awaitable.
Handler = Callable[[Any], object]

_SETTLE_S = 1.0


class Phase(enum.Enum):
    """Where the connection stands in the life cycle of LSP 3.18."""

    FRESH = enum.auto()
    RUNNING = enum.auto()
    SHUT_DOWN = enum.auto()


class Wire(Protocol):
    """Where the answers go, and who is told that it is over."""

    def write(self, data: bytes) -> None: ...

    def end(self, exit_code: int) -> None: ...


class MidfillProtocol(LanguageServerProtocol):
    """One client's connection. Used on the event loop's thread only."""

    def __init__(self, server: LanguageServer, converter: Converter) -> None:
        super().__init__(server, converter)
        self.phase = Phase.FRESH
        self.position_encoding: Encoding = "utf-16"
        self.unadvertised: set[str] = set()  # features that the client is not told of, yet
        self._wire: Wire | None = None
        self._running: dict[str | int, asyncio.Future[Any]] = {}
        self._requests: dict[str, Handler] = {
            types.INITIALIZE: self._initialize,
            types.SHUTDOWN: self._shut_down,
            types.WORKSPACE_EXECUTE_COMMAND: self._execute_command,
        }
        self._notifications: dict[str, Handler] = {
            types.CANCEL_REQUEST: self._cancel,
            types.EXIT: self._exit,
        }

    def _register_builtin_features(self) -> None:
        """None of pygls' own: they keep its workspace. Those that capabilities are derived from are ours."""

    def connect(self, wire: Wire) -> None:
        """Send answers there from now on."""
        self._wire = wire

    # Receiving

    def handle_message(self, message: object) -> None:
        """Take in one decoded message, or what could not be decoded."""
        if isinstance(message, Unreadable):
            self._refuse(None, rpc.JsonRpcParseError(message.reason))
        elif not isinstance(message, dict):
            self._refuse(None, rpc.JsonRpcInvalidRequest("a message is one object; LSP has no batches"))
        elif "method" not in message and ("result" in message or "error" in message):
            self._receive_response(message)
        else:
            self._receive_call(message)

    def _receive_call(self, message: dict[str, Any]) -> None:
        valid_id, method = _valid_id(message.get("id")), message.get("method")
        if message.get("jsonrpc") != self.VERSION or not isinstance(method, str):
            self._refuse(valid_id, rpc.JsonRpcInvalidRequest("not a JSON-RPC 2.0 message"))
        elif "id" not in message:
            self._receive_notification(method, message.get("params"))
        elif valid_id is None:
            self._refuse(None, rpc.JsonRpcInvalidRequest("an id is a string or an integer"))
        else:
            self._receive_request(valid_id, method, message.get("params"))

    def _receive_request(self, msg_id: str | int, method: str, params: object) -> None:
        try:
            self._check_order(msg_id, method)
            handler = self._requests.get(method) or self._feature(method, is_request=True)
            if handler is None:
                raise rpc.JsonRpcMethodNotFound(f"no such request: {method[:80]}")
            outcome = handler(self._structured(method, params))
        except Exception as error:
            self._respond_error(msg_id, method, error)
            return
        if inspect.isawaitable(outcome):
            running = asyncio.ensure_future(cast("Awaitable[object]", outcome))
            self._running[msg_id] = running
            running.add_done_callback(partial(self._respond_outcome, msg_id, method))
        else:
            self._respond(msg_id, method, outcome)

    def _check_order(self, msg_id: str | int, method: str) -> None:
        """Raise unless the request may come now."""
        if self.phase is Phase.FRESH and method != types.INITIALIZE:
            raise rpc.JsonRpcServerNotInitialized("the first request is initialize")
        if self.phase is Phase.SHUT_DOWN:
            raise rpc.JsonRpcInvalidRequest("the server is shut down")
        if self.phase is Phase.RUNNING and method == types.INITIALIZE:
            raise rpc.JsonRpcInvalidRequest("the server is already initialized")
        if msg_id in self._running:
            raise rpc.JsonRpcInvalidRequest("a request with this id is still running")

    def _receive_notification(self, method: str, params: object) -> None:
        if self.phase is not Phase.RUNNING and method != types.EXIT:
            logger.info("ignored a notification outside initialize and shutdown")
            return
        handler = self._notifications.get(method) or self._feature(method, is_request=False)
        if handler is None:
            logger.info("ignored an unknown notification")
            return
        try:
            outcome = handler(self._structured(method, params))
        except Exception as error:
            logger.warning("%s failed: %s", method, describe_error(error))
            return
        if inspect.isawaitable(outcome):
            running = asyncio.ensure_future(cast("Awaitable[object]", outcome))
            running.add_done_callback(partial(_log_failure, method))

    def _feature(self, method: str, *, is_request: bool) -> Handler | None:
        _, response_type, *_ = types.METHOD_TO_TYPES.get(method, (None, None))
        handler: Handler | None = self.fm.features.get(method)
        return handler if (response_type is not None) == is_request else None

    def _structured(self, method: str, params: object) -> Any:
        """The params as their lsprotocol type; `JsonRpcInvalidParams` naming the fields that are wrong."""
        params_type: Any = types.METHOD_TO_TYPES.get(method, (None, None, None))[2]
        if params_type is None:
            return params
        try:
            return self._converter.structure({} if params is None else params, params_type)
        except Exception as error:
            fields = sorted({line.rpartition("@ $")[2].lstrip(".") for line in transform_error(error)})
            named = ", ".join(filter(None, fields)) or method
            raise rpc.JsonRpcInvalidParams(f"invalid params: {named}") from None

    def _receive_response(self, message: dict[str, Any]) -> None:
        """Settle one of our own requests; an answer that makes no sense is an error, not an endless wait."""
        msg_id = message.get("id")
        future = self._request_futures.pop(msg_id, None) if isinstance(msg_id, str) else None
        if future is None or future.done():
            logger.info("ignored an answer to no request")
            return
        result_type = self._result_types.pop(cast("str", msg_id), None)
        try:
            if "error" in message:
                raise rpc.JsonRpcException("the client refused the request")
            structured = self._converter.structure(message, result_type) if result_type else None
            future.set_result(getattr(structured, "result", message.get("result")))
        except Exception:
            future.set_exception(rpc.JsonRpcException("the client's answer is no valid result"))

    # Answering

    def _respond_outcome(self, msg_id: str | int, method: str, running: asyncio.Future[Any]) -> None:
        self._running.pop(msg_id, None)
        if running.cancelled():
            self._refuse(msg_id, rpc.JsonRpcRequestCancelled("cancelled"))
            return
        error = running.exception()
        if error is not None:
            self._respond_error(msg_id, method, error)
        else:
            self._respond(msg_id, method, running.result())

    def _respond(self, msg_id: str | int, method: str, result: object) -> None:
        try:
            message = self._encode({"jsonrpc": self.VERSION, "id": msg_id, "result": result})
        except Exception as error:
            self._respond_error(msg_id, method, error)
        else:
            self._write(message)

    def _respond_error(self, msg_id: str | int, method: str, error: BaseException) -> None:
        if not isinstance(error, rpc.JsonRpcException):
            logger.error("%s failed: %s", method, describe_error(error))
            error = rpc.JsonRpcInternalError(f"{method} failed; the server's log says where")
        self._refuse(msg_id, error)

    def _refuse(self, msg_id: str | int | None, error: rpc.JsonRpcException) -> None:
        body = {"code": error.code, "message": error.message}
        self._write(self._encode({"jsonrpc": self.VERSION, "id": msg_id, "error": body}))

    def _encode(self, message: object) -> str:
        return json.dumps(message, default=self._serialize_message, allow_nan=False, separators=(",", ":"))

    def _serialize_message(self, data: Any) -> Any:
        if attrs.has(type(data)):
            return self._converter.unstructure(data)
        if isinstance(data, enum.Enum):
            return data.value
        raise TypeError(f"{type(data).__name__} has no JSON form")

    def _send_data(self, data: Any) -> None:
        """Where pygls sends notifications and requests of ours."""
        self._write(self._encode(data))

    def _write(self, message: str) -> None:
        if self._wire is not None:
            self._wire.write(encode_message(message))

    # Life cycle

    def _initialize(self, params: types.InitializeParams) -> types.InitializeResult:
        self.client_capabilities = params.capabilities
        encoding = ServerCapabilitiesBuilder.choose_position_encoding(params.capabilities)
        self.position_encoding = cast("Encoding", str(getattr(encoding, "value", encoding)))
        on_initialize = self.fm.features.get(types.INITIALIZE)
        if on_initialize is not None:
            on_initialize(params)
        self.server_capabilities = ServerCapabilitiesBuilder(
            params.capabilities,
            set(self.fm.features) - self.unadvertised,
            self.fm.feature_options,
            list(self.fm.commands),
            types.TextDocumentSyncKind.Incremental,
            None,
            encoding,
        ).build()  # type: ignore[no-untyped-call]  # pygls leaves it without types
        self.phase = Phase.RUNNING
        return types.InitializeResult(self.server_capabilities, self.server_info)

    def _shut_down(self, params: object) -> Awaitable[None]:
        self.phase = Phase.SHUT_DOWN
        self._cancel_running()
        return self.settle()

    def _exit(self, params: object) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        """End the process as `exit` does, also when the client is gone: 0 after `shutdown`, else 1."""
        if self.phase is not Phase.SHUT_DOWN:
            self._cancel_running()
        if self._wire is not None:
            self._wire.end(0 if self.phase is Phase.SHUT_DOWN else 1)

    async def settle(self) -> None:
        """Wait until the requests still running are answered; they were cancelled, so that is soon."""
        others = set(self._running.values()) - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=_SETTLE_S)

    def _cancel_running(self) -> None:
        for running in self._running.values():
            running.cancel()

    def _cancel(self, params: types.CancelParams) -> None:
        msg_id = _valid_id(params.id)
        if msg_id in self._running:
            self._running[msg_id].cancel()

    def _execute_command(self, params: types.ExecuteCommandParams) -> object:
        command = self.fm.commands.get(params.command)
        if command is None:
            raise rpc.JsonRpcInvalidParams("no such command")
        arguments = params.arguments or ()
        try:
            inspect.signature(command).bind(*arguments)
        except TypeError:
            raise rpc.JsonRpcInvalidParams(f"{params.command}: wrong number of arguments") from None
        outcome: object = command(*arguments)
        return outcome


def _valid_id(msg_id: object) -> str | int | None:
    return msg_id if isinstance(msg_id, str | int) and not isinstance(msg_id, bool) else None


def _log_failure(method: str, running: Future[Any] | asyncio.Future[Any]) -> None:
    if not running.cancelled() and (error := running.exception()) is not None:
        logger.warning("%s failed: %s", method, describe_error(error))
