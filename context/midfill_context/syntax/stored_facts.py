"""Facts as bytes and back: pickles out of which nothing but facts can come.

The facts of 10,000 files of 7 KB are read in 0.4 s, or in 1.1 s when the garbage collector runs meanwhile. As JSON it
would be twice that.
"""

from __future__ import annotations

import io
import pickle

from midfill_context.syntax.definitions import Definition
from midfill_context.syntax.facts import FileFacts
from midfill_context.syntax.imported import Import
from midfill_context.syntax.use_tree import ImportedName

# Goes up with every change of what facts hold or mean: stored facts of another version are of no use.
VERSION = 1
_CLASSES = {(known.__module__, known.__name__): known for known in (FileFacts, Definition, Import, ImportedName)}


def to_bytes(facts: FileFacts) -> bytes:
    return pickle.dumps(facts, protocol=5)


def from_bytes(data: bytes) -> FileFacts:
    """The facts that `to_bytes` wrote. Raises ValueError for anything else, and runs no code out of it."""
    try:
        facts = _Unpickler(io.BytesIO(data)).load()
    except Exception as error:  # damaged pickles raise whatever they happen to hit
        raise ValueError(f"not facts of a file: {error}") from error
    if not isinstance(facts, FileFacts):
        raise ValueError(f"not facts of a file but {type(facts).__name__}")
    return facts


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> type:
        if (module, name) not in _CLASSES:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in facts")
        return _CLASSES[module, name]
