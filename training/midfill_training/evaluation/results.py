"""Answers on the disk: JSON lines, one answer each as soon as it is there, under a line that says whose they are.

Run again, an evaluation goes on where it ended; a last line that was cut short is taken back.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from midfill_training.errors import BadInput, OutputError

_HEAD = b'{"origin": '


@dataclass(frozen=True)
class Origin:
    """What answers depend on. `model` is a name for people; everything else decides whether answers belong together."""

    suite: str
    data_sha256: str
    model: str
    model_sha256: str
    prompt_format: str
    max_tokens: int
    max_prompt_tokens: int
    lora_sha256: str = ""

    def difference(self, other: Origin) -> str:
        """What `other` differs in, in words; empty if its answers belong to these."""
        words = {"model_sha256": "model", "data_sha256": "data file", "lora_sha256": "adapter"}
        names = [field.name for field in fields(self) if field.name != "model"]
        return next(
            (words.get(name, name.replace("_", " ")) for name in names if getattr(self, name) != getattr(other, name)),
            "",
        )


@dataclass(frozen=True)
class Answer:
    """One case in one run. `text` is what the model wrote; lengths are of stripped texts in characters."""

    case: str
    run: str
    group: str
    cluster: str
    text: str
    stop_reason: str
    n_chars: int
    n_reference_chars: int
    n_tokens: int
    prompt_ms: float
    decode_ms: float
    scores: Mapping[str, float]


class Results:
    """A file of answers, open to add more. Raises BadInput for answers of another origin."""

    def __init__(self, path: Path, origin: Origin) -> None:
        self._path = path
        self._answers: dict[tuple[str, str], Answer] = {}
        is_new = not path.exists() or not _repair(path)
        if not is_new:
            found, answers = read_results(path)
            differs = found.difference(origin)
            if differs:
                raise BadInput(
                    f"{path}: holds answers of {found.model} to {found.suite} with another {differs}; "
                    "name another file with --results"
                )
            self._answers = {(answer.case, answer.run): answer for answer in answers}
        try:
            self._file: BinaryIO = path.open("ab", buffering=0)
        except OSError as error:
            raise OutputError(f"{path}: cannot be written: {error.strerror}") from error
        if is_new:
            self._write({"origin": asdict(origin)})

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._file.close()

    def __contains__(self, key: tuple[str, str]) -> bool:
        """Whether the (case, run) has been answered."""
        return key in self._answers

    def add(self, answer: Answer) -> None:
        """Keep an answer. Raises OutputError."""
        self._write(asdict(answer))
        self._answers[answer.case, answer.run] = answer

    def of(self, cases: Sequence[str], runs: Sequence[str]) -> list[Answer]:
        """The answers to these cases in these runs, in this order."""
        keys = ((case, run) for run in runs for case in cases)
        return [self._answers[key] for key in keys if key in self._answers]

    def _write(self, record: Mapping[str, Any]) -> None:
        line = json.dumps(record, ensure_ascii=False).encode(errors="replace") + b"\n"
        try:
            n_written = self._file.write(line)
            if n_written < len(line):
                raise OSError(errno.ENOSPC, "the disk is full")
        except OSError as error:
            raise OutputError(
                f"{self._path}: cannot be written: {error.strerror}; {len(self._answers)} answers are kept, make room "
                "and run again to go on"
            ) from error


def read_results(path: Path) -> tuple[Origin, list[Answer]]:
    """All that a file holds. Raises BadInput when it is no file of answers."""
    try:
        with path.open(encoding="utf-8") as lines:
            records = _records(lines)
            origin = Origin(**next(records)["origin"])
            return origin, [Answer(**record) for record in records]
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError, KeyError, StopIteration) as error:
        raise BadInput(f"{path}: holds no answers of `midfill-train evaluate`; name another file") from error


def _records(lines: Iterator[str]) -> Iterator[Any]:
    return (json.loads(line) for line in lines if line.endswith("\n"))


def _repair(path: Path) -> bool:
    """Take back the last line of a file of ours if it was cut short; whether the file holds anything."""
    if not path.is_file():
        raise BadInput(f"{path}: is no file; name one with --results")
    try:
        with path.open("rb+") as file:
            data = file.read()
            if data.startswith(_HEAD) or _HEAD.startswith(data):
                data = data[: data.rfind(b"\n") + 1]
                file.truncate(len(data))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}") from error
    return bool(data)
