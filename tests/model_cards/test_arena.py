from __future__ import annotations

import json
import shutil

import pytest

from coig_writer import command_line, facts
from coig_writer.arena.server.export import ComparisonRow
from coig_writer.ballot import Ballot
from coig_writer.files import write_records
from coig_writer.hub import checks
from coig_writer.hub import release as releases
from model_cards import arena
from model_cards.__main__ import GROUP

QUERIES = ("zh-poetry-1", "zh-poetry-2", "zh-essay-1", "elsewhere-1")


def ballot(number, verdict, protocol="pairwise", shown=("cw", "g")):
    return Ballot(
        id=f"b{number}",
        study="s",
        protocol=protocol,
        item=f"i{number}",
        query_id=QUERIES[number % len(QUERIES)],
        rater=f"r{number % 2}",
        repeat=0,
        shown=shown,
        verdict=json.dumps(verdict),
    )


@pytest.fixture
def exported(tmp_path):
    folder = tmp_path / "ballots"
    cast = [ballot(n, "left" if n % 3 else "tie") for n in range(12)]
    cast += [ballot(20 + n, {"overall_preference": n % 4}, "rating", ("cw",)) for n in range(8)]
    write_records(folder / "ballots.parquet", cast, Ballot)
    write_records(folder / "comparisons.parquet", [], ComparisonRow)
    (folder / "manifest.json").write_text("{}")
    return folder


def test_the_card_of_votes_counts_and_says_what_is_undecided(exported, tmp_path):
    arena.write(exported, tmp_path / "votes")
    found = facts.read(tmp_path / "votes" / "facts.json")
    assert found["arena/ballots"].value == 20
    assert found["arena/pairwise/other/ballots"].value == 3
    rate = found["arena/pairwise/zh/rate/cw/g"]
    assert (rate.n, rate.low is not None) == (9, True)
    text = (tmp_path / "votes" / "README.md").read_text(encoding="utf-8")
    assert "## Pairwise, Chinese" in text
    assert "| `cw` | `overall_preference` |" in text
    assert not (tmp_path / "votes" / "comparisons.parquet").exists()


def test_models_of_any_name_stay_apart(exported, tmp_path):
    names = ("Qwen/Qwen2.5-7B-Instruct", "google/gemma-3")
    cast = [ballot(n, "left", shown=names) for n in range(8)]
    hostile = ("a`|<b>\n# c",)
    cast += [ballot(20 + n, {"overall_preference": n % 4}, "rating", hostile) for n in range(8)]
    write_records(exported / "ballots.parquet", cast, Ballot)
    arena.write(exported, tmp_path / "votes")
    text = (tmp_path / "votes" / "README.md").read_text(encoding="utf-8")
    assert "| `Qwen/Qwen2.5-7B-Instruct` | `google/gemma-3` | " in text
    assert "| <code>a\\`&#124;&lt;b&gt; # c</code> | `overall_preference` |" in text
    assert command_line.run(GROUP, ["reproduce", str(tmp_path / "votes")]) == 0


def test_it_can_be_published_and_every_number_is_measured_again(exported, tmp_path, capsys):
    out = tmp_path / "votes"
    arena.write(exported, out)
    assert checks.problems(releases.read(out), "org/votes") == []
    assert command_line.run(GROUP, ["reproduce", str(out), "--brief"]) == 0, capsys.readouterr().out
    file = out / "facts.json"
    file.write_text(file.read_text().replace('"value": 20,', '"value": 21,'))
    assert command_line.run(GROUP, ["reproduce", str(out), "--brief"]) == 1
    assert "differs   arena/ballots" in capsys.readouterr().out
    shutil.rmtree(out)
