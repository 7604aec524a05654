"""How far module resolution agrees with TypeScript's `resolveModuleName`. Needs node, a project and `typescript` 5.

    python tests/context/imports/measure_typescript.py TYPESCRIPT_FOLDER PROJECT_FOLDER

Compares the files of the project (node_modules aside) specifier by specifier and prints what differs.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

from midfill_context.imports.javascript import resolve_module
from midfill_context.imports.project import ProjectFiles
from midfill_context.languages import language_of
from midfill_context.syntax.facts import read_facts

LANGUAGES = ("typescript", "typescriptreact", "javascript", "javascriptreact")
N_SHOWN = 40


def main(typescript: Path, root: Path) -> None:
    inside = (path.relative_to(root) for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    paths = sorted(str(path) for path in inside if "node_modules" not in path.parts)
    sources = [path for path in paths if (known := language_of(path)) and known.id in LANGUAGES]
    sources = [path for path in sources if "/dist/" not in f"/{path}" and not path.endswith(".d.ts")]
    project = ProjectFiles(lambda path: (root / path).read_text(errors="replace"), lambda _: None)
    project.add(paths)
    script = Path(__file__).with_name("typescript_truth.mjs")
    done = subprocess.run(
        ["node", str(script), str(typescript), str(root)],
        input="\n".join(sources), capture_output=True, text=True, check=True,
    )  # fmt: skip
    counts: Counter[str] = Counter()
    unread = Counter[str]()
    for line in done.stdout.splitlines():
        path, answers = json.loads(line)
        facts = read_facts(language_of(path).id, (root / path).read_bytes())  # type: ignore[union-attr]
        read = {known.module for known in facts.imports}
        for specifier, theirs in answers:
            counts["specifiers"] += 1
            counts["inside"] += theirs is not None
            unread[path] += specifier not in read
            ours = resolve_module(specifier, path, project)
            counts["agree"] += ours == theirs
            counts["agree inside"] += theirs is not None and ours == theirs
            if ours != theirs and counts["specifiers"] - counts["agree"] <= N_SHOWN:
                print(f"{path}: {specifier}: {ours}, TypeScript says {theirs}")
    for path, n_unread in unread.most_common(5):
        if n_unread:
            print(f"{path}: {n_unread} imports that the queries do not see")
    agreement = counts["agree"] / max(counts["specifiers"], 1)
    within = counts["agree inside"] / max(counts["inside"], 1)
    print(
        f"{len(sources)} files, {counts['specifiers']} specifiers, {agreement:.2%} as TypeScript; of the "
        f"{counts['inside']} inside the project {within:.2%}; {sum(unread.values())} not seen by the queries"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
