"""The language server as it is, with one more command that tells what text it holds for a document.

python -I tests/e2e/observed_server.py
"""

from __future__ import annotations

import sys

from midfill_lsp.models.engines import open_configured_engine
from midfill_lsp.serve import serve_client
from midfill_lsp.server import create_server


def main() -> int:
    server = create_server(open_configured_engine)

    def text(uri: str) -> str | None:
        document = server.documents.find(uri)
        return document.text if document else None

    server.command("test.text")(text)
    return serve_client(server)


if __name__ == "__main__":
    sys.exit(main())
