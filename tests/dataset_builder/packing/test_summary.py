from __future__ import annotations

import dataclasses

import pytest

from coig_writer import benchmark, taxonomy
from dataset_builder.packing import card, samples, summary

COUNTED = ("contamination/prompts", "defects/boilerplate", "defects/equal_articles")


def test_defects_are_counted():
    rows = samples.read(taxonomy.published())[:4]
    clean = {f.id: f.value for f in summary.facts(rows, {}, ()) if f.id in COUNTED}
    assert set(clean.values()) == {0}
    query = next(q.query for q in benchmark.queries("zh") if len(q.query) > 60)
    spoiled = [
        dataclasses.replace(rows[0], prompt=query),
        dataclasses.replace(rows[1], article="以下是一篇为您创作的短文：\n" + rows[1].article),
        rows[2],
        dataclasses.replace(rows[3], article="，" + rows[2].article + "！"),
    ]
    found = {f.id: (f.value, f.n) for f in summary.facts(spoiled, {}, ()) if f.id in COUNTED}
    assert found == {
        "contamination/prompts": (1, 4),
        "defects/boilerplate": (1, 4),
        "defects/equal_articles": (1, 4),
    }


@pytest.mark.parametrize(
    ("rows", "size"),
    [
        (999, "n<1K"), (1_000, "1K<n<10K"), (9_999, "1K<n<10K"), (10_000, "10K<n<100K"),
        (99_999, "10K<n<100K"), (100_000, "100K<n<1M"), (999_999, "100K<n<1M"), (1_000_000, "1M<n<10M"),
    ],
)  # fmt: skip
def test_a_card_names_the_hub_s_size_category(rows, size):
    assert card._metadata("curated", {}, rows, [])["size_categories"] == [size]
