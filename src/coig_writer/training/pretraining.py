"""A base that has learned to write a little: a small Qwen2, trained from nothing on texts at hand.

The demo fine-tunes it. It writes sentences with the look of Chinese prose and verse and without sense;
it is called a smoke-scale model like everything made with it. Two steps, so that the second can run
on another machine: ``prepare`` cleans the texts, fits the tokenizer and writes the corpus as numbers;
``train`` reads only what ``prepare`` wrote.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import numpy as np

from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import appending, read_json, write_json
from coig_writer.folder import atomic_folder
from coig_writer.text.ngrams import grams, within
from coig_writer.training import smoke

if TYPE_CHECKING:
    import torch
    from transformers import Qwen2ForCausalLM

GRAM = 13  # characters: a run this long shared with a held-out text is a copy
HELD_OUT_DOCUMENTS = 0.02
CORPUS, HELD_OUT, RECORD, NAMES = "corpus.npy", "held_out.npy", "corpus.json", "held_out.txt"


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """What is trained, and for how long.

    Attributes:
        pieces: Size of the byte-level BPE, special tokens included.
        width: Hidden size.
        layers: Number of layers.
        heads: Attention heads; half as many for keys and values.
        inner: Width of the feed-forward layers.
        block: Tokens per training row.
        batch: Rows per optimizer step.
        epochs: Passes over the corpus.
        learning_rate: At the end of warm-up; it falls to a tenth along a cosine.
        dropout: Of attention weights, while training.
        weight_decay: Of matrices.
        seed: Of weights, order and dropout.
    """

    pieces: int = 8000
    width: int = 256
    layers: int = 4
    heads: int = 4
    inner: int = 704
    block: int = 512
    batch: int = 32
    epochs: int = 12
    learning_rate: float = 2e-3
    dropout: float = 0.1
    weight_decay: float = 0.1
    seed: int = 0


class Corpus(TypedDict):
    """What a base model was trained on.

    Attributes:
        sources: Source → its characters.
        sha256: Of all texts.
        documents: Texts that are left.
        held_out_documents: How many of them are not trained on.
        texts_whose_loss_is_reported: Texts that share no 13-gram with what is left.
        paragraphs_dropped_for_a_shared_13_gram: Paragraphs that shared one and were dropped.
        shape: What is trained, and for how long: layers, widths, epochs, learning rate, seed.
    """

    sources: dict[str, int]
    sha256: str
    documents: int
    held_out_documents: int
    texts_whose_loss_is_reported: int
    paragraphs_dropped_for_a_shared_13_gram: int
    shape: Mapping[str, object]


class Epoch(TypedDict):
    """One pass over the corpus.

    Attributes:
        epoch: From 1.
        loss: Mean over the training rows, in nats per token.
        held_out: Loss on the documents that are not trained on.
    """

    epoch: int
    loss: float
    held_out: float


@dataclasses.dataclass(frozen=True, slots=True)
class Text:
    """A text of the corpus; ``weight`` is how often an epoch reads it."""

    source: str
    text: str
    weight: int = 1


def without(texts: Iterable[Text], kept_out: Iterable[str]) -> tuple[list[Text], int]:
    """Drops paragraphs that share a 13-gram with a text whose loss will be reported.

    Returns:
        The texts that are left, and how many paragraphs were dropped.
    """
    known = np.unique(np.concatenate([np.zeros(0, np.uint64), *(grams(t, GRAM) for t in kept_out)]))
    left: list[Text] = []
    gone = 0
    for text in texts:
        paragraphs = text.text.splitlines()
        clean = [p for p in paragraphs if len(p) < GRAM or not within(grams(p, GRAM), known).any()]
        gone += len(paragraphs) - len(clean)
        if any(p.strip() for p in clean):
            left.append(dataclasses.replace(text, text="\n".join(clean)))
    return left, gone


def prepare(
    out: Path, texts: Sequence[Text], kept_out: Sequence[str], row_ids: Sequence[str], shape: Shape
) -> None:
    """Writes tokenizer, corpus and its record to a folder.

    Args:
        out: The folder.
        texts: The corpus.
        kept_out: Texts whose loss will be reported; no 13-gram of them is in the corpus.
        row_ids: The ids of the rows whose parts they are.
        shape: For the size of the tokenizer and the seed.

    Raises:
        InputError: The texts are too few to train on, or to measure the loss of.
    """
    clean, gone = without(texts, kept_out)
    order = np.random.default_rng(shape.seed).permutation(len(clean))
    held = set(order[: max(1, round(HELD_OUT_DOCUMENTS * len(clean)))].tolist())
    tokenizer = smoke.fit_tokenizer((t.text for t in clean), pieces=shape.pieces)
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")

    def encoded(positions: Iterable[int], *, weighted: bool) -> np.ndarray:
        ids: list[int] = []
        for position in positions:
            one = [*tokenizer(clean[position].text)["input_ids"], end]
            ids += one * (clean[position].weight if weighted else 1)
        return np.array(ids, dtype=np.uint16)

    training = [i for i in order.tolist() if i not in held]
    corpus, held_out = encoded(training, weighted=True), encoded(sorted(held), weighted=False)
    if len(corpus) < 2 * shape.block or len(held_out) < shape.block:
        raise InputError(
            f"{len(clean)} texts give {len(corpus)} pieces to train on and {len(held_out)} held out; "
            f"at least {2 * shape.block} and {shape.block} are needed",
            "give a larger corpus",
        )
    with atomic_folder(out, "pretraining corpus") as folder:
        tokenizer.save_pretrained(folder)
        np.save(folder / CORPUS, corpus)
        np.save(folder / HELD_OUT, held_out)
        (folder / NAMES).write_text("".join(f"{name}\n" for name in row_ids), encoding="utf-8")
        sources = sorted({t.source for t in texts})
        digest = hashlib.sha256("\0".join(t.text for t in texts).encode()).hexdigest()
        record: Corpus = {
            "sources": {s: sum(len(t.text) for t in texts if t.source == s) for s in sources},
            "sha256": digest,
            "documents": len(clean),
            "held_out_documents": len(held),
            "texts_whose_loss_is_reported": len(kept_out),
            "paragraphs_dropped_for_a_shared_13_gram": gone,
            "shape": dataclasses.asdict(shape),
        }
        write_json(folder / RECORD, record)


def model(shape: Shape, pieces: int, end: int, pad: int) -> Qwen2ForCausalLM:
    """Returns the untrained model."""
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(
        vocab_size=pieces,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads // 2,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        attention_dropout=shape.dropout,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
    )
    torch.manual_seed(shape.seed)
    return Qwen2ForCausalLM(config)


def train(folder: Path, out: Path, shape: Shape, *, log: Path | None = None) -> float:
    """Trains on what ``prepare`` wrote and saves weights in bf16 beside the tokenizer and the corpus's record.

    Returns:
        The loss on the corpus's held-out documents, in nats per piece, of the weights that were kept: those
        of the epoch where it was lowest.

    Raises:
        MissingInputError: Nothing was prepared there.
    """
    import torch
    from transformers import AutoTokenizer

    _check_prepared(folder)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    made = model(shape, len(tokenizer), tokenizer.eos_token_id, tokenizer.pad_token_id)
    torch.nn.Module.to(made, device)  # transformers' own `to` hides its arguments
    tokens = torch.from_numpy(np.load(folder / CORPUS).astype(np.int64))
    held = torch.from_numpy(np.load(folder / HELD_OUT).astype(np.int64))
    steps = shape.epochs * math.ceil(len(tokens) // shape.block / shape.batch)
    optimizer = _optimizer(made, shape)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps))
    draw = torch.Generator().manual_seed(shape.seed)
    best, kept = math.inf, made.state_dict()
    log = log or out.with_suffix(".jsonl")
    log.unlink(missing_ok=True)  # of an earlier training
    with appending(log) as add:
        for epoch in range(shape.epochs):
            loss = _epoch(made, tokens, shape, optimizer, schedule, draw)
            held_out = held_out_loss(made, held, shape)
            add(Epoch(epoch=epoch + 1, loss=loss, held_out=held_out))
            if held_out < best:
                best = held_out
                kept = {
                    k: v.detach().to("cpu", torch.bfloat16) for k, v in made.state_dict().items()
                }
    made.load_state_dict(kept)
    made.config.attention_dropout = 0.0
    torch.nn.Module.to(made, "cpu", torch.bfloat16)
    made.save_pretrained(out)
    tokenizer.save_pretrained(out)
    _keep_record(folder, out, shape)
    return best


def _check_prepared(folder: Path) -> None:
    if gone := [n for n in (CORPUS, HELD_OUT, RECORD, NAMES) if not (folder / n).is_file()]:
        raise MissingInputError(
            f"{folder}: no prepared corpus ({gone[0]})",
            "run: python recipes/pretrain.py --prepare --corpus FOLDER",
        )


def _keep_record(folder: Path, out: Path, shape: Shape) -> None:
    """Puts what was prepared and left out beside the weights, with the epochs that were trained."""
    shutil.copy(folder / NAMES, out)
    write_json(out / RECORD, read_json(folder / RECORD) | {"shape": dataclasses.asdict(shape)})


def _optimizer(made: Qwen2ForCausalLM, shape: Shape) -> torch.optim.Optimizer:
    """Returns AdamW; only matrices decay."""
    import torch

    parameters = list(made.parameters())
    return torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": shape.weight_decay},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=shape.learning_rate,
        betas=(0.9, 0.95),
    )


def _rate(step: int, steps: int) -> float:
    warm = max(1, steps // 50)
    if step < warm:
        return (step + 1) / warm
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _epoch(
    made: Qwen2ForCausalLM,
    tokens: torch.Tensor,
    shape: Shape,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LambdaLR,
    draw: torch.Generator,
) -> float:
    """Reads the corpus once, cut at a new place each time, in random order."""
    import torch

    made.train()
    start = int(torch.randint(shape.block, (1,), generator=draw))
    rows = (len(tokens) - start - 1) // shape.block
    cut = tokens[start : start + rows * shape.block].view(rows, shape.block)
    total, count = torch.zeros((), device=made.device), 0
    for chosen in torch.randperm(rows, generator=draw).split(shape.batch):
        loss = _loss(made, cut[chosen])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(made.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        total, count = total + loss.detach(), count + 1
    return float(total) / max(1, count)


def _loss(made: Qwen2ForCausalLM, rows: torch.Tensor) -> torch.Tensor:
    import torch

    rows = rows.to(made.device, non_blocking=True)
    with torch.autocast(made.device.type, dtype=torch.bfloat16, enabled=made.device.type == "cuda"):
        loss: torch.Tensor = made(input_ids=rows, labels=rows).loss
    return loss


def held_out_loss(made: Qwen2ForCausalLM, tokens: torch.Tensor, shape: Shape) -> float:
    """Returns the mean loss in nats per piece."""
    import torch

    made.eval()
    rows = len(tokens) // shape.block
    cut = tokens[: rows * shape.block].view(rows, shape.block)
    with torch.no_grad():
        losses = [float(_loss(made, part)) * len(part) for part in cut.split(shape.batch)]
    return sum(losses) / rows
