"""The filters of the corpus stage that judge the files of one project, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from midfill_training.corpus.filters.analysis import AnalysisFilter, AnalysisSettings
from midfill_training.corpus.filters.comments import CommentFilter, CommentSettings
from midfill_training.corpus.filters.decontamination import DecontaminationSettings, decontamination_filter
from midfill_training.corpus.filters.generated import GeneratedFilter, GeneratedSettings
from midfill_training.corpus.filters.sensitive import SensitiveFilter, SensitiveSettings
from midfill_training.corpus.filters.syntax import SyntaxFilter, SyntaxSettings
from midfill_training.corpus.verdict import Filter


@dataclass(frozen=True)
class FilterKind:
    """How one filter is made: `build` takes an instance of `settings`; it reads files only where they name some."""

    settings: type[Any]
    build: Callable[[Any], Filter]
    description: str


FILTERS: Mapping[str, FilterKind] = {
    "generated": FilterKind(GeneratedSettings, GeneratedFilter, "drops generated, minified and data-like files"),
    "sensitive": FilterKind(SensitiveSettings, SensitiveFilter, "replaces secrets and personal data by placeholders"),
    "comments": FilterKind(
        CommentSettings, CommentFilter, "removes large blocks of commented-out code by a proportion"
    ),
    "syntax": FilterKind(SyntaxSettings, SyntaxFilter, "drops files that do not parse"),
    "analysis": FilterKind(AnalysisSettings, AnalysisFilter, "drops files in which analysers find high-risk bugs"),
    "decontamination": FilterKind(
        DecontaminationSettings, decontamination_filter, "drops files and projects that share text with benchmarks"
    ),
}
