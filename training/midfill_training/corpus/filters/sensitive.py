"""Secrets and personal data are replaced by placeholders that say what stood there (PAPER.md section 1, row 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module

from midfill_context.secrets import Span, find_secrets, replace_spans, without_overlaps
from midfill_training.corpus.documents import SourceFile
from midfill_training.corpus.filters.personal import emails, ip_addresses, phone_numbers, urls
from midfill_training.corpus.verdict import Verdict
from midfill_training.errors import BadInput

# Finds names of persons: the start and the end of each, in characters.
NameFinder = Callable[[str], Iterable[tuple[int, int]]]
_FINDERS: dict[str, Callable[[str], Iterable[Span]]] = {
    "secrets": find_secrets,
    "emails": emails,
    "ip_addresses": ip_addresses,
    "phone_numbers": phone_numbers,
    "urls": urls,
}
# Outside strings and comments `<IP>` is a redirection in these and a tag in those.
_BRACKETS_MEAN_SOMETHING = frozenset(
    {"bash", "powershell", "bat", "html", "xml", "vue", "svelte", "javascript", "javascriptreact", "typescriptreact"}
)


@dataclass(frozen=True)
class SensitiveSettings:
    """What is looked for, and by whom names are found."""

    # The paper lists URLs too. Nearly every licence header, schema and test has one and none of these is private, so
    # they stay unless "urls" is added here.
    kinds: tuple[str, ...] = ("secrets", "emails", "ip_addresses", "phone_numbers")
    # A NameFinder as `module:function`, empty for none. The default knows author tags and copyright lines: it needs no
    # model, and a recogniser trained on news takes identifiers for names.
    names: str = "midfill_training.corpus.filters.names:tagged_names"


@dataclass(frozen=True)
class SensitiveFilter:
    """Changes files, drops none. BadInput for an unknown kind or a finder of names that cannot be loaded."""

    settings: SensitiveSettings = SensitiveSettings()

    def __post_init__(self) -> None:
        for kind in self.settings.kinds:
            if kind not in _FINDERS:
                raise BadInput(f"sensitive.kinds has {kind!r}; there are {', '.join(_FINDERS)}")
        _name_finder(self.settings.names)

    def __call__(self, files: Sequence[SourceFile]) -> Iterator[Verdict]:
        return map(self._judge, files)

    def _judge(self, file: SourceFile) -> Verdict:
        spans = self._spans(file.text)
        if not spans:
            return Verdict(file)
        counts = Counter(span.kind for span in spans)
        found = ", ".join(f"{n} {kind}" for kind, n in sorted(counts.items()))
        return Verdict(replace(file, text=_replaced(file, spans)), f"replaced {found}", counts)

    def _spans(self, text: str) -> list[Span]:
        spans = [span for kind in self.settings.kinds for span in _FINDERS[kind](text)]
        names = (Span(start, end, "NAME") for start, end in _name_finder(self.settings.names)(text))
        return without_overlaps([*spans, *names])


def _replaced(file: SourceFile, spans: Iterable[Span]) -> str:
    """One value has one placeholder throughout a file: `<EMAIL>` the first, `<EMAIL_2>` the second."""
    placeholders: dict[tuple[str, str], str] = {}
    kinds: Counter[str] = Counter()
    shape = "{}" if file.language in _BRACKETS_MEAN_SOMETHING else "<{}>"

    def placeholder(span: Span) -> str:
        value = (span.kind, file.text[span.start : span.end])
        if value not in placeholders:
            kinds[span.kind] += 1
            number = kinds[span.kind]
            placeholders[value] = shape.format(span.kind if number == 1 else f"{span.kind}_{number}")
        return placeholders[value]

    return replace_spans(file.text, spans, placeholder)


@cache
def _name_finder(name: str) -> NameFinder:
    if not name:
        return lambda text: ()
    module, _, function = name.partition(":")
    try:
        finder: NameFinder = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise BadInput(f"sensitive.names is {name!r}, which is no module:function ({error})") from error
    return finder
