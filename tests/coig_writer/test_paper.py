from __future__ import annotations

import csv
import json

import pytest

from coig_writer import paper
from coig_writer.mixture import VARIANTS


def test_every_pair_of_table_2_sums_to_its_queries():
    for language, n in paper.QUERIES.items():
        cells = paper.TABLE_2[language]
        assert len(cells) == 20
        assert all(cells[a, b].wins + cells[b, a].wins == n for a, b in cells)


def test_genre_tables_add_up():
    counts = [lengths.count for lengths in paper.genres().values() if lengths]
    assert sum(counts) == paper.ROWS == 1665
    for part, mean in (("article", 2214.31), ("prompt", 283.22), ("reasoning", 1089.44)):
        assert paper.category_means(part)["overall"] == pytest.approx(mean, abs=0.005)
        assert (
            round(paper.category_means(part)["overall"])
            == getattr(paper.TABLE_5["overall"], part).mean
        )


def test_the_means_of_table_5_disagree_with_the_genre_tables_where_the_slip_says_so():
    several = ("communication", "novel", "non-fiction", "functional", "funny-literature")
    for part in ("article", "prompt", "reasoning"):
        for slug in several:
            assert (
                abs(paper.category_means(part)[slug] - getattr(paper.TABLE_5[slug], part).mean)
                > 0.5
            )
    assert any(slip.id == "category-means" for slip in paper.SLIPS)


def test_against_the_reference_tables(shared):
    tables = json.loads((shared / "paper" / "tables.json").read_text())
    for language in ("zh", "en"):
        for i, a in enumerate(VARIANTS):
            for j, b in enumerate(VARIANTS):
                if i != j:
                    assert (
                        paper.TABLE_2[language][a, b].wins
                        == tables["win_rate"][language]["wins"][i][j]
                    )
        assert list(paper.TABLE_3_TOKENS[language].values()) == tables["length"][language]["tokens"]
        assert list(paper.TABLE_3_CHARS[language].values()) == tables["length"][language]["chars"]
        assert list(paper.TABLE_4_MEAN[language].values()) == tables["ttr"][language]["mean"]
        assert list(paper.TABLE_4_MEDIAN[language].values()) == tables["ttr"][language]["median"]
    assert list(paper.LANGUAGE_CONFUSION.values()) == tables["contamination_en"]["chinese_outputs"]
    assert paper.TRAINING.learning_rate == tables["training"]["learning_rate"]
    with (shared / "paper" / "genres.csv").open() as handle:
        rows = {row["genre_zh"]: row for row in csv.DictReader(handle)}
    from coig_writer.taxonomy import published

    for slug, lengths in paper.genres().items():
        row = rows[published().genre(slug).zh]
        assert int(row["count"]) == (lengths.count if lengths else 0)
        if lengths:
            assert float(row["reasoning_mean"]) == lengths.reasoning.mean
