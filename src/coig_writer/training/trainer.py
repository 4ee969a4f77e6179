"""TRL's SFTTrainer, with a record of what each step consumed and what it cost per source."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from accelerate.data_loader import prepare_data_loader
from accelerate.utils import gather_object
from datasets import Dataset, IterableDataset, concatenate_datasets
from torch.utils.checkpoint import CheckpointPolicy, create_selective_checkpoint_contexts
from torch.utils.data import DataLoader
from transformers import PreTrainedModel, PreTrainedTokenizerBase, ProcessorMixin
from transformers.trainer_utils import TrainOutput
from trl import SFTConfig, SFTTrainer

from coig_writer.errors import ConfigError
from coig_writer.files import appending
from coig_writer.training import attention, checkpoints, optimizer, recipe, recount, throughput
from coig_writer.training.batches import EvenSampler, StepSampler
from coig_writer.training.ledger import Entry, Ledger
from coig_writer.training.modes import Mode

PLAIN = Mode("plain")
Batch: TypeAlias = dict[str, Any]  # tensors, and the rows and bounds as lists that stay on the host
Predicted: TypeAlias = tuple[torch.Tensor | None, torch.Tensor | None, torch.Tensor | None]


class RecipeTrainer(checkpoints.Recorded, SFTTrainer):
    """An SFTTrainer that writes ``consumed-RANK.jsonl`` beside its checkpoints.

    A row counts as consumed when its gradient is computed, not when a worker loads it, and lines
    of steps after the checkpoint are cut off when a run resumes. With packing each document keeps
    its row. The log gains the loss per source, tokens per second without padding and, on a GPU
    whose peak is known, strict MFU.

    Args:
        row_names: ``source<TAB>source_id`` of each dataset row, by its column ``row``.
        args: TRL's.
        mode: How to train; see ``modes``.
        **arguments: As for SFTTrainer.
    """

    column = "rows"
    args: SFTConfig
    processing_class: PreTrainedTokenizerBase
    train_dataset: Dataset

    def __init__(
        self, *, row_names: Sequence[str], args: SFTConfig, mode: Mode = PLAIN, **arguments: Any
    ) -> None:
        self.row_names = list(row_names)
        self.ledger = Ledger([name.partition("\t")[0] for name in row_names])
        self.mode = mode
        super().__init__(args=mode.arguments(args), **arguments)
        if mode.attention is not None:
            self._speed_up(mode.attention)
        self.data_collator: Any = _WithRows(self.data_collator)
        self._log_probs: torch.Tensor | None = None
        self._open: list[_Taken] = []
        self._scored = torch.zeros(3, dtype=torch.float64)  # tokens, their entropy, top predictions
        self._held_out: dict[int, tuple[float, int]] = {}
        self.model.register_forward_hook(self._keep_log_probs)
        self._clock = self._started = time.monotonic()
        self._seconds_before = 0.0
        if self.is_fsdp_enabled:
            self._sum_in_fp32()

    def _sum_in_fp32(self) -> None:
        """Sums FSDP2's gradients over the processes in fp32; accelerate takes the forward pass's dtype."""
        plugin = self.accelerator.state.fsdp_plugin
        if plugin.fsdp_version == 2 and plugin.mixed_precision_policy is not None:
            plugin.mixed_precision_policy = dataclasses.replace(
                plugin.mixed_precision_policy, reduce_dtype=torch.float32, output_dtype=None
            )

    def _speed_up(self, per_document: str) -> None:
        """Chooses attention, then checkpointing, and compiles last: a compiled layer keeps both.

        Raises:
            ConfigError: The weights are sharded, and the lean optimizer wants them whole.
        """
        if self.is_fsdp_enabled or self.is_deepspeed_enabled:
            if self.mode.lean:
                raise ConfigError("mode lean wants whole weights on each GPU", "add --mode fast")
            self.mode = dataclasses.replace(self.mode, compiled=False)
        self.padding_free = self.data_collator.padding_free = True
        model = self.accelerator.unwrap_model(self.model)
        model.set_attn_implementation(per_document)
        if self.mode.checkpointing in ("attention", "selective"):
            checkpoint_layers(model, products=self.mode.checkpointing == "selective")
        if self.mode.compiled:
            compile_layers(model)

    def create_optimizer(self, model: PreTrainedModel | None = None) -> torch.optim.Optimizer:
        """Creates the recipe's optimizer, or the lean one."""
        if not self.mode.lean or self.optimizer is not None:
            return super().create_optimizer(model)
        trained_model = self.model if model is None else model
        decayed = set(self.get_decay_parameter_names(trained_model))
        trained = [(name, p) for name, p in trained_model.named_parameters() if p.requires_grad]
        groups = [
            {
                "params": [p for name, p in trained if (name in decayed) is decay],
                "weight_decay": weight,
            }
            for decay, weight in ((True, self.args.weight_decay), (False, 0.0))
        ]
        self.optimizer = optimizer.lean(
            groups,
            [
                trained_model.get_input_embeddings().weight,
                trained_model.get_output_embeddings().weight,
            ],
            lr=self.args.learning_rate,
            betas=(self.args.adam_beta1, self.args.adam_beta2),
            eps=self.args.adam_epsilon,
        )
        return self.optimizer

    def get_train_dataloader(self) -> DataLoader[object]:
        """Returns batches in which no process trains a document that another has, or had, in the epoch.

        In the modes that pack they are micro-batches of documents that together hold each step's.
        """
        alone = self.args.world_size == 1
        if self.mode.attention is None and alone:
            return super().get_train_dataloader()
        documents = self._remove_unused_columns(self.train_dataset, "training")
        sampler = self._sampler(documents)
        rows: Any = documents  # torch asks for its own class and takes any sequence
        if not alone:
            rows = concatenate_datasets([documents, _filler(documents)])
        loader: DataLoader[object] = DataLoader(
            rows,
            batch_sampler=sampler,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory,
        )
        # the sampler knows its rank: accelerate shall move batches and not share them out again
        return prepare_data_loader(
            loader, self.args.device, num_processes=1, process_index=0, put_on_device=True
        )

    def _sampler(self, documents: Dataset) -> EvenSampler | StepSampler:
        seed = self.args.seed if self.args.data_seed is None else self.args.data_seed
        rank, ranks = self.args.process_index, self.args.world_size
        if self.mode.attention is None:
            batch = self.args.per_device_train_batch_size
            return EvenSampler(len(documents), batch, seed=seed, rank=rank, ranks=ranks)
        return StepSampler(
            [self.ledger.length[row] for rows in documents["rows"] for row in rows],
            self.get_total_train_batch_size(self.args),
            recipe.longest(self.args),
            seed=seed,
            rank=rank,
            ranks=ranks,
        )

    def _prepare_dataset(
        self,
        dataset: Dataset | IterableDataset,
        processing_class: PreTrainedTokenizerBase | ProcessorMixin,
        args: SFTConfig,
        packing: bool,
        formatting_func: Callable[[dict[str, object]], str] | None,
        dataset_name: str,
    ) -> Dataset:
        prepare = functools.partial(
            super()._prepare_dataset,
            processing_class=processing_class,
            args=args,
            formatting_func=formatting_func,
            dataset_name=dataset_name,
        )
        documents = prepare(dataset, packing=False)
        assert isinstance(documents, Dataset)
        held_out = dataset_name == "eval"  # consumed by no step, and one row per batch
        if not held_out:
            self.ledger.measure(documents)
        if held_out or not packing:
            alone: Dataset = documents.map(lambda d: {"rows": [d["row"]]}, remove_columns="row")
            return alone
        rows_of: dict[tuple[int, ...], list[int]] = {}  # several where texts are equal
        for document in documents:
            rows_of.setdefault(tuple(document["input_ids"]), []).append(document["row"])
        packed = prepare(documents, packing=True)
        assert isinstance(packed, Dataset)
        named: Dataset = packed.add_column(
            "rows", [[rows_of[ids].pop() for ids in _segments(p)] for p in packed]
        )
        return named

    def train(
        self, resume_from_checkpoint: str | bool | None = None, *rest: Any, **arguments: Any
    ) -> TrainOutput:
        """Trains; a resumed run keeps the record up to its checkpoint and no further."""
        step = checkpoints.step_of(resume_from_checkpoint)
        kept = [line for file in self.records() for line in recount.cut(file, step)]
        # Of other numbers of processes only the first surely has a record.
        if not self.args.process_index:
            recount.check_kept(recipe.out(self.args), kept, step)
        self.ledger.restore(kept)
        self._seconds_before = max((line["seconds"] for line in kept), default=0.0)
        self._clock = self._started = time.monotonic()
        return super().train(resume_from_checkpoint, *rest, **arguments)

    @property
    def seconds(self) -> float:
        """How long the run has trained, sessions before its checkpoint included."""
        return self._seconds_before + time.monotonic() - self._started

    def spent(self) -> list[Entry]:
        """Returns the ledger of all processes together."""
        counts = torch.tensor(self.ledger.spent(), device=self.args.device)
        return self.ledger.entries(self.accelerator.reduce(counts, reduction="sum").tolist())

    def training_step(
        self,
        model: torch.nn.Module,
        inputs: Batch,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Computes one gradient; with the step's last one it records the rows they all came from."""
        rows, bounds = inputs.pop("rows"), inputs.pop("bounds", None)
        width = inputs["input_ids"].numel()
        if not width:  # a micro-batch that this step does not need
            return torch.zeros((), device=self.args.device)
        step: Callable[..., torch.Tensor] = super().training_step
        loss = step(model, inputs, num_items_in_batch)
        self._open.append(_Taken(rows, width, bounds, self._log_probs, loss.detach()))
        if self.accelerator.sync_gradients:
            self._record()
        return loss

    def _record(self) -> None:
        """Writes down a step's micro-batches: to read their losses is to wait for the device, so once a step."""
        with appending(self.consumed_file) as add:
            for taken in self._open:
                losses = document_losses(taken.log_probs, taken.bounds)
                line = recount.Line(
                    epoch=int((self.state.epoch or 0) + 1e-9),
                    step=self.state.global_step + 1,
                    padding=self.ledger.spend(taken.rows, taken.width, losses),
                    rows=[self.row_names[i] for i in taken.rows],
                    numbers=taken.rows,
                    loss=taken.loss.item() / self.accelerator.num_processes,
                    seconds=round(self.seconds, 3),
                )
                add(line)
        self._open = []

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """Computes TRL's loss; where layers are packed, without its questions to the device at every micro-batch.

        TRL asks for entropy and accuracy each time, and the device stands idle until they are read. Here they
        are summed where they are and read when they are logged.
        """
        if self.mode.attention is None or not self.model.training or not self._plain_loss():
            by_trl: Callable[..., Any] = super().compute_loss
            return by_trl(model, inputs, return_outputs, num_items_in_batch)
        outputs = model(**inputs, use_cache=False, fused_lm_head=True)
        tokens = outputs.label_mask.sum()
        scores = torch.stack([tokens, outputs.entropy.detach().sum(), outputs.is_top1.sum()])
        self._scored = self._scored.to(scores.device) + scores
        loss = -outputs.log_probs.sum()
        if num_items_in_batch is None:
            return loss / tokens.clamp(min=1)
        # the gradients are averaged over the processes, the tokens are those of all of them
        shared = self.accelerator.num_processes if self.args.average_tokens_across_devices else 1
        return loss * shared / torch.as_tensor(num_items_in_batch).clamp(min=1)

    def _plain_loss(self) -> bool:
        """Whether the loss is the mean negative log-likelihood and nothing more."""
        return (
            self.args.loss_type == "nll"
            and self.label_smoother is None
            and self.compute_loss_func is None
            and not self.aux_loss_enabled
        )

    def prediction_step(
        self,
        model: torch.nn.Module,
        inputs: Batch,
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> Predicted:
        """Computes the loss of one held-out row and keeps its sum and number of tokens."""
        (row,) = inputs.pop("rows")
        inputs.pop("bounds", None)
        count = int((inputs["labels"] != -100).sum())
        prediction: Predicted = super().prediction_step(
            model, inputs, prediction_loss_only, ignore_keys
        )
        self._held_out[row] = (sum(document_losses(self._log_probs, None)), count)
        return prediction

    def _held_out_loss(self) -> float:
        """Returns the loss per token of the held-out rows; each counts once, on however many processes."""
        parts: list[dict[int, tuple[float, int]]] = gather_object([self._held_out])
        rows = {row: measured for part in parts for row, measured in part.items()}
        self._held_out = {}
        return sum(loss for loss, _ in rows.values()) / sum(count for _, count in rows.values())

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Adds loss per source, tokens per second and strict MFU to a training log.

        The loss on held-out rows is per token, as the training loss; TRL's own is the mean of their means.
        """
        if "loss" in logs:
            logs |= self._extra_logs()
        if "eval_loss" in logs:
            logs["eval_loss"] = round(self._held_out_loss(), 6)
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
        logs = {
            f"loss/{source}": round(loss / count, 4)
            for source, loss, count in zip(self.ledger.sources, losses, supervised, strict=True)
            if count
        }
        logs |= self._scores()
        if self.mode.attention is not None:
            self._total_train_tokens += int(sum(tokens))
            logs["num_tokens"] = self._total_train_tokens
        per_second = sum(tokens) / max(seconds, 1e-9) / self.accelerator.num_processes
        logs["tokens_per_second_per_device"] = round(per_second, 1)
        mfu = throughput.strict_mfu(self.model.config, per_second, self.ledger.mean_length)
        return logs if mfu is None else logs | {"strict_mfu": round(mfu, 4)}

    def _scores(self) -> dict[str, float]:
        """Returns TRL's entropy and accuracy of the tokens since the last log, where it was not asked itself."""
        summed = self.accelerator.reduce(self._scored.to(self.args.device), reduction="sum")
        tokens, entropy, right = summed.tolist()
        self._scored = torch.zeros_like(summed)
        if not tokens:
            return {}
        return {"entropy": entropy / tokens, "mean_token_accuracy": right / tokens}

    def _keep_log_probs(self, _module: torch.nn.Module, _inputs: object, outputs: object) -> None:
        kept = getattr(outputs, "log_probs", None)
        self._log_probs = None if kept is None else kept.detach()


@dataclasses.dataclass(frozen=True, slots=True)
class _Taken:
    """A micro-batch whose gradient is computed and whose losses are still on the device."""

    rows: list[int]
    width: int
    bounds: list[int] | None
    log_probs: torch.Tensor | None
    loss: torch.Tensor


def checkpoint_layers(model: PreTrainedModel, *, products: bool) -> None:
    """Checkpoints every layer, keeping what attention computed and, of its matrix products, every second.

    Args:
        model: Whose layers are checkpointed.
        products: Whether any product is kept. Of Qwen2.5 those are queries, keys and values (products with
            a bias, all kept), attention's output and the MLP's second: 54 kB per token and layer of 7B.
    """
    context = functools.partial(_checkpoint_contexts, products)
    model.activation_checkpointing_enable({"use_reentrant": False, "context_fn": context})


def _checkpoint_contexts(products: bool) -> Any:
    kept, aten = set(attention.saved_operators()), torch.ops.aten
    if products:
        kept.add(aten.addmm.default)
    seen = [0, 0]  # products without a bias: of the forward pass, and of its recomputation

    def policy(context: Any, operator: Any, *_: Any, **__: Any) -> CheckpointPolicy:
        if products and operator is aten.mm.default:
            seen[context.is_recompute] += 1
            if seen[context.is_recompute] % 2:
                return CheckpointPolicy.MUST_SAVE
        elif operator in kept:
            return CheckpointPolicy.MUST_SAVE
        return CheckpointPolicy.PREFER_RECOMPUTE

    return create_selective_checkpoint_contexts(policy)


def compile_layers(model: PreTrainedModel) -> None:
    """Compiles every layer in place, for micro-batches of any length: names and hooks stay."""
    for layer in decoder_layers(model):
        layer.compile(dynamic=True)


def decoder_layers(model: PreTrainedModel) -> Sequence[torch.nn.Module]:
    """Returns a model's decoder layers: its one list of modules, as long as the configuration says."""
    lists = [m for m in model.modules() if isinstance(m, torch.nn.ModuleList)]
    (layers,) = [m for m in lists if len(m) == model.config.num_hidden_layers]
    return list(layers)


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


def _filler(documents: Dataset) -> Dataset:
    """Makes a row without a document and without a loss, for a process that has none left."""
    ids = documents[0]["input_ids"][:2]
    row = {"input_ids": ids, "labels": [-100] * len(ids), "rows": [], "seq_lengths": [len(ids)]}
    kept = {name: row[name] for name in documents.column_names}
    return Dataset.from_list([kept]).cast(documents.features)


def _segments(packed: Mapping[str, list[int]]) -> list[tuple[int, ...]]:
    """Cuts a packed row into its documents."""
    documents, start = [], 0
    for length in packed["seq_lengths"]:
        documents.append(tuple(packed["input_ids"][start : start + length]))
        start += length
    return documents


class _WithRows:
    """A collator that passes the rows of a batch through, in order, and the bounds of packed documents."""

    def __init__(self, collator: Callable[[list[dict[str, object]]], Batch]) -> None:
        self.collator = collator

    def __call__(self, examples: list[dict[str, Any]]) -> Batch:
        if not examples:
            nothing = torch.zeros((1, 0), dtype=torch.long)
            return {"input_ids": nothing, "labels": nothing, "rows": []}
        batch = self.collator([{k: v for k, v in e.items() if k != "rows"} for e in examples])
        # lists stay on the host, where a tensor would have to be asked back from the device
        batch["rows"] = [row for e in examples for row in e["rows"]]
        if "cu_seq_lens_q" in batch:
            batch["bounds"] = batch["cu_seq_lens_q"].tolist()
        return batch
