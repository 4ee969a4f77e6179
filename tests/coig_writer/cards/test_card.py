from __future__ import annotations

import pytest

from coig_writer import facts
from coig_writer.cards import card
from coig_writer.errors import InputError, MissingInputError
from coig_writer.facts import Fact

FACTS = {"rows": Fact("rows", 1665), "rate": Fact("rate", 0.62745, n=204, low=0.559, high=0.691)}


def render(tmp_path, text, **context):
    (tmp_path / "t.jinja").write_text(text, encoding="utf-8")
    return card.render(tmp_path / "t.jinja", FACTS, **context)


def test_facts_are_printed_with_interval_and_n(tmp_path):
    assert (
        render(tmp_path, "{{ fact('rows') }} rows, {{ fact('rate') }}")
        == "1,665 rows, 0.6274 [0.559, 0.691] (n = 204)"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [(999.04, "999"), (1602.04, "1,602"), (1602.06, "1,602.1"), (0.62745, "0.6274")],
)
def test_a_mean_ends_with_no_zero(value, text):
    assert card.shown(Fact("mean", value)) == text


@pytest.mark.parametrize("text", ["It has 1,665 rows.", "| 12 | x |", "See Table 2", "50 %"])
def test_a_number_in_the_template_is_refused(tmp_path, text):
    with pytest.raises(InputError, match="line 1: a number without a fact"):
        render(tmp_path, text)


@pytest.mark.parametrize(
    "text",
    [
        "`top_p=0.9`",
        "[x](figure-3.png)",
        "```\n42\n```",
        "{{ literal('Qwen2.5') }}",
        '<img width="40">',
    ],
)
def test_code_links_and_names_may_hold_digits(tmp_path, text):
    assert render(tmp_path, text)


def test_values_with_digits_must_be_facts(tmp_path):
    with pytest.raises(InputError, match="prints '17'"):
        render(tmp_path, "{{ n }}", n=17)
    with pytest.raises(InputError, match="no fact 'gone'"):
        render(tmp_path, "{{ fact('gone') }}")
    with pytest.raises(InputError, match="undefined"):
        render(tmp_path, "{{ nothing }}")


def test_facts_file_round_trip(tmp_path):
    facts.write(tmp_path / "facts.json", FACTS.values())
    found = facts.read(tmp_path / "facts.json")
    assert found["rate"].value == 0.62745
    assert found["rate"].time
    with pytest.raises(InputError, match="duplicate fact id"):
        facts.write(tmp_path / "facts.json", [FACTS["rows"], FACTS["rows"]])
    with pytest.raises(MissingInputError):
        facts.read(tmp_path / "gone.json")
    (tmp_path / "odd.json").write_text("[]")
    with pytest.raises(InputError, match="not a facts file"):
        facts.read(tmp_path / "odd.json")
    twice = '{"facts": [{"id": "a", "value": 1}, {"id": "a", "value": 2}]}'
    for text, complaint in (
        ('{"facts": [1]}', "not a facts file"),
        ('{"facts": {}}', "not a facts file"),
        ('{"facts": [{"id": "a", "value": NaN}]}', "is nan, which is not a finite number"),
        ('{"facts": [{"id": "a", "value": []}]}', "value"),
        (twice, "duplicate fact id 'a'"),
    ):
        (tmp_path / "odd.json").write_text(text)
        with pytest.raises(InputError, match=complaint):
            facts.read(tmp_path / "odd.json")


@pytest.mark.parametrize("name", ["Qwen/Qwen2.5", "google/gemma-3", "a%2Fb", "%", "甲/乙/%252F"])
def test_a_name_is_one_part_of_an_id(name):
    assert "/" not in facts.part(name)
    assert facts.name_of(facts.part(name)) == name
