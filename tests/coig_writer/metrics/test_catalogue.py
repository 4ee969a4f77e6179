"""Every metric of any answer is a number or a reason."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coig_writer import benchmark
from coig_writer.metrics.answer import answer
from coig_writer.metrics.catalogue import KINDS, METRICS, measure, measure_together
from coig_writer.metrics.definition import Missing, Value
from coig_writer.text.normalise import repaired


def of(text: str, language="zh", query_id: str = "mine-1", prompt: str = "写", **options):
    return answer(text, language=language, query_id=query_id, prompt=prompt, **options)


def test_names_are_unique_and_all_are_explained() -> None:
    assert len({m.name for m in METRICS}) == len(METRICS)
    assert all(m.description for m in METRICS)


@given(st.text(max_size=300), st.sampled_from(["zh", "en"]), st.booleans())
def test_any_text_gets_a_finite_number_or_a_reason(text: str, language, wrapped: bool) -> None:
    values = measure(of(f"<think>\n{text}\n</think>\n\n{text}" if wrapped else text, language))
    assert set(values) == {m.name for m in METRICS}
    for name, value in values.items():
        if isinstance(value, Missing):
            assert value.reason
        else:
            assert type(value) is float
            assert math.isfinite(value)
            assert KINDS[name] != "share" or value in (0, 1)
            assert KINDS[name] != "ratio" or 0 <= value <= 1


def test_an_unterminated_reasoning_has_no_article_and_says_so() -> None:
    values = measure(of("<think>\n先想想。还没想完"))
    assert values["reasoning_unterminated"] == 1
    assert values["ttr"] == Missing("the reasoning never ends, so there is no article")
    assert isinstance(values["reasoning_normal_writing"], float)


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("<think>\n想\n</think>\n\n文", "closed"),
        ("想\n</think>\n\n文", "closed"),  # a template that opened the tag itself
        ("<think>\n想", "unterminated"),
        ("文", "absent"),
    ],
)
def test_reasoning_is_told_from_prose(text: str, state: str) -> None:
    parts = of(text).parts
    assert parts.state == state
    assert "想" not in parts.article


def test_fields_of_a_query_are_missing_where_the_prompt_is_not_the_benchmarks() -> None:
    query = next(q for q in benchmark.queries("zh") if q.length and q.required)
    known = measure(of("字", query_id=query.id, prompt=query.query))
    assert known["length_met"] == 0
    assert known["required_share"] == 0
    other = measure(of("字", query_id=query.id, prompt=query.query + "。"))
    assert other["length_met"] == Missing("the prompt is not in the benchmark")
    assert other["required_share"] == Missing("the prompt is not in the benchmark")


def form_of(text: str, query_id: str) -> Value:
    return measure(of(text, query_id=query_id, prompt=benchmark.query(query_id).query))["form"]


def test_form_is_the_share_of_rules_kept_and_missing_where_none_was_asked() -> None:
    ci = "漠漠轻寒上小楼，晓阴无赖似穷秋，淡烟流水画屏幽。\n自在飞花轻似梦，无边丝雨细如愁，宝帘闲挂小银钩。"
    assert form_of(ci, "zh-poetry-3") == 1
    assert form_of(ci.replace("轻寒", "电寒"), "zh-poetry-3") == 4 / 5  # the character is forbidden
    assert form_of("坚持就是胜利，加油。", "zh-slogan-4") == 1 / 2
    assert form_of("字", "zh-wuxia-1") == Missing(
        "the query asks for no form, forbids no string and names no section"
    )


def test_half_a_surrogate_pair_is_replaced_and_counted() -> None:
    values = measure(of("雨\ud83d停了"))
    assert values["undecodable"] == 1
    assert repaired("雨\ud83d停了") == "雨\ufffd停了"


def test_answers_taken_together_are_measured_per_language_and_model() -> None:
    same = [of("他推开门，看见院子里落满了雪，没有一个脚印。") for _ in range(3)]
    result = measure_together(same)
    assert result["self_bleu"] == pytest.approx([1, 1, 1])
    assert result["overuse"] == [1, 1, 1]
    assert isinstance(measure_together(same[:1])["self_bleu"][0], Missing)
