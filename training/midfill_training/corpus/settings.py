"""What can be set in the corpus stage: the table `[corpus]` of a settings file."""

from __future__ import annotations

from dataclasses import dataclass, field

from midfill_context.languages import language, languages
from midfill_training.corpus.filters import FILTERS
from midfill_training.corpus.filters.analysis import AnalysisSettings
from midfill_training.corpus.filters.comments import CommentSettings
from midfill_training.corpus.filters.decontamination import DecontaminationSettings
from midfill_training.corpus.filters.generated import GeneratedSettings
from midfill_training.corpus.filters.sensitive import SensitiveSettings
from midfill_training.corpus.filters.syntax import SyntaxSettings
from midfill_training.errors import BadInput

# Decided with all projects in view, together and in this order: a fork goes as a whole before its files are compared.
GLOBAL_STAGES = ("ranking", "forks", "exact", "near")
LOCAL_STAGES = ("licence", *FILTERS)


@dataclass(frozen=True)
class SourceLimits:
    """What is read of a source, and when an archive is refused as a whole."""

    max_file_bytes: int = 2**20  # as the index of `context` has it: larger files are data
    max_members: int = 200_000
    max_unpacked_bytes: int = 4 * 2**30
    max_ratio: int = 200  # unpacked to packed; source code packs 3 to 10 times, a bomb 1000 times


@dataclass(frozen=True)
class LicenceSettings:
    """SPDX ids beyond those of `licences.toml`, and whether code without any licence is taken: one's own is."""

    also_accepted: tuple[str, ...] = ()
    accept_unknown: bool = False


@dataclass(frozen=True)
class RankingSettings:
    """PAPER.md section 1, step 2: the share is the paper's."""

    dropped_share: float = 0.1


@dataclass(frozen=True)
class ForkSettings:
    """A project is a fork when this share of its bytes lies in files that one better project has as well: most."""

    shared_bytes: float = 0.5


@dataclass(frozen=True)
class NearSettings:
    """MinHash over runs of `n_tokens` tokens of code. With datatrove's 14 x 8 hashes a pair is found with probability
    `1 - (1 - s^8)^14` at Jaccard similarity `s`: 0.99 at the 0.85 that PAPER.md section 9 recalls, half at 0.68, and
    0.05 at 0.5. Editing one token in 33 takes two copies to 0.73.
    """

    n_tokens: int = 5
    n_buckets: int = 14
    hashes_per_bucket: int = 8


@dataclass(frozen=True)
class SlurmSettings:
    """What Slurm is asked for; `environment` is the `bin/activate` of a virtual environment, if one is needed."""

    partition: str = ""
    time: str = "12:00:00"
    memory_gb: int = 4
    qos: str = ""
    environment: str = ""


@dataclass(frozen=True)
class CorpusSettings:
    """`stages` run in this order; leave one out to switch it off. An empty `languages` means all with a grammar."""

    stages: tuple[str, ...] = (
        *("licence", "generated", *GLOBAL_STAGES),
        *("sensitive", "comments", "syntax", "analysis", "decontamination"),
    )
    languages: tuple[str, ...] = ()
    samples: int = 5  # shown of what each stage dropped for one reason
    limits: SourceLimits = SourceLimits()
    licence: LicenceSettings = LicenceSettings()
    ranking: RankingSettings = RankingSettings()
    forks: ForkSettings = ForkSettings()
    near: NearSettings = NearSettings()
    generated: GeneratedSettings = field(default_factory=GeneratedSettings)
    sensitive: SensitiveSettings = field(default_factory=SensitiveSettings)
    comments: CommentSettings = field(default_factory=CommentSettings)
    syntax: SyntaxSettings = field(default_factory=SyntaxSettings)
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    decontamination: DecontaminationSettings = field(default_factory=DecontaminationSettings)
    slurm: SlurmSettings = SlurmSettings()


@dataclass(frozen=True)
class StagePlan:
    """The stages before all projects are compared, the comparisons, and the stages after them."""

    before: tuple[str, ...]
    together: tuple[str, ...]
    after: tuple[str, ...]


def stage_plan(settings: CorpusSettings) -> StagePlan:
    """Cut the stages where projects are compared. BadInput for names and orders that cannot be run."""
    stages = settings.stages
    for name in stages:
        if name not in (*LOCAL_STAGES, *GLOBAL_STAGES):
            raise BadInput(
                f"corpus.stages: no stage is called {name!r}; there are {', '.join(CorpusSettings().stages)}"
            )
        if stages.count(name) > 1:
            raise BadInput(f"corpus.stages: {name} stands there twice")
    together = tuple(name for name in stages if name in GLOBAL_STAGES)
    at = stages.index(together[0]) if together else len(stages)
    if stages[at : at + len(together)] != tuple(name for name in GLOBAL_STAGES if name in together):
        raise BadInput(f"corpus.stages: {', '.join(GLOBAL_STAGES)} are decided together: keep them side by side and so")
    return StagePlan(stages[:at], together, stages[at + len(together) :])


def wanted_languages(settings: CorpusSettings) -> frozenset[str]:
    """Ids of the languages to read. BadInput for one that `languages.toml` does not have."""
    if not settings.languages:
        return frozenset(each.id for each in languages() if each.grammar)
    found = {name: language(name) for name in settings.languages}
    for name, each in found.items():
        if each is None:
            raise BadInput(f"corpus.languages: {name!r} is no language of midfill's table; use ids as `python`, `cpp`")
    return frozenset(each.id for each in found.values() if each)
