"""What can be set about packing: the table `[packing]`."""

from __future__ import annotations

from dataclasses import dataclass

from midfill_training.errors import BadInput

CHOICES = {
    "loss": ("all", "own", "middle"),
    "group": ("project", "document"),
    "holdout": ("projects", "files", "none"),
}

MIN_LENGTH = 128  # the longest header, and a hole
MAX_LENGTH = 2**17


@dataclass(frozen=True)
class PackingSettings:
    """Shares are probabilities. The defaults are those of the default model's run."""

    length: int = 2048
    passes: int = 1  # over the corpus; each draws other orders, objectives, holes and snippets
    project_tokens: int = 0  # of one project in a pass, about: more say little new, and drown the others; 0: all of it
    seed: int = 0
    loss: str = "own"  # of "all" tokens, of a document's "own" but not its snippets, or of its "middle" alone
    group: str = "project"  # what may attend to itself: a "project" in a row, or each "document"
    holdout: str = "projects"  # what `valid` holds: whole "projects", the later "files" of each project, "none"
    holdout_share: float = 0.02  # enough to judge a loss by; projects are drawn by the hash of their name
    context_share: float = 0.4  # of the documents with a hole that get pieces of other files in front: 1/4 to 1/2
    max_context_share: float = 0.5  # of a row: what these pieces may have of it; how much is drawn each time
    chunk_share: float = 0.6  # of those: pieces like the text at the hole, as the server finds them; else whole files
    path_dropout: float = 0.05  # documents without a path: editors have files that were never saved
    min_room: float = 0.125  # of a row: a file is cut to what is left of one unless this is less: 5% filling, few stubs

    def __post_init__(self) -> None:
        if not MIN_LENGTH <= self.length <= MAX_LENGTH:
            raise BadInput(f"packing: rows of {self.length} tokens; they have {MIN_LENGTH} to {MAX_LENGTH:,}")
        if self.passes < 1:
            raise BadInput(f"packing: {self.passes} passes; make it 1 or more")
        if self.project_tokens < 0:
            raise BadInput(f"packing.project_tokens is {self.project_tokens}; make it 1 or more, or 0 for all of them")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise BadInput(f"packing.{name} is {getattr(self, name)!r}; there are {', '.join(choices)}")
        for name, value in vars(self).items():
            if isinstance(value, float) and not 0 <= value <= 1:
                raise BadInput(f"packing.{name} is {value}; it is a share, from 0 to 1")
