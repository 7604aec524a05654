"""The subcommands of `midfill`, one module each: `add_parser` declares it, its handlers return the exit code.

Exit codes: 0 done, 1 a problem that the message on stderr explains, 2 wrong usage. Everything heavy is
imported inside the handlers, so that `midfill --version` answers at once.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]
