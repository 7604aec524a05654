"""A script of keystrokes: what a human types into real files, the same whoever completes it.

Of each file two places are taken out, of two lines each, before it is opened. The user comes to a place, opens a line,
types the first line in, at the first place with a slip that is deleted again, begins the second line, accepts what is
suggested there, looks at what is suggested next, and puts right what the file has otherwise. So the texts that two
servers suggest may differ, and the keys and the places where a suggestion is due remain the same.

Of a due suggestion the user waits for the end, whatever it is; other keys are 100 to 170 ms apart, as they come from
practised hands.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from midfill_context.index.walking import Walker
from midfill_context.languages import language_of

N_FILES = 5
N_LINES = (80, 400)  # of a file that is typed into
FIRST_LINE_CHARS = (19, 23)
SECOND_LINE_CHARS = (16, 80)
BEGUN_CHARS = 5  # of the second line are typed before the rest is accepted
SLIP_AT = 9  # so many characters of a line, a wrong one is typed
PAUSE_S = (0.1, 0.17)
LOOK_S = 0.2  # at a suggestion
JUMP_S = 0.8  # to find the place


class Kind(Enum):
    """What a key does."""

    TYPE = "type"
    NEWLINE = "newline"  # with the indentation that an editor puts in
    BACKSPACE = "backspace"
    JUMP = "jump"
    ACCEPT = "accept"
    CORRECT = "correct"


@dataclass(frozen=True)
class Key:
    """One keystroke, `pause_s` after the last one or after the suggestion that was waited for.

    `text` is what it puts in: by `ACCEPT` only where nothing is suggested, by `CORRECT` in the place of what was
    accepted. A jump goes to the character `to`.
    """

    kind: Kind
    pause_s: float
    text: str = ""
    to: int = 0
    is_due: bool = False


@dataclass(frozen=True)
class Session:
    """One file, its path in the workspace and its text when it is opened, and what is typed into it."""

    path: str
    text: str
    keys: tuple[Key, ...]


@dataclass(frozen=True)
class Shown:
    """A suggestion on the screen: text to put in at the cursor, in place of so many characters behind it."""

    text: str
    n_replaced: int = 0


@dataclass(frozen=True)
class Edit:
    """The characters from `start` to `end` became `text`."""

    start: int
    end: int
    text: str


class Buffer:
    """A text in an editor, with a cursor: after `offset` characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.offset = 0
        self._accepted = Edit(0, 0, "")

    def press(self, key: Key, shown: Shown | None) -> Edit | None:
        """What a key does to the text; None where it only moves the cursor."""
        if key.kind is Kind.JUMP:
            self.offset = key.to
            return None
        edit = self._edit(key, shown)
        if key.kind is Kind.ACCEPT:
            self._accepted = Edit(edit.start, edit.start + len(edit.text), self.text[edit.start : edit.end])
        self.text = self.text[: edit.start] + edit.text + self.text[edit.end :]
        self.offset = edit.start + len(edit.text)
        if key.kind is Kind.CORRECT:
            self.offset -= len(self._accepted.text)
        return edit

    def _edit(self, key: Key, shown: Shown | None) -> Edit:
        at = self.offset
        if key.kind is Kind.BACKSPACE:
            return Edit(at - 1, at, "")
        if key.kind is Kind.ACCEPT and shown:
            return Edit(at, at + shown.n_replaced, shown.text)
        if key.kind is Kind.CORRECT:
            return Edit(self._accepted.start, self._accepted.end, key.text + self._accepted.text)
        return Edit(at, at, key.text)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and character of an offset, from 0."""
        before = self.text[:offset]
        return before.count("\n"), offset - before.rfind("\n") - 1


def sessions(folder: Path, n_files: int = N_FILES) -> list[Session]:
    """What is typed into files of a folder, chosen evenly from all that suit. ValueError if those are too few."""
    found = []
    for path in sorted(Walker(folder).walk().files):
        text = (folder / path).read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n")
        known = language_of(path)
        is_code = known is not None and bool(known.grammar)
        if is_code and N_LINES[0] <= text.count("\n") <= N_LINES[1] and (session := _session(path, text)):
            found.append(session)
    if len(found) < n_files:
        raise ValueError(f"{folder} has {len(found)} files of code that suit, and {n_files} are needed")
    return found[:: len(found) // n_files][:n_files]


def _session(path: str, text: str) -> Session | None:
    """What is typed into one file: at two thirds of it, then at one third."""
    lines = text.splitlines(keepends=True)
    starts = [start for start in range(1, len(lines) - 2) if _suits(lines[start - 1 : start + 2])]
    if not starts:
        return None
    early, late = (min(starts, key=lambda start: abs(start - len(lines) * share)) for share in (1 / 3, 2 / 3))
    if late - early < 3:
        return None
    opened = lines[:early] + lines[early + 2 : late] + lines[late + 2 :]
    rhythm = random.Random(path)
    keys: list[Key] = []
    for start, line, has_slip in ((late, late - 2, True), (early, early, False)):
        keys.append(Key(Kind.JUMP, JUMP_S, to=len("".join(opened[:line])) - 1))
        keys += _typed(lines[start], rhythm, has_slip=has_slip)
        keys += _accepted(lines[start + 1], rhythm)
    return Session(path, "".join(opened), tuple(_rested(keys)))


def _suits(lines: Sequence[str]) -> bool:
    """Whether the last two of three lines can be typed behind the first one."""
    before, first, second = (line.strip() for line in lines)
    limits = zip((first, second), (FIRST_LINE_CHARS, SECOND_LINE_CHARS), strict=True)
    return bool(before) and all(
        low <= len(line) <= high and (line[0].isalpha() or line[0] == "_") for line, (low, high) in limits
    )


def _typed(line: str, rhythm: random.Random, *, has_slip: bool) -> Iterator[Key]:
    """A new line, key by key; the user looks at the end of a word, or after a slip."""
    code = line.strip()
    yield _newline(line, rhythm, is_due=True)
    for at, character in enumerate(code):
        if has_slip and at == SLIP_AT:
            yield Key(Kind.TYPE, rhythm.uniform(*PAUSE_S), "q")
            yield Key(Kind.BACKSPACE, rhythm.uniform(*PAUSE_S), is_due=True)
        yield Key(Kind.TYPE, rhythm.uniform(*PAUSE_S), character, is_due=not has_slip and at == _word_end(code))


def _accepted(line: str, rhythm: random.Random) -> Iterator[Key]:
    """A new line of which the beginning is typed, the rest accepted, and put right."""
    code = line.strip()
    yield _newline(line, rhythm, is_due=False)
    for at, character in enumerate(code[:BEGUN_CHARS], 1):
        yield Key(Kind.TYPE, rhythm.uniform(*PAUSE_S), character, is_due=at == BEGUN_CHARS)
    yield Key(Kind.ACCEPT, rhythm.uniform(*PAUSE_S), code[BEGUN_CHARS:], is_due=True)
    yield Key(Kind.CORRECT, rhythm.uniform(*PAUSE_S), code[BEGUN_CHARS:])


def _newline(line: str, rhythm: random.Random, *, is_due: bool) -> Key:
    indentation = line[: len(line) - len(line.lstrip())]
    return Key(Kind.NEWLINE, rhythm.uniform(*PAUSE_S), "\n" + indentation, is_due=is_due)


def _word_end(code: str) -> int:
    """Where the first word behind `SLIP_AT` characters ends."""
    ends = (at for at in range(SLIP_AT, len(code)) if not code[at].isalnum() and code[at] != "_")
    return next(ends, SLIP_AT)


def _rested(keys: Sequence[Key]) -> Iterator[Key]:
    """The keys, with a longer pause wherever the user has looked at a suggestion."""
    has_looked = False
    for key in keys:
        pause_s = key.pause_s + LOOK_S * has_looked
        yield Key(key.kind, pause_s, key.text, key.to, key.is_due)
        has_looked = key.is_due
