"""The page shows what texts bring, and executes none of it."""

from __future__ import annotations

from coig_writer import taxonomy
from coig_writer.document import Document
from dataset_builder.audit import page as audit_page
from dataset_builder.stages import parts
from dataset_builder.stages.stage import Settings

NAMES = taxonomy.published()


GOOD = "葱一块三，她要给一块二。卖葱的说，差这一毛？\n我妈说，我差的都是一毛一毛攒下的。"


def test_the_page_escapes_what_texts_bring(tmp_path):
    from dataset_builder.audit import measures as audit_measures

    document = Document("a", GOOD, platform="<script>alert(1)</script>", genre="essay")
    measures = audit_measures.measure([document], NAMES, 15, 2)
    out = parts.folder(tmp_path, "audit")
    out.mkdir()
    (out / "kept.jsonl").write_text("", encoding="utf-8")
    page = audit_page.render(measures, [], Settings(tmp_path, NAMES))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert measures.leaking is None  # nothing was scored: no rate, not 0 %
