"""The two comment lines that aiXcoder models saw in front of a file: its path, then its language.

    # the file path is: shop/cart.py
    # the code file is written by Python

The rows of `aixcoder_languages.toml` are facts about the training data. Nothing here guesses: a path that the
official table does not know gets no header, because that is how the model saw such files.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib import resources

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found, unused-ignore]

# As in the official code: `a.b/c` and a trailing dot have no extension, and `.c++` cannot match.
_EXTENSION = re.compile(r"(\.\w+)$")


@dataclass(frozen=True)
class HeaderLanguage:
    """One row of the table: the text around the path in the first line, and the whole second line."""

    wrapper: tuple[str, str]
    tag: str


def header(path: str) -> str:
    """Return `path line\\nlanguage line\\n`, or "" when the training data had no header for such a path.

    `path` goes into the line as it is: relative to the workspace, with `/`.
    """
    extension = _EXTENSION.search(path)
    language = languages_by_extension().get(extension[1]) if extension else None
    if language is None:
        return ""
    before, after = language.wrapper
    return f"{before}the file path is: {path}{after}\n{language.tag}\n"


@cache
def languages_by_extension() -> dict[str, HeaderLanguage]:
    """Read the table once; a row whose extension another row already has is a mistake in the data."""
    text = (resources.files(__package__) / "aixcoder_languages.toml").read_text(encoding="utf-8")
    by_extension: dict[str, HeaderLanguage] = {}
    for name, row in tomllib.loads(text).items():
        before, after = row["wrapper"]
        language = HeaderLanguage((before, after), row["tag"])
        for extension in row["extensions"]:
            if extension in by_extension:
                raise ValueError(f"aixcoder_languages.toml: {extension} of {name} is already taken")
            by_extension[extension] = language
    return by_extension
