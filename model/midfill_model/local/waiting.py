"""How the threads of a process that runs a model wait for each other, hundreds of times for every token.

libgomp lets them spin. Where one of them has lost its processor, the others keep theirs busy for nothing, and writing
gets many times slower; asleep, it is a little slower on a machine that is free. `midfill bench waiting` compares them.
"""

from __future__ import annotations

import os

WAITING = {"OMP_WAIT_POLICY": "passive"}


def waiting_environment() -> dict[str, str]:
    """The environment for such a process. A user who has set the variable decides."""
    return WAITING | os.environ
