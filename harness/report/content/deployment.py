"""What became of each result after training, as text: the conclusion, the exports, and what was remarked on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.job.job import Job
from harness.records.deployments import BASES, DeploymentRecord, Deployments
from harness.report.content.gguf_files import (
    BOUND,
    PROJECTED,
    SameFormat,
    board_headings,
    board_row,
    generation,
    same_formats,
    shown,
)
from harness.studies.deploy.board import Board, fits
from harness.studies.deploy.ease import Ease, ease_of
from harness.studies.deploy.learned import as_much_as, has_learned
from harness.studies.deploy.workload import GENERATED_TOKENS, PROMPT_TOKENS
from harness.text import units

EXPORT_HEADINGS = (
    "result",
    "held-out loss, untrained",
    "trained",
    "exported",
    "learned",
    "the export holds",
    "seconds",
    "size",
    "peak memory",
    "logits apart",
)
EASE_WORDS: dict[Ease, str] = {
    "as trained": "Exported as trained",
    "with a workaround": "Exported as trained, with a workaround",
    "not as trained": "Exported, but not as trained",
    "failed": "Not exported",
}
FINDING_HEADINGS = ("result", "question", "asked", "got", "judged")


def explanation(found: Deployments) -> str:
    """Return what was done, with which model, on what."""
    first = found.results[0]
    job = Job.from_dict(first.job)
    rates = sorted(found.read_bytes_per_second.items())
    by_count = ", ".join(f"{rate / 1e9:.1f} GB/s by {count}" for count, rate in rates)
    bandwidth = f"This machine reads memory at {by_count} threads. " if rates else ""
    return (
        f"Each framework trained a model of {job.shape.parameters / 1e6:,.0f} M parameters for {job.max_steps} steps "
        f"({first.model_source}; {first.dataset_source}), and exported it by its own means. The export became GGUF "
        f"files, which llama.cpp (llama-cpp-python {first.engine_version}) ran on {found.host}, {first.threads} in "
        f"use: {min(PROMPT_TOKENS, job.sequence_length)} tokens of prompt, {GENERATED_TOKENS} generated, each run in a "
        f"fresh process. {bandwidth}Losses are over {first.held_out_tokens:,} held-out tokens, which follow those of "
        "the job; no block of them was trained on (sha256)."
    )


def conclusion(found: Deployments, known: Sequence[Board]) -> str:
    """Return what became of the whole stack, in few sentences."""
    titles: dict[Ease, list[str]] = {}
    for record in found.results:
        titles.setdefault(ease_of(record), []).append(record.title)
    whole = sum(bool(record.files) and not record.stopped for record in found.results)
    sentences = [f"{whole} of {len(found.results)} results went the whole way to llama.cpp."]
    sentences += [f"{words}: {', '.join(titles[ease])}." for ease, words in EASE_WORDS.items() if ease in titles]
    run = [one for one in same_formats(found) if one.first_run[1].runs]
    if run:
        smallest = run[-1]
        _, file = smallest.first_run
        rate = shown(smallest.over_runs(generation), units.rate)
        sentences.append(
            f"The smallest file, {smallest.name}, has {file.bytes / 1e6:,.0f} MB and generates {rate} tokens/s on "
            f"{found.host}."
        )
        sentences += [text for board in known if (text := _on_board(found, smallest, board))]
    return " ".join(sentences)


def _on_board(found: Deployments, one: SameFormat, board: Board) -> str:
    """Return whether a file fits a board, and how fast it would be there; empty if nothing is known of it."""
    _, file = one.first_run
    row = dict(zip(board_headings(), board_row(found, one, board), strict=True))
    if not file.context_rss_bytes or row[PROJECTED] == units.NOTHING:
        return ""
    fitting = [size for size in sorted(file.context_rss_bytes) if fits(file, size, board)]
    room = f"a context of {fitting[-1]:,} tokens fits" if fitting else "no context that was tried fits"
    return (
        f"On a {board.name} {room}; {row[PROJECTED]} tokens/s are projected, not measured, and {row[BOUND]} are the "
        "most that its memory lets through."
    )


def losses_text(found: Deployments) -> str:
    """Return what the losses say; they say little about weights that began at random."""
    pretrained = all(record.is_pretrained for record in found.results)
    trained = any(has_learned(record) for record in found.results)
    if pretrained:
        return "Losses are means in nats per token."
    words = (
        "Losses are in nats per token. The weights began at random, so they show whether every framework learned as "
        "much from the same text, not how good a model is"
    )
    if trained:
        return f"{words}. What quantization costs is shown where training lowered the loss by a nat or more."
    return f"{words}. What quantization costs such weights says nothing about trained ones, and is not shown."


def export_rows(found: Deployments) -> list[tuple[str, ...]]:
    """Return a row per result, in the order of EXPORT_HEADINGS."""
    return [_export_row(record, found.references.get(record.method)) for record in found.results]


def _export_row(record: DeploymentRecord, reference: DeploymentRecord | None) -> tuple[str, ...]:
    start = (record.title, _loss(record.untrained_loss), _loss(record.trained_loss))
    export = record.export
    if export is None:
        return (*start, units.NOTHING, as_much_as(record, reference), record.stopped, *(units.NOTHING,) * 4)
    return (
        *start,
        _loss(export.loss),
        as_much_as(record, reference),
        holds(record),
        units.seconds(export.seconds),
        units.gibibytes(export.bytes),
        units.gibibytes(export.peak_rss_bytes),
        f"{export.logits_apart:.1e}",
    )


def holds(record: DeploymentRecord) -> str:
    """Return what an export holds, in words."""
    export = record.export
    if export is None:
        return record.stopped or units.NOTHING
    faults = "; ".join(f"{fault.subject}: {fault.got}" for fault in export.faults)
    words = faults or ("what was trained, with a workaround" if export.workarounds else "what was trained")
    return f"{words}; merged into {BASES[export.base]}" if export.base else words


def finding_rows(found: Deployments) -> list[tuple[str, ...]]:
    """Return a row per finding on an export, in the order of FINDING_HEADINGS."""
    return [
        (record.title, finding.subject, finding.asked, finding.got, finding.result)
        for record in found.results
        if record.export is not None
        for finding in record.export.findings
    ]


def remarks(found: Deployments) -> Iterator[str]:
    """Yield what had to be worked around, and what was not done, each once with the results that it is about."""
    said: dict[str, list[str]] = {}
    for record in found.results:
        export = record.export
        texts = [*(export.workarounds if export is not None else ()), *record.notes]
        texts += [f"its Modelfile: {problem}" for problem in record.modelfile_problems]
        texts += [f"it went no further: {record.stopped}"] if record.stopped else []
        if any(not file.tokens_are_the_same for file in record.files):
            texts.append("llama.cpp splits the sample texts into other tokens than the model's tokenizer")
        for text in texts:
            said.setdefault(text, []).append(record.title)
    everybody = {record.title for record in found.results}
    for text, titles in said.items():
        yield text if set(titles) == everybody else f"{', '.join(titles)}: {text}"


def _loss(value: float | None) -> str:
    return units.NOTHING if value is None else f"{value:.4f}"
