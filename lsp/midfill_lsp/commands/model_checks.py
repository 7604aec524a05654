"""The checks of `midfill doctor` on the installed models: whole, fitting into memory, measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midfill_lsp.commands.checks import Check

if TYPE_CHECKING:
    from midfill_model.files.catalogue import InstalledModel

CONTEXT_TOKENS = 4096  # the memory that a model needs is told for this much


def check_models(*, verify: bool) -> list[Check]:
    """Each installed model and what was measured with it; no model at all is a problem."""
    from midfill_model.files import store
    from midfill_model.files.catalogue import DEFAULT_MODEL, find_model

    names = store.stored_names()
    if not names:
        advice = f"run `midfill model pull {DEFAULT_MODEL}`"
        return [Check("models", "problem", f"none in {store.models_dir()}", advice)]
    return [check for name in names for check in _checks_of(find_model(name), verify=verify)]


def _checks_of(model: InstalledModel, *, verify: bool) -> list[Check]:
    check = _check_model(model, verify=verify)
    return [check] if check.status == "problem" else [check, _check_tuning(model)]


def _check_model(model: InstalledModel, *, verify: bool) -> Check:
    import psutil

    from midfill_model.errors import ModelError
    from midfill_model.files import store
    from midfill_model.files.gguf_file import memory_need, read_header

    name = f"model {model.name}"
    again = f"run `midfill model pull {model.name}`" if model.entry else "get the file again"
    record = store.read_record(model.path)
    size = record.size_bytes if record else model.entry.size_bytes if model.entry and model.entry.sha256 else None
    sha256 = (model.entry.sha256 if model.entry else None) or (record.sha256 if record else None)
    try:
        header = read_header(model.path)
        if size is not None and header.file_bytes != size:
            return Check(name, "problem", f"{header.file_bytes:,} bytes instead of {size:,}", again)
        if verify and sha256 is not None and store.sha256_of(model.path) != sha256:
            return Check(name, "problem", f"its SHA-256 is not {sha256}", again)
    except (ModelError, OSError) as error:
        return Check(name, "problem", str(error), again)
    need = memory_need(header, min(CONTEXT_TOKENS, header.n_ctx_train)).total >> 20
    available = psutil.virtual_memory().available >> 20
    checked = "SHA-256 checked" if verify and sha256 else "size checked" if size else "header checked"
    detail = f"{header.architecture} {header.file_type}, needs {need:,} MiB of memory, {checked}"
    if available < need:
        advice = f"{available:,} MiB are free: close other programs, or use a smaller model or quantisation"
        return Check(name, "warn", detail, advice)
    return Check(name, "ok", detail)


def _check_tuning(model: InstalledModel) -> Check:
    from midfill_model.local.tuning import stored_tuning

    name = f"tuning {model.name}"
    tuning = stored_tuning(model.path)
    if tuning is None:
        return Check(name, "ok", "not measured yet: that is done when the editor rests and the machine is quiet")
    read = f"reads {tuning.tokens_per_s:.0f} tokens/s, in micro-batches of {tuning.n_micro_batch}"
    return Check(name, "ok", f"{tuning.n_threads} threads; {read}, at most {tuning.max_prompt_tokens:,} of a prompt")
