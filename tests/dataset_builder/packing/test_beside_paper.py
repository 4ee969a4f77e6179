from __future__ import annotations

import dataclasses

import pytest

from coig_writer import facts, paper, taxonomy
from coig_writer.files import read_records, write_records
from coig_writer.triplet import Triplet
from dataset_builder.official import synthetic
from dataset_builder.packing import beside_paper, describe, pack, samples, summary

NAMES = taxonomy.published()


def published(row):
    genre = NAMES.genre(row.genre)
    return Triplet(row.id, row.query, row.thought, row.answer, genre.category, genre.slug, genre.zh, "zh", "s", "l", "published")  # fmt: skip


@pytest.fixture(scope="module")
def triplets():
    return [published(row) for row in synthetic.rows(seed=5)]


def measured(triplets):
    return {fact.id: fact for fact in summary.facts(triplets, {}, ())}


def test_rows_drawn_to_the_genre_tables_agree_with_them_and_refute_the_printed_means(triplets):
    table_5, genres = beside_paper.groups(NAMES)
    found = measured(triplets)
    assert len(genres) == 46
    assert len(table_5) == 8
    differing = {
        group: [cell.name for cell in beside_paper.cells(group, found) if not cell.agrees]
        for group in [*table_5, *genres]
    }
    # The printed means of Table 5 contradict the genre tables in all five categories of several
    # genres, and in nothing else.
    means = ["article/mean", "prompt/mean", "reasoning/mean"]
    several = {"communication", "novel", "non-fiction", "functional", "funny-literature"}
    assert {g for g, cells in differing.items() if cells} == {f"category/{s}" for s in several}
    assert all(cells == means for cells in differing.values() if cells)
    agree, compared = beside_paper.agreement([*table_5, *genres], found)
    assert (compared.value, agree.value) == (540, 525)


def test_both_means_of_a_category_are_shown(triplets):
    (cell,) = [c for c in beside_paper.cells("category/novel", measured(triplets)) if c.name == "article/mean"]  # fmt: skip
    assert cell.printed.value == 3669
    assert cell.weighted is not None
    assert cell.weighted.value == pytest.approx(paper.category_means("article")["novel"], abs=0.005)
    assert str(cell).count("/") == 2
    assert str(cell).startswith("**")


@pytest.mark.parametrize(
    ("name", "found", "printed", "agrees"),
    [
        ("rows", 30, 30, True),
        ("rows", 31, 30, False),
        ("article/min", 12, 12, True),
        ("article/max", 12.4, 12, False),
        ("article/mean", 3669.5, 3669, True),
        ("article/mean", 3669.51, 3669, False),
        ("article/mean", 88.35, 88.34, True),
        ("article/mean", 88.36, 88.34, False),
    ],
)
def test_a_cell_agrees_as_far_as_its_printed_figure_was_rounded(name, found, printed, agrees):
    cell = beside_paper.Cell(name, facts.Fact("a", found), facts.Fact("b", printed))
    assert cell.agrees == agrees


def test_a_missing_row_and_a_missing_genre_are_deviations(triplets):
    without = [t for t in triplets if t.genre != "internet-jargon"]
    dropped = next(t for t in without if t.genre == "wuxia")
    found = measured([t for t in without if t is not dropped])
    text = beside_paper.deviations(beside_paper.groups(NAMES)[1], found).text
    assert "| `internet-jargon` | 10 | rows no row / 1" in text
    assert "| `wuxia` |" in text
    assert "rows 29 / 30" in text
    assert "`xianxia`" not in text


def test_the_packed_card_shows_the_paper_and_is_rendered_again_from_the_rows(tmp_path, triplets):
    unassigned = dataclasses.replace(triplets[0], genre=None, genre_zh=None)
    write_records(tmp_path / "in" / "triplets.parquet", [unassigned, *triplets[1:]], Triplet)
    rows = pack.read_source(str(tmp_path / "in"), NAMES)
    out = tmp_path / "COIG-Writer"
    pack.pack(rows, NAMES, out)
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "pretty_name: COIG-Writer\n" in card
    assert "### Beside the paper" in card
    assert f"| `{triplets[0].genre}` |" in card.split("Deviations")[1]
    assert "1 rows have no genre" in card
    assert describe.card(out, describe.read_packed(out)) == card
    again = {fact.id: fact.value for fact in describe.measure(out, describe.read_packed(out))}
    assert {key: fact.value for key, fact in facts.read(out / "facts.json").items()} == again
    assert len(read_records(out / "data" / "unassigned", Triplet)) == 1
    # The category is known, but its config does not hold the row, so its count may not either.
    category = triplets[0].category
    in_config = sum(t.category == category for t in triplets) - 1
    assert again[f"category/{category}/rows"] == in_config
    configs = [line for line in card.splitlines() if line.startswith("- config_name:")]
    assert len(configs) == 51 + 2


def test_samples_are_not_compared_with_the_paper(packed):
    card = (packed / "COIG-Writer" / "README.md").read_text(encoding="utf-8")
    assert "Beside the paper" not in card


def test_samples_never_mix_into_published_rows(tmp_path, triplets):
    mixed = [triplets[0], samples.read(NAMES)[0]]
    write_records(tmp_path / "triplets.parquet", mixed, Triplet)
    with pytest.raises(Exception, match="provenance published and sample in one dataset"):
        pack.read_source(str(tmp_path), NAMES)
