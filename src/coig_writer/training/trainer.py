"""TRL's SFTTrainer, with a record of the rows that each optimizer step consumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from trl import SFTTrainer


class RecipeTrainer(SFTTrainer):  # type: ignore[misc]
    """An SFTTrainer that writes ``consumed-RANK.jsonl`` beside its checkpoints.

    A row counts as consumed when its gradient is computed, not when a worker loads it, and lines
    of steps after the checkpoint are cut off when a run resumes.

    Args:
        row_names: Name of each dataset row, by its column ``row``.
        **arguments: As for SFTTrainer.
    """

    def __init__(self, *, row_names: list[str], **arguments: Any) -> None:
        super().__init__(**arguments)
        self.row_names = row_names
        self.data_collator: Any = _WithRows(self.data_collator)

    @property
    def consumed_file(self) -> Path:
        """Where this process records its rows."""
        return Path(self.args.output_dir) / f"consumed-{self.args.process_index}.jsonl"

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        columns: list[str] = self._signature_columns
        self._signature_columns: list[str] = [*dict.fromkeys([*columns, "row"])]

    def train(self, resume_from_checkpoint: Any = None, **arguments: Any) -> Any:
        """Trains; a resumed run keeps the record up to its checkpoint and no further."""
        step = int(str(resume_from_checkpoint).rpartition("-")[2]) if resume_from_checkpoint else 0
        file = self.consumed_file
        file.parent.mkdir(parents=True, exist_ok=True)
        kept = file.read_text(encoding="utf-8").splitlines() if file.is_file() and step else []
        file.write_text(
            "".join(line + "\n" for line in kept if json.loads(line)["step"] <= step),
            encoding="utf-8",
        )
        return super().train(resume_from_checkpoint=resume_from_checkpoint, **arguments)

    def training_step(
        self, model: Any, inputs: dict[str, Any], *arguments: Any, **named: Any
    ) -> torch.Tensor:
        """Computes one gradient and records the rows it came from."""
        rows = inputs.pop("row")
        loss: torch.Tensor = super().training_step(model, inputs, *arguments, **named)
        line = {
            "epoch": int((self.state.epoch or 0) + 1e-9),
            "step": self.state.global_step + 1,
            "rows": [self.row_names[i] for i in rows.tolist()],
        }
        with self.consumed_file.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line, ensure_ascii=False) + "\n")
        return loss


class _WithRows:
    """A collator that passes row numbers through as a tensor."""

    def __init__(self, collator: Any) -> None:
        self.collator = collator

    def __call__(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        batch: dict[str, Any] = self.collator(
            [{k: v for k, v in e.items() if k != "row"} for e in examples]
        )
        batch["row"] = torch.tensor([e["row"] for e in examples])
        return batch
