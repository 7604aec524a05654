"""What users type stays out of the log, at every level and on every way through the server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lsp_client import LspClient, frame, replacement

Launch = Callable[..., LspClient]

SECRET = "hunter2"
URI = "file:///project/a.py"


@pytest.mark.parametrize("level", ["debug", "warning"])
def test_no_text_of_the_user_reaches_the_log(launch: Launch, level: str) -> None:
    client = launch()
    client.start(initializationOptions={"logLevel": level})
    client.command("test.script", {"text": f"completion = '{SECRET}'"})
    client.open(URI, f"password = '{SECRET}'\n")
    client.change(URI, 2, replacement((0, 0), (0, 0), SECRET))
    client.change("file:///project/not-open.py", 2, {"text": SECRET})
    [item] = client.items(URI, 1, 0)
    assert SECRET in item["insertText"]
    client.command("test.script", {"raises": True})
    assert client.items(URI, 0, 0) == []
    client.command("midfill.accept", item["command"]["arguments"][0])
    client.notify("textDocument/didChange", {"textDocument": {"uri": URI}, "contentChanges": [{"text": [SECRET]}]})
    client.notify("textDocument/didOpen", {"textDocument": {"uri": URI, "text": SECRET}})
    client.notify(SECRET, SECRET)
    client.request("textDocument/inlineCompletion", {"position": SECRET})
    client.request("workspace/executeCommand", {"command": SECRET})
    client.request("workspace/executeCommand", {"command": "test.fail", "arguments": [SECRET]})
    client.request("workspace/executeCommand", {"command": "test.failLater", "arguments": [SECRET]})
    client.send_json({"jsonrpc": "2.0", "id": SECRET, "result": SECRET})
    client.send_raw(frame(SECRET.encode()))
    client.send_raw(f"{SECRET}\r\n".encode())
    assert client.shut_down() == 0
    assert SECRET not in client.stderr
    assert ("DEBUG" in client.stderr) == (level == "debug")
    assert "pygls" not in client.stderr
