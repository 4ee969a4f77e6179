from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from coig_writer.errors import InputError
from coig_writer.training import curves

HISTORY = [
    {"loss": 4.0, "loss/creative": 3.0, "loss/general_zh": 5.0, "step": 5},
    {"loss": 2.0, "loss/creative": 2.0, "step": 10, "learning_rate": 0.1},
    {"eval_loss": 2.5, "eval_runtime": 1.0, "step": 10},
    {"train_loss": 3.0, "step": 10},
]


def test_every_source_has_its_curve_and_the_plot_its_points(tmp_path):
    curves.write(tmp_path, HISTORY)
    log, plot = tmp_path / "training_log.jsonl", tmp_path / "loss.svg"
    assert [json.loads(line) for line in log.read_text().splitlines()] == HISTORY
    root = ET.fromstring(plot.read_text())
    lines = [e.attrib["points"] for e in root.iter() if e.tag.endswith("polyline")]
    # 434 x 304 of plot from (56, 16): loss 5 is the top, 0 the bottom, step 10 the right edge
    assert lines == [
        "273.0,76.8 490.0,198.4",
        "273.0,137.6 490.0,198.4",
        "273.0,16.0",
        "490.0,168.0",
    ]
    names = [e.text for e in root.iter() if e.tag.endswith("text")]
    assert names[-5:-1] == ["all", "creative", "general_zh", "held out"]
    before = plot.read_bytes()
    curves.write(tmp_path, HISTORY)
    assert plot.read_bytes() == before


def test_a_release_is_read_from_its_log_and_a_run_from_its_state(tmp_path):
    assert curves.read(tmp_path) == []
    curves.write(tmp_path, HISTORY)
    assert curves.read(tmp_path) == HISTORY
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": HISTORY[:1]}))
    assert curves.read(tmp_path) == HISTORY[:1]


def test_a_run_without_loss_leaves_neither_file(tmp_path):
    curves.write(tmp_path, [{"train_runtime": 3.0, "step": 10}])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("history", "words"),
    [
        (HISTORY, "Training loss: 4 at step 5, 2 at step 10"),
        (HISTORY[2:3], "Loss, held out: 2.5 at step 10, 2.5 at step 10"),
        ([{'loss/"<b>': 1.0, "step": 1}], 'Loss, "<b>: 1 at step 1, 1 at step 1'),
    ],
)
def test_start_and_end_are_said_in_words(history, words):
    found = curves.curves(history)
    assert curves.alt(found) == words
    assert ET.fromstring(curves.svg(found)).attrib["aria-label"] == words


@pytest.mark.parametrize("entry", [{"loss": "2", "step": 1}, {"loss": 2.0}])
def test_a_loss_that_is_no_number_or_has_no_step_is_named(entry):
    with pytest.raises(InputError, match=r"training log: loss .* at step .*: not numbers"):
        curves.curves([entry])
