"""The page shows what texts bring, and executes none of it."""

from __future__ import annotations

import pytest

from coig_writer import taxonomy
from coig_writer.document import Document
from coig_writer.quality import DIMENSIONS
from dataset_builder.audit import audit, measures
from dataset_builder.audit import page as audit_page
from dataset_builder.stages import parts
from dataset_builder.stages.stage import Settings

NAMES = taxonomy.published()


GOOD = "葱一块三，她要给一块二。卖葱的说，差这一毛？\n我妈说，我差的都是一毛一毛攒下的。"


def test_the_page_escapes_what_texts_bring(tmp_path):
    document = Document("a", GOOD, platform="<script>alert(1)</script>", genre="essay")
    measured = measures.measure([document], NAMES, 15, 2)
    out = parts.folder(tmp_path, "audit")
    out.mkdir()
    (out / "kept.jsonl").write_text("", encoding="utf-8")
    page = audit_page.render(measured, [], Settings(tmp_path, NAMES))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert measured.leaking is None  # nothing was scored: no rate, not 0 %


def scored(number, leakage):
    scores = {"score": {"leakage": leakage, **dict.fromkeys(DIMENSIONS, 9)}}
    return Document(f"d{number}", GOOD, genre="essay", scores=scores)


def test_a_prompt_leaks_from_five_percent_on_and_a_set_is_short_below_its_minimums():
    documents = [scored(n, leak) for n, leak in enumerate((0.05, 0.0499, 0.9, 0.0))]
    found = measures.measure(documents, NAMES, 4, 5)
    # 0.05 and 0.9 of four; Wilson at 2 of 4 is [0.15, 0.85].
    assert found.leaking is not None
    assert (found.leaking.value, found.leaking.n) == (0.5, 4)
    assert (round(found.leaking.low, 2), round(found.leaking.high, 2)) == (0.15, 0.85)
    short = {b.slug: b.short for b in (*found.categories, *found.genres) if b.rows}
    assert short == {"non-fiction": 0, "essay": 1}
    assert found.sums == {54: 4}


def test_the_least_rows_are_the_paper_s():
    assert (audit.CATEGORY_MINIMUM, audit.GENRE_MINIMUM) == (15, 2)


@pytest.mark.parametrize(("articles", "pairs"), [(2, 1), (20, 190), (21, 200)])
def test_variety_compares_at_most_two_hundred_pairs(articles, pairs):
    documents = [Document(f"d{n}", f"{GOOD}{n}", genre="essay") for n in range(articles)]
    (found,) = measures.variety(documents)
    assert (found.articles, found.pairs) == (articles, pairs)
    assert list(measures.variety(documents[:1])) == []
