"""Is this GGUF the model in that checkpoint? Four checks, each able to refuse alone.

header     the sizes and the RoPE that the metadata states
tokenizer  pieces, types, special ids, and the ids of a sample of code with and without markers
weights    every tensor against the checkpoint's, within the rounding of its type
logits     next-token distributions of transformers and of llama.cpp on the same code; on demand greedy texts as well
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from midfill_model.files.gguf_file import header_of
from midfill_model.files.gguf_layout import STRING, Layout, Stored, read_layout, read_numbers, read_strings
from midfill_training.export.checkpoint_files import open_checkpoint
from midfill_training.export.conversion import ExportOptions, Plan, plan_export
from midfill_training.export.gguf_weights import gguf_tensors
from midfill_training.export.greedy_text import GreedyTexts, Parting, compare_greedy, split_prompts
from midfill_training.export.llama_process import logits, tokenise, tokenise_both
from midfill_training.export.mapping import Value, context_length, size_metadata
from midfill_training.export.reference_logits import Divergence, divergence, load_reference, logits_of
from midfill_training.export.sample_code import sample_lines, sample_texts
from midfill_training.export.vocabulary import FIM_KEYS
from midfill_training.export.weight_errors import weight_findings
from midfill_training.export.writer import write_vocabulary_file

DEFAULT_TOKENS = 512
# The largest mean KL divergence that a file type explains; small models lose more than large ones. Measured on a
# 135M model: F16 0.00001, Q8_0 0.004, Q6_K 0.009, Q5_K_M 0.07, Q4_K_M 0.06, Q4_0 0.24.
MAX_MEAN_KL = (
    *(("F32", 1e-3), ("F16", 1e-3), ("BF16", 5e-3), ("Q8", 0.02), ("Q6", 0.05), ("Q5", 0.2), ("Q4", 0.5)),
    *(("IQ4", 0.5), ("Q3", 1.0), ("IQ3", 1.0)),
)


@dataclass(frozen=True)
class Finding:
    """One reason not to trust the file."""

    check: str
    what: str


@dataclass(frozen=True)
class Report:
    """`divergence` is `None` when logits were not compared; `worst_weight` is the largest relative error."""

    path: Path
    file_type: str
    findings: tuple[Finding, ...]
    worst_weight: float
    divergence: Divergence | None
    max_mean_kl: float
    greedy: GreedyTexts | None = None

    @property
    def is_same(self) -> bool:
        return not self.findings


@dataclass(frozen=True)
class VerifyOptions:
    """`adapter` is a PEFT folder that the GGUF has merged, or that `lora` (a GGUF adapter) brings along.

    `n_greedy` prompts are taken from the code for greedy texts.
    """

    code: tuple[Path, ...] = ()
    n_tokens: int = DEFAULT_TOKENS
    max_mean_kl: float | None = None
    adapter: Path | None = None
    lora: Path | None = None
    tokenizer: Path | None = None
    fim: tuple[str, str, str] | None = None
    compare_logits: bool = True
    n_greedy: int = 0


def verify(path: Path, gguf: Path, options: VerifyOptions) -> Report:
    """Compare the GGUF with the checkpoint at `path`.

    Raises the errors of a checkpoint that cannot be read and the ModelErrors of a GGUF that cannot be.
    """
    checkpoint = open_checkpoint(path)
    merged = options.adapter if options.lora is None else None
    plan = plan_export(checkpoint, ExportOptions(adapter=merged, tokenizer=options.tokenizer, fim=options.fim))
    layout = read_layout(gguf)
    header = header_of(layout)
    findings = [Finding("header", what) for what in _header_findings(layout, plan, size_metadata(checkpoint))]
    findings += [Finding("tokenizer", what) for what in _tokenizer_findings(layout, plan)]
    wrong, errors = weight_findings(plan.tensors, gguf_tensors(layout))
    findings += [Finding("weights", what) for what in wrong]
    limit = options.max_mean_kl or next((kl for start, kl in MAX_MEAN_KL if header.file_type.startswith(start)), 3.0)
    found, texts = None, None
    if options.compare_logits:
        code, n_context = _code_tokens(plan, options), context_length(checkpoint)
        tokens = code[: min(options.n_tokens, n_context)]
        model = load_reference(path, checkpoint, options.adapter)
        found = divergence(logits_of(model, tokens), logits(gguf, tokens, lora=options.lora))
        if not found.mean_kl <= limit:
            findings.append(Finding("logits", f"mean KL divergence {found.mean_kl:.3g}, above {limit:g}"))
        if options.n_greedy:
            prompts = split_prompts(code, options.n_greedy)
            texts = compare_greedy(model, gguf, header.file_type, prompts, lora=options.lora)
            findings += [Finding("greedy", _told(parting)) for parting in texts.partings if not parting.is_explained]
    worst = max(errors.values(), default=0.0)
    return Report(gguf, header.file_type, tuple(findings), worst, found, limit, texts)


def _told(parting: Parting) -> str:
    return (
        f"the text after prompt {parting.prompt} is another one from token {parting.n_equal} on, where the checkpoint "
        f"is sure of its own by {parting.margin:.2g} logits"
    )


def _header_findings(layout: Layout, plan: Plan, sizes: Mapping[str, Value]) -> list[str]:
    found = layout.values.get("general.architecture")
    if found != plan.architecture:
        return [f"the GGUF is {found}, the checkpoint {plan.architecture}"]
    findings = []
    for key, wanted in sizes.items():
        value = layout.values.get(key)
        is_optional = value is None and key.endswith((".key_length", ".value_length", ".vocab_size"))
        if not _equal(value, wanted) and not is_optional:
            findings.append(f"{key} is {value} in the GGUF and {wanted} in the checkpoint")
    return findings


def _equal(a: object, b: object) -> bool:
    """Numbers as the float32 they are stored in."""
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= 1e-6 * abs(b)
    return a == b


def _tokenizer_findings(layout: Layout, plan: Plan) -> list[str]:
    vocabulary = plan.vocabulary
    pieces = _texts(layout, "tokenizer.ggml.tokens")
    if list(vocabulary.pieces) != pieces:
        return [f"the GGUF has {len(pieces):,} pieces that are not the checkpoint's {len(vocabulary.pieces):,}"]
    findings = []
    stored = layout.values.get("tokenizer.ggml.token_type")
    types = [int(kind) for kind in read_numbers(layout, stored)] if isinstance(stored, Stored) else []
    for token, (found, wanted) in enumerate(zip(types, vocabulary.types, strict=False)):
        if found != wanted:
            findings.append(f"token {token} {pieces[token]!r} has type {found} instead of {int(wanted)}")
    if len(types) != len(pieces):
        findings.append("the GGUF does not say the types of all tokens")
    for key in ("tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id", *FIM_KEYS):
        short = {"tokenizer.ggml.bos_token_id": vocabulary.bos_id, "tokenizer.ggml.eos_token_id": vocabulary.eos_id}
        expected = short.get(key, vocabulary.metadata.get(key))
        if layout.values.get(key) != expected:
            findings.append(f"{key} is {layout.values.get(key)} instead of {expected}")
    return findings + _id_findings(layout, plan)


def _id_findings(layout: Layout, plan: Plan) -> list[str]:
    """The proved vocabulary and the file's own, side by side in llama.cpp."""
    texts = list(sample_texts())
    markers = [plan.vocabulary.pieces[token] for token in plan.vocabulary.metadata.values() if isinstance(token, int)]
    texts += [f"{marker}def f(x):{marker}    return x" for marker in markers]
    with TemporaryDirectory(prefix="midfill-") as folder:
        proved = write_vocabulary_file(Path(folder) / "vocabulary.gguf", plan.vocabulary)
        wanted, found = tokenise_both(proved, texts), tokenise_both(layout.path, texts)
    for special in (True, False):
        pairs = zip(wanted[special], found[special], strict=True)
        wrong = [at for at, (a, b) in enumerate(pairs) if a != b]
        if wrong:
            at = wrong[0]
            return [
                f"{len(wrong):,} of {len(texts):,} texts get other ids, first {texts[at][:80]!r}: "
                f"{found[special][at][:16]} instead of {wanted[special][at][:16]}"
            ]
    return []


def _texts(layout: Layout, key: str) -> list[str]:
    stored = layout.values.get(key)
    if not isinstance(stored, Stored) or stored.kind != STRING:
        return []
    return [text.decode(errors="replace") for text in read_strings(layout, stored)]


def _code_tokens(plan: Plan, options: VerifyOptions) -> Sequence[int]:
    """The ids of the code to compare on."""
    text = "\n".join(line for lines in sample_lines().values() for line in lines)
    if options.code:
        text = "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in options.code)
    with TemporaryDirectory(prefix="midfill-") as folder:
        proved = write_vocabulary_file(Path(folder) / "vocabulary.gguf", plan.vocabulary)
        (tokens,) = tokenise(proved, [text], special=False)
    return tokens
