"""`python -I -m midfill_lsp`: the language server on stdin and stdout."""

from __future__ import annotations

import sys

from midfill_lsp.serve import run_server

if __name__ == "__main__":
    sys.exit(run_server())
