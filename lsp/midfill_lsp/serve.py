"""Runs the language server: `python -I -m midfill_lsp`, or `midfill serve [--tcp HOST:PORT]`.

Heavy imports wait until a server is really started.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from midfill_lsp.session import MidfillServer

logger = logging.getLogger(__name__)

_CLOSE_S = 2.0


def run_server(tcp: str | None = None) -> int:
    """Serve one client with the engine its settings name; returns the exit code of the process.

    Over stdio, or over `tcp`, a loopback `HOST:PORT`. Exit code 2 for any other address.
    """
    from midfill_lsp.models.engines import open_configured_engine
    from midfill_lsp.server import create_server

    return serve_client(create_server(open_configured_engine), tcp)


def serve_client(server: MidfillServer, tcp: str | None = None) -> int:
    """Serve one client with a server that is already made; returns the exit code of the process."""
    from midfill_lsp.wire.logs import log_to_stderr
    from midfill_lsp.wire.transport import claim_stdio, parse_loopback, serve_stdio, serve_tcp

    log_to_stderr()
    try:
        if tcp is None:
            exit_code = asyncio.run(serve_stdio(server.protocol, claim_stdio()))
        else:
            exit_code = asyncio.run(serve_tcp(server.protocol, *parse_loopback(tcp)))
    except ValueError as problem:
        logger.error("%s", problem)
        return 2
    except OSError as problem:
        logger.error("cannot serve %s: %s", tcp or "stdin and stdout", problem.strerror)
        return 1
    except KeyboardInterrupt:
        exit_code = 130
    _close(server, exit_code)
    return exit_code


def _close(server: MidfillServer, exit_code: int) -> None:
    """Close engine and indexes, and leave without ceremony when they do not let themselves be closed."""
    closing = threading.Thread(target=server.close, name="closing", daemon=True)
    closing.start()
    closing.join(_CLOSE_S)
    if closing.is_alive():
        sys.stderr.flush()
        os._exit(exit_code)
