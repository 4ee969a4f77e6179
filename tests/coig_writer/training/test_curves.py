from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from coig_writer.errors import InputError, MissingInputError
from coig_writer.training import curves

HISTORY = [
    {"loss": 4.0, "loss/creative": 3.0, "loss/general_zh": 5.0, "step": 5},
    {"loss": 2.0, "loss/creative": 2.0, "step": 10, "learning_rate": 0.1},
    {"eval_loss": 2.5, "eval_runtime": 1.0, "step": 10},
    {"train_loss": 3.0, "step": 10},
]


def test_every_source_has_its_curve_and_the_plot_its_points(tmp_path):
    (tmp_path / "trainer_state.json").write_text(json.dumps({"log_history": HISTORY}))
    log, plot = curves.write(tmp_path)
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
    curves.write(tmp_path)
    assert plot.read_bytes() == before


def test_a_run_without_state_or_loss_is_named(tmp_path):
    with pytest.raises(MissingInputError, match=r"trainer_state\.json"):
        curves.write(tmp_path)
    (tmp_path / "trainer_state.json").write_text('{"log_history": []}')
    with pytest.raises(InputError, match="logged no loss"):
        curves.write(tmp_path)
    assert not (tmp_path / "training_log.jsonl").exists()
