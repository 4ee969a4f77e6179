"""Every metric of the kit as a module of `evaluate`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

evaluate = pytest.importorskip("evaluate", reason="needs the extra `eval`")

from coig_writer.errors import InputError  # noqa: E402
from coig_writer.metrics.answer import answer  # noqa: E402
from coig_writer.metrics.catalogue import (  # noqa: E402
    AGAINST_TRAINING,
    METRICS,
    TOGETHER,
    WITHIN,
    measure,
    measure_together,
    measure_within,
)
from coig_writer.metrics.definition import Missing  # noqa: E402

TEXTS = [
    "<think>想一想。</think>\n\n雨停了，雨停了。她没有带伞，也没有回头。",
    "。",
    "雨又下了，她走了。",
]
Load = Callable[..., Any]


@pytest.fixture
def load(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(root)

    def loaded(*name: str) -> object:
        return evaluate.load("eval_tasks/metric", *name, cache_dir=str(tmp_path))

    return loaded


def test_a_metric_gives_its_mean_each_value_and_why_one_is_missing(load: Load) -> None:
    assert load("ttr").compute(predictions=["雨停了，雨停了。", "。"], language="zh") == {
        "ttr": 0.5, "ttr_per_text": [0.5, None], "n": 1,
        "missing": ["the article has no word tokens"],
    }  # fmt: skip


def test_every_metric_of_the_catalogue_loads_with_its_value(load: Load) -> None:
    answers = [answer(text, language="zh", query_id="", prompt="") for text in TEXTS]
    each = [measure(own) for own in answers]
    expected = {m.name: [values[m.name] for values in each] for m in METRICS}
    expected |= measure_together(answers)
    expected |= {name: [value] for name, value in measure_within(answers).items()}
    for name, values in expected.items():
        found = load(name).compute(predictions=TEXTS)
        assert found[f"{name}_per_text"] == [None if isinstance(v, Missing) else v for v in values]
    every = load().compute(predictions=TEXTS)
    assert set(every) == {m.name for m in METRICS}
    assert every["reasoning_closed"] == pytest.approx(1 / 3)
    assert set(expected) == {m.name for m in METRICS} | set(TOGETHER) | set(WITHIN)


def test_metrics_against_query_and_training_take_them(load: Load) -> None:
    met = load("length_met").compute(predictions=["雨"], query_ids=["zh-wuxia-1"])
    assert met["length_met"] == 0
    for name, value in zip(AGAINST_TRAINING, (1, 15), strict=True):
        line = "雨停了雨停了风很大没有人说话啊"
        assert load(name).compute(predictions=[line, "短"], training=[line])[name] == value


def test_what_a_metric_cannot_take_is_named(load: Load) -> None:
    with pytest.raises(InputError, match="'nope' is not a metric"):
        load("nope")
    for arguments, message in (
        ({"language": "fr"}, "language is 'fr'"),
        ({"langage": "zh"}, "no argument langage"),
        ({"query_ids": []}, "0 query_ids for 1 texts"),
        ({"query_ids": ["x"]}, "unknown benchmark query"),
    ):
        with pytest.raises(InputError, match=message):
            load("ttr").compute(predictions=["雨"], **arguments)
    with pytest.raises(InputError, match="needs what the model was trained on"):
        load("copied_share").compute(predictions=["雨"])
    with pytest.raises(InputError, match="needs a model"):
        load("within_semantic_distance").compute(predictions=["雨"])
