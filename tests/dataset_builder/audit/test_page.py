"""The page shows what texts bring, and executes none of it."""

from __future__ import annotations

import pytest

from coig_writer import taxonomy
from coig_writer.document import DIMENSIONS, Document
from coig_writer.files import write_records
from dataset_builder.audit import audit, measures
from dataset_builder.audit import page as audit_page
from dataset_builder.stages import parts
from dataset_builder.stages.stage import Settings

NAMES = taxonomy.published()


GOOD = "葱一块三，她要给一块二。卖葱的说，差这一毛？\n我妈说，我差的都是一毛一毛攒下的。"


def test_the_page_escapes_what_texts_bring(tmp_path):
    document = Document("a", GOOD, platform="<script>alert(1)</script>", genre="essay")
    measured = measures.measure([document], NAMES, measures.Bounds(15, 2))
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
    found = measures.measure(documents, NAMES, measures.Bounds(4, 5))
    # 0.05 and 0.9 of four; Wilson at 2 of 4 is [0.15, 0.85].
    assert found.leaking is not None
    assert (found.leaking.value, found.leaking.n) == (0.5, 4)
    assert (round(found.leaking.low, 2), round(found.leaking.high, 2)) == (0.15, 0.85)
    short = {b.slug: b.short for b in (*found.categories, *found.genres) if b.rows}
    assert short == {"non-fiction": 0, "essay": 1}
    assert found.sums == {54: 4}


def test_the_least_rows_are_the_paper_s():
    assert (audit.CATEGORY_MINIMUM, audit.GENRE_MINIMUM) == (15, 2)


def shared(number, text=None, **fields):
    return Document(f"d{number}", text or chr(0x4E00 + number) * 9, genre="essay", **fields)


@pytest.mark.parametrize(("articles", "pairs"), [(2, 1), (21, 210), (63, 1953), (64, 2000)])
def test_variety_compares_all_pairs_or_a_sample_of_them(articles, pairs):
    (found,) = measures.variety([shared(n) for n in range(articles)])
    assert (found.articles, found.pairs, found.sampled) == (articles, pairs, pairs == 2000)
    assert list(measures.variety([shared(0)])) == []


def test_ten_equal_articles_among_thirty_are_seen_wherever_they_stand():
    documents = [shared(n, GOOD if n >= 20 else None) for n in range(30)]
    (found,) = measures.variety(documents)
    assert found.highest == 1
    assert found.mean == pytest.approx(45 / 435)  # C(10, 2) of C(30, 2) pairs
    (sampled,) = measures.variety(documents, most=200)
    assert sampled.sampled
    assert 0.03 < sampled.mean < 0.2


def test_every_pair_has_one_number():
    pairs = [measures._pair(n) for n in range(10)]
    assert sorted(pairs) == [(i, j) for i in range(5) for j in range(i + 1, 5)]


def test_region_month_and_variety_are_facts_beside_their_thresholds():
    documents = [
        *(shared(n, region="北京", published_at="2023-01-31T20:00:00Z") for n in range(2)),
        *(shared(n, region=f"省{n}", published_at=f"2023-0{n}") for n in range(3, 5)),
        shared(5, published_at="2023"),
    ]
    found = measures.measure(documents, NAMES, measures.Bounds(0, 0, 0.5, 0.49, 0.0))
    assert found.months == {"2023-02": 2, "2023-03": 1, "2023-04": 1, "unknown": 1}
    checks = {c.name: (c.value, c.n, c.beyond) for c in found.checks}
    assert checks["region/largest_share"] == (0.5, 4, False)
    assert checks["month/largest_share"] == (0.5, 4, True)
    assert checks["genre/essay/rows"] == (5, 5, False)
    assert checks["variety/essay/mean"] == (0.0, 10, False)
    facts = {f.id: f for f in audit_page.page_facts(found, [], "hash")}
    assert facts["audit/month/largest_share"].value == 0.5
    assert facts["audit/month/largest_share/threshold"].value == 0.49
    assert facts["audit/genre/wuxia/rows"].value == 0


def test_the_audit_runs_between_stages_and_decides_nothing(tmp_path):
    documents = [shared(n, published_at="2023-05-01") for n in range(3)]
    write_records(parts.folder(tmp_path, "screen") / "kept.jsonl", documents, Document)
    settings = Settings(tmp_path, NAMES)
    counts = audit.between(settings, audit.Options(), "screen")
    assert (counts.read, counts.kept) == (3, 3)
    page = tmp_path / "audit-after-screen" / "index.html"
    assert audit.pages(settings) == [f"page: {page}"]
    assert "月份2023-05占比 1.000，超过 0.25（n = 3）" in page.read_text(encoding="utf-8")
    assert not parts.folder(tmp_path, "audit").exists()
