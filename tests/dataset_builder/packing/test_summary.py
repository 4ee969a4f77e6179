from __future__ import annotations

import dataclasses

from coig_writer import benchmark, taxonomy
from dataset_builder.packing import samples, summary

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
