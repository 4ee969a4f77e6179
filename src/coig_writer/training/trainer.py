"""TRL's SFTTrainer, with a record of what each step consumed and what it cost per source."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from trl import SFTTrainer

from coig_writer.training import throughput
from coig_writer.training.ledger import Ledger


class RecipeTrainer(SFTTrainer):  # type: ignore[misc]
    """An SFTTrainer that writes ``consumed-RANK.jsonl`` beside its checkpoints.

    A row counts as consumed when its gradient is computed, not when a worker loads it, and lines
    of steps after the checkpoint are cut off when a run resumes. With packing each document keeps
    its row. The log gains the loss per source, tokens per second without padding and, on a GPU
    whose peak is known, strict MFU.

    Args:
        row_names: ``source<TAB>source_id`` of each dataset row, by its column ``row``.
        **arguments: As for SFTTrainer.
    """

    def __init__(self, *, row_names: Sequence[str], **arguments: Any) -> None:
        self.row_names = list(row_names)
        self.ledger = Ledger([name.partition("\t")[0] for name in row_names])
        super().__init__(**arguments)
        self.data_collator: Any = _WithRows(self.data_collator)
        self._log_probs: torch.Tensor | None = None
        self.model.register_forward_hook(self._keep_log_probs)
        self._clock = time.monotonic()

    def _prepare_dataset(
        self, dataset: Any, processing_class: Any, args: Any, packing: bool, *rest: Any
    ) -> Any:
        documents = super()._prepare_dataset(dataset, processing_class, args, False, *rest)
        self.ledger.measure(documents)
        if not packing:
            return documents.map(lambda d: {"rows": [d["row"]]}, remove_columns="row")
        row_of = {tuple(d["input_ids"]): d["row"] for d in documents}
        packed = super()._prepare_dataset(documents, processing_class, args, True, *rest)
        return packed.map(lambda p: {"rows": [row_of[ids] for ids in _segments(p)]})

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        columns: list[str] = self._signature_columns
        self._signature_columns: list[str] = [*dict.fromkeys([*columns, "rows"])]

    @property
    def consumed_file(self) -> Path:
        """Where this process records its rows."""
        return Path(self.args.output_dir) / f"consumed-{self.args.process_index}.jsonl"

    def train(self, resume_from_checkpoint: Any = None, **arguments: Any) -> Any:
        """Trains; a resumed run keeps the record up to its checkpoint and no further."""
        step = int(str(resume_from_checkpoint).rpartition("-")[2]) if resume_from_checkpoint else 0
        file = self.consumed_file
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = (
            [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
            if file.is_file() and step
            else []
        )
        kept = [line for line in kept if line["step"] <= step]
        file.write_text(
            "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept), encoding="utf-8"
        )
        self.ledger.restore(kept)
        self._clock = time.monotonic()
        return super().train(resume_from_checkpoint=resume_from_checkpoint, **arguments)

    def training_step(
        self, model: Any, inputs: dict[str, Any], *arguments: Any, **named: Any
    ) -> torch.Tensor:
        """Computes one gradient and records the rows it came from."""
        rows = inputs.pop("rows").tolist()
        width = inputs["input_ids"].numel()
        bounds = inputs["cu_seq_lens_q"].tolist() if "cu_seq_lens_q" in inputs else None
        loss: torch.Tensor = super().training_step(model, inputs, *arguments, **named)
        padding = self.ledger.spend(rows, width, document_losses(self._log_probs, bounds))
        line = {
            "epoch": int((self.state.epoch or 0) + 1e-9),
            "step": self.state.global_step + 1,
            "padding": padding,
            "rows": [self.row_names[i] for i in rows],
            "numbers": rows,
        }
        with self.consumed_file.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line, ensure_ascii=False) + "\n")
        return loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Adds loss per source, tokens per second and strict MFU to a training log."""
        if "loss" in logs:
            logs |= self._extra_logs()
        super().log(logs, start_time)

    def _extra_logs(self) -> dict[str, float]:
        totals = self.accelerator.reduce(
            torch.tensor(
                self.ledger.since_last_log(),
                dtype=torch.float64 if self.args.use_cpu else torch.float32,
                device=self.args.device,
            ),
            reduction="sum",
        )
        losses, supervised, tokens = totals.tolist()
        seconds, self._clock = time.monotonic() - self._clock, time.monotonic()
        found = {
            f"loss/{source}": round(loss / count, 4)
            for source, loss, count in zip(self.ledger.sources, losses, supervised, strict=True)
            if count
        }
        per_second = sum(tokens) / max(seconds, 1e-9) / self.accelerator.num_processes
        found["tokens_per_second_per_device"] = round(per_second, 1)
        mfu = throughput.strict_mfu(self.model.config, per_second, self.ledger.mean_length)
        return found if mfu is None else found | {"strict_mfu": round(mfu, 4)}

    def _keep_log_probs(self, _module: Any, _inputs: Any, outputs: Any) -> None:
        kept = getattr(outputs, "log_probs", None)
        self._log_probs = None if kept is None else kept.detach()


def document_losses(log_probs: torch.Tensor | None, bounds: list[int] | None) -> list[float]:
    """Returns the summed negative log-likelihood of each document of a batch.

    Args:
        log_probs: (rows, tokens - 1), zero where a token carries no loss.
        bounds: For a packed batch, where its documents start and, last, end.
    """
    if log_probs is None:
        return []
    losses = -log_probs.double().cpu()
    if bounds is None:
        return [float(total) for total in losses.sum(-1)]
    flat = losses.flatten()
    return [float(flat[a : b - 1].sum()) for a, b in itertools.pairwise(bounds)]


def _segments(packed: dict[str, Any]) -> list[tuple[int, ...]]:
    """Cuts a packed row into its documents."""
    found, start = [], 0
    for length in packed["seq_lengths"]:
        found.append(tuple(packed["input_ids"][start : start + length]))
        start += length
    return found


class _WithRows:
    """A collator that passes the rows of a batch through, in order, as one tensor."""

    def __init__(self, collator: Any) -> None:
        self.collator = collator

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        batch: dict[str, Any] = self.collator(
            [{k: v for k, v in e.items() if k != "rows"} for e in examples]
        )
        batch["rows"] = torch.tensor([row for e in examples for row in e["rows"]])
        return batch
