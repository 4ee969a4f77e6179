"""A mixture of a few rows and the flags that train it on the smoke model."""

from __future__ import annotations

from coig_writer.mixing import chat, controls, mixing
from coig_writer.mixing.mixing import Rules, Sampled
from coig_writer.mixing.sources import Source
from coig_writer.mixture import MixtureRow, Turn
from coig_writer.triplet import Message

NAME = "cw_held_out"


def flags(root, folder, smoke, *more):
    return [
        *("--config", str(root / "recipes" / "configs" / "demo.yaml"), "--variants", NAME),
        *("--controls", str(root / controls.FILE), "--mixtures", str(folder)),
        *("--model_name_or_path", str(smoke), "--max_length", "512", "--num_train_epochs", "2"),
        *("--output_dir", str(folder / "models"), "--logging_steps", "1"),
        *more,
    ]


def build(folder, tokenizer, control):
    """Writes a mixture of 24 rows of one genre, of which one is held out."""
    rows, template = [], chat.training_template(tokenizer)
    for number in range(24):
        turns = (
            Turn("user", f"第{number}题"),
            Turn("assistant", f"<think>\n想\n</think>\n\n{'文' * (3 + number)}"),
        )
        said = [Message(role=t.role, content=t.content) for t in turns]
        length = len(chat.encode(tokenizer, said, template).ids)
        rows.append(MixtureRow(turns, "creative", f"c-{number}", length))
    rules = Rules(42, 512)
    genres = {row.source_id: "poetry" for row in rows}
    source = Source("creative", "x", "coig_writer")
    part = Sampled(source, None, len(rows), tuple(rows), (), 0, genres)
    parts = [controls.hold_out(part, control, rules)]
    rows = mixing.build(parts, rules)
    named = {"sample_scale": True, "control": control.locked}
    locked = mixing.lock(NAME, parts, rows, rules, chat.tokenizer_sha256(tokenizer), **named)
    mixing.write(folder / NAME, rows, locked, parts)
    return parts[0].held_out
