"""Order by dependency: a file comes after the files it imports, and soon after them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence, Set

from midfill_training.corpus.documents import SourceFile


def order(files: Sequence[SourceFile], rng: random.Random) -> list[SourceFile]:
    """Topological over the import graph, dependencies first (`dependencies_first`)."""
    from midfill_context.imports.graph import import_graph

    return dependencies_first(files, import_graph({file.path: file.text for file in files}), rng)


def dependencies_first(
    files: Sequence[SourceFile], imports: Mapping[str, Set[str]], rng: random.Random
) -> list[SourceFile]:
    """Post-order of a depth-first walk along the imports from files in random order.

    Any other topological order would do for the direction; this one keeps a file next to what it imports. A cycle is
    broken where the walk comes back to a file that it has entered, so nothing but the draw decides where.
    """
    shuffled = rng.sample(range(len(files)), len(files))
    rank = {files[i].path: at for at, i in enumerate(shuffled)}
    by_path = {file.path: file for file in files}

    def imported(file: SourceFile) -> list[SourceFile]:
        """In random order, and sorted so that it does not hang on the hashes of strings."""
        known = imports.get(file.path, frozenset()) & by_path.keys()
        return [by_path[path] for path in sorted(known, key=rank.__getitem__)]

    return _post_order([files[i] for i in shuffled], imported)


def _post_order(
    starts: Sequence[SourceFile], imported: Callable[[SourceFile], Sequence[SourceFile]]
) -> list[SourceFile]:
    """Every start once, what it imports before it; without recursion, for chains of any length."""
    entered: set[int] = set()
    done: list[SourceFile] = []
    for start in starts:
        if id(start) in entered:
            continue
        entered.add(id(start))
        stack = [(start, iter(imported(start)))]
        while stack:
            file, rest = stack[-1]
            next_file = next((each for each in rest if id(each) not in entered), None)
            if next_file is None:
                done.append(file)
                stack.pop()
            else:
                entered.add(id(next_file))
                stack.append((next_file, iter(imported(next_file))))
    return done
