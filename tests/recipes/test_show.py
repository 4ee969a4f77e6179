"""The answers of several variants to one query, side by side."""

from __future__ import annotations

import pytest

from coig_writer.errors import InputError
from coig_writer.files import write_records
from coig_writer.generation import Generation
from recipes import show
from tests.generations import generation


def test_answers_to_the_first_query_stand_side_by_side(tmp_path):
    for variant in ("base", "cw", "g"):
        rows = [generation(variant, q, f" {variant} on {q}\n") for q in ("zh-2", "zh-1")]
        write_records(tmp_path / f"{variant}.parquet", rows, Generation)
    told = show.answers(tmp_path, ("g", "base"))
    assert told == "zh-2: 写一写zh-2\n--- base:\nbase on zh-2\n--- g:\ng on zh-2"
    assert "--- cw:\ncw on zh-2" in show.answers(tmp_path)
    with pytest.raises(InputError, match="no answers of cw_10k") as caught:
        show.answers(tmp_path, ("cw_10k",))
    assert caught.value.remedy == "variants are base, cw, g"
