from __future__ import annotations

import json

import pytest

from coig_writer.arena.server.export import (
    ComparisonRow,
    InfluenceRow,
    RaterRow,
    ScoreRow,
    export,
    read_rankings,
)
from coig_writer.arena.server.results import AgreementRow, overview
from coig_writer.arena.server.service import Vote
from coig_writer.ballot import DIMENSIONS, Ballot, Tombstone, check
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import read_records


@pytest.fixture
def voted(service):
    for rater, protocol, verdict in (
        ("a", "pairwise", "left"),
        ("a", "ranking", [0, 1, 2, 3, 4]),
        ("b", "rating", dict.fromkeys(DIMENSIONS, 1)),
        ("b", "pairwise", "both_bad"),
        ("b", "ranking", "skip"),
    ):
        item = service.view(protocol, service.admit(rater, protocol, "zh"))["item"]["id"]
        service.vote(rater, protocol, "zh", Vote(item, verdict, dwell_s=1.0))
    return service


def test_raw_and_derived_tables_hold_every_ballot(voted, tmp_path):
    rows = export(voted, tmp_path / "out")
    ballots = read_records(tmp_path / "out" / "ballots.parquet", Ballot)
    assert ballots == voted.store.ballots("demo")
    pairs = read_records(tmp_path / "out" / "comparisons.parquet", ComparisonRow)
    assert len(pairs) == 1 + 10 + 1
    assert [p.both_bad for p in pairs].count(True) == 1
    assert {p.excluded_by for p in pairs} == {("too_fast",)}
    scores = read_records(tmp_path / "out" / "scores.parquet", ScoreRow)
    assert [(s.dimension, s.score) for s in scores] == [(d, 1) for d in DIMENSIONS]
    assert rows["ballots.parquet"] == 5


def test_a_withdrawn_ballot_leaves_only_its_tombstone(voted, tmp_path):
    first = voted.store.ballots("demo", "a")[0]
    stone = voted.store.withdraw("a", first.id)
    export(voted, tmp_path / "out")
    for name in ("ballots", "comparisons", "scores"):
        content = (tmp_path / "out" / f"{name}.parquet").read_bytes()
        assert first.id.encode() not in content
    assert read_records(tmp_path / "out" / "tombstones.parquet", Tombstone) == [stone]


def test_the_same_store_exports_to_the_same_bytes(voted, make_service, tmp_path):
    export(voted, tmp_path / "one")
    export(make_service(), tmp_path / "two")
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()


def test_the_manifest_names_rules_scan_and_hashes(voted, tmp_path):
    export(voted, tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert set(manifest["exclusion_rules"]) == {
        "too_fast",
        "not_scrolled",
        "never_shown",
        "no_reading",
        "one_sided",
        "reported",
    }
    assert len(manifest["files"]["ballots.parquet"]["sha256"]) == 64


def test_nothing_is_exported_from_nothing(service, tmp_path):
    with pytest.raises(InputError, match="no votes yet"):
        export(service, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def ranking(number, ranks):
    answers = [
        {"rank": rank, "source_file": f"out/{name}.jsonl", "my_response": "…"}
        for name, rank in ranks.items()
    ]
    return {
        "sequence_number": number,
        "question_id": f"q{number}",
        "prompt": "写一首诗",
        "ranked_responses": answers,
    }


@pytest.mark.parametrize("lines", [False, True])
def test_ranking_files_of_the_authors_become_ballots(tmp_path, lines):
    rows = [ranking(1, {"cw": 2, "g": 1, "cw_1k": 3}), ranking(2, {"cw": 1, "g": 1, "cw_1k": 2})]
    path = tmp_path / "rater.json"
    texts = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("\n".join(texts) if lines else f"[{','.join(texts)}]", encoding="utf-8")
    ballots = read_rankings(path, study="paper", rater="p")
    assert [json.loads(b.verdict) for b in ballots] == [
        ["g", "cw", "cw_1k"],
        [["cw", "g"], "cw_1k"],
    ]
    assert [check(b) for b in ballots] == ballots
    assert [b.id for b in read_rankings(path, study="paper", rater="p")] == [b.id for b in ballots]
    assert (
        len(
            {b.id for b in read_rankings(path, study="paper", rater="other")}
            & {b.id for b in ballots}
        )
        == 0
    )


RANKED = '[{"question_id": "q", "ranked_responses": [{"rank": %s, "source_file": "a.json"}, {"rank": %s, "source_file": "b.json"}]}]'


def test_a_rank_may_be_written_as_spreadsheets_and_notepad_do(tmp_path):
    path = tmp_path / "ranking.json"
    path.write_bytes(b"\xef\xbb\xbf" + (RANKED % ("2.0", '"1"')).encode())
    (ballot,) = read_rankings(path, study="s", rater="r")
    assert json.loads(ballot.verdict) == ["b", "a"]


@pytest.mark.parametrize(
    "text",
    [
        "[{}]",
        '[{"question_id": 1, "ranked_responses": [{"rank": 1}]}]',
        "[",
        "[1]",
        "[]",
        "",
        RANKED % ("1", "1.5"),
        RANKED % ("1", "true"),
        RANKED % ("1", '"first"'),
        RANKED.replace('"q"', "null") % ("1", "2"),
    ],
)
def test_what_is_no_ranking_file_is_refused_with_its_row(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"bad\.json"):
        read_rankings(path, study="s", rater="r")


def test_a_missing_ranking_file_is_named(tmp_path):
    with pytest.raises(MissingInputError):
        read_rankings(tmp_path / "none.json", study="s", rater="r")


def test_the_time_of_each_rater_is_exported_by_the_shorter_clock(voted, tmp_path):
    with voted.store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE ballots SET dwell_s = 90, elapsed_s = 60.5")
    export(voted, tmp_path / "out")
    rows = read_records(tmp_path / "out" / "raters.parquet", RaterRow)
    assert {row.rater: (row.ballots, row.seconds) for row in rows} == {
        "a": (2, 121.0),
        "b": (3, 181.5),
    }
    assert all(row.first <= row.last for row in rows)
    with voted.store.engine.begin() as connection:  # as an import stores them
        connection.exec_driver_sql(
            "UPDATE ballots SET dwell_s = NULL, elapsed_s = NULL WHERE rater = 'b'"
        )
    export(voted, tmp_path / "out")
    rows = read_records(tmp_path / "out" / "raters.parquet", RaterRow)
    assert [row.seconds for row in rows] == [121.0, None]
    minutes = {r.rater: r.minutes for r in overview(voted).raters if r.done}
    assert minutes == {"a": 1.0, "b": None}  # of each protocol


def test_no_side_of_a_pair_out_of_a_ranking_says_who_won(service, tmp_path):
    for number in range(12):
        queue = service.admit(f"r{number}", "ranking", "zh")
        while queue.next():
            service.vote(f"r{number}", "ranking", "zh", Vote(queue.next(), [0, 1, 2, 3, 4]))
    export(service, tmp_path / "out")
    pairs = read_records(tmp_path / "out" / "comparisons.parquet", ComparisonRow)
    won = sum(p.outcome for p in pairs if p.repeat == 0) / sum(p.repeat == 0 for p in pairs)
    assert 0.4 < won < 0.6
    ballots = {b.id: b for b in read_records(tmp_path / "out" / "ballots.parquet", Ballot)}
    for pair in pairs:
        order = json.loads(ballots[pair.ballot].verdict)
        assert pair.outcome == float(order.index(pair.left) < order.index(pair.right))
    agreed = read_records(tmp_path / "out" / "agreement.parquet", AgreementRow)
    assert [(a.protocol, a.language, a.measure) for a in agreed] == [
        ("ranking", "zh", "alpha"),
        ("ranking", "zh", "tau"),
    ]
    assert all(-1 <= a.low <= a.value <= a.high <= 1 for a in agreed)
    told = read_records(tmp_path / "out" / "influence.parquet", InfluenceRow)
    assert {(r.protocol, r.language) for r in told} == {("ranking", "zh")}
    assert {r.rater for r in told} == {b.rater for b in ballots.values()}
