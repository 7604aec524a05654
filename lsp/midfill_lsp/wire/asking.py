"""Requests of ours to the client, which may refuse them, answer nonsense, or say nothing at all."""

from __future__ import annotations

import asyncio
from typing import Any

from pygls.exceptions import JsonRpcException

ANSWER_S = 2.0  # how long a client may take to answer before the server goes on without it


async def answered(request: Any) -> Any:
    """The client's answer; `None` for a refusal, nonsense or silence."""
    try:
        return await asyncio.wait_for(request, ANSWER_S)
    except (asyncio.TimeoutError, JsonRpcException):
        return None
