"""Texts and genres of one's own through all stages."""

from __future__ import annotations

import dataclasses
import json

import pytest

from coig_writer import taxonomy
from coig_writer.endpoint import Endpoint
from coig_writer.errors import InputError
from coig_writer.workbench.prompts import Model
from dataset_builder import curate
from dataset_builder.demo.scripted_endpoint import MODEL, Script, serving
from dataset_builder.people import review as reviewing_stage
from dataset_builder.stages import collect, parts
from dataset_builder.stages.stage import Settings

NAMES = taxonomy.published()


GOOD = "葱一块三，她要给一块二。卖葱的说，差这一毛？\n我妈说，我差的都是一毛一毛攒下的。"


OWN = {
    "categories": [{"slug": "letters", "zh": "书信", "en": "Letters"}],
    "genres": [{"slug": "home-letter", "category": "letters", "zh": "家书", "en": "Letter home"}],
}


def test_a_run_that_keeps_nothing_stops_and_shows_why(tmp_path):
    (tmp_path / "a.csv").write_text("text,published\n文,2023-05-01\n", encoding="utf-8")
    options = curate.CurationOptions(
        collect=collect.Options((tmp_path / "a.csv",)), review=reviewing_stage.Options(("r1",))
    )
    with pytest.raises(InputError, match=r"kept none of 1 .*1 no_date.*") as caught:
        curate.run(Settings(tmp_path / "curation", NAMES), options)
    assert "kept aside in extra: published (1 rows)" in caught.value.remedy
    dropped = (tmp_path / "curation" / "01-collect" / "dropped.jsonl").read_text(encoding="utf-8")
    assert '"published"' in dropped  # the column that nobody knows is kept beside the text


def test_a_taxonomy_of_ones_own_goes_through_every_stage(tmp_path):
    names = taxonomy.parse(json.dumps(OWN), "own.json")
    texts = {f"own-{n}": f"妈：{GOOD}\n第{n}封信写到这里，{'天冷加衣' * n}。" for n in range(1, 3)}
    texts["own-2"] = (
        "爸：今年的麦子收了没有？我在厂里一切都好，夜班有热汤。\n寄回去的钱先还三叔，余下的买化肥，不要省。"
    )
    day = {"published_at": "2024-01-01", "published_at_other": "2024-01-01"}
    rows = [{"id": k, "text": v, "genre": "家书", **day} for k, v in texts.items()]
    rows.append({"id": "alien", "text": GOOD, "genre": "wuxia", **day})
    path = tmp_path / "raw.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    root = tmp_path / "curation"
    with serving(Script(texts)) as server:
        model = Model(Endpoint(server.url, MODEL, cache=root / "replies"))
        settings = Settings(root, names, model)
        options = dataclasses.replace(
            curate.demo_options(), collect=collect.Options((path,), "sample")
        )
        counts = {c.stage: c for c in curate.run(settings, options)}
    assert counts["collect"].reasons == {"unknown_genre": 1}
    assert counts["pack"].kept == 2
    assert (parts.folder(root, "pack") / "data" / "home-letter").is_dir()
