from __future__ import annotations

import threading
from typing import Any

import pytest

from coig_writer.arena.server.board import Board
from coig_writer.arena.server.service import Vote
from coig_writer.arena.server.tables import CHINESE, HEADS, _rows, _summary, rows
from coig_writer.arena.server.tally import Tally
from coig_writer.arena.study.exclusions import RULES


@pytest.fixture
def view_after(service):
    def made(votes):
        for number in range(votes):
            item = service.admit(f"r{number}", "pairwise", "zh").next()
            service.vote(f"r{number}", "pairwise", "zh", Vote(item, "left"))
        return Board(Tally(service)).view("pairwise", "zh")

    return made


@pytest.mark.parametrize(
    ("votes", "sentence"),
    [(0, "no votes yet"), (2, "2 of 3 votes that results need"), (3, "3 votes; a tie")],
)
def test_the_state_is_said_in_a_sentence(view_after, votes, sentence):
    assert sentence in _summary(view_after(votes))


def test_rows_hold_counts_and_per_cents_of_pairs_that_met(view_after):
    assert _rows(view_after(2)) == []
    rows: list[list[Any]] = _rows(view_after(4))
    assert rows
    for _, _, wins, losses, ties, rate, low, high in rows:
        assert wins + losses + ties > 0
        assert 0 <= low <= rate <= high <= 100


def test_items_judged_are_counted_against_all(view_after, service):
    view = view_after(2)
    assert view["judged"] == len({b.item for b in service.store.ballots("demo")})
    assert view["items"] == 60


def test_readers_get_what_is_there_while_one_makes_it_anew(service, monkeypatch):
    monkeypatch.setattr("coig_writer.arena.server.board.FRESH_S", -1)
    monkeypatch.setattr("coig_writer.arena.server.board.STAYS", 0)
    board = Board(Tally(service))
    first = board.view("pairwise", "zh")
    begun, go_on, made = threading.Event(), threading.Event(), []

    def slow(*_):
        made.append(1)
        begun.set()
        go_on.wait(300)
        return {"ballots": 1}

    monkeypatch.setattr(board._tally, "view", slow)
    maker = threading.Thread(target=board.view, args=("pairwise", "zh"))
    maker.start()
    assert begun.wait(300)
    assert [board.view("pairwise", "zh") for _ in range(45)] == [first] * 45  # nobody waits
    go_on.set()
    maker.join()
    assert made == [1]


def test_making_results_takes_a_tenth_of_the_time_at_most(service, monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("coig_writer.arena.server.board.time.monotonic", lambda: clock[0])
    board, made = Board(Tally(service)), []

    def slow(*_):
        made.append(clock[0])
        clock[0] += 2.0
        return {}

    monkeypatch.setattr(board._tally, "view", slow)
    for second in (100.0, 102.0, 119.9, 120.0):
        clock[0] = second
        board.view("pairwise", "zh")
    assert made == [100.0, 120.0]  # until 102 it was made; it stays for nine times as long


def test_no_single_vote_can_be_read_off_the_difference_of_two_boards(service, monkeypatch):
    monkeypatch.setattr("coig_writer.arena.server.board.FRESH_S", -1)
    monkeypatch.setattr("coig_writer.arena.server.board.STAYS", 0)
    board, queue = Board(Tally(service)), service.admit("r", "pairwise", "zh")
    seen: list[dict[str, Any]] = []
    for _ in range(7):
        service.vote("r", "pairwise", "zh", Vote(queue.next(), "left"))
        seen.append(board.view("pairwise", "zh"))
    counted = [view["results"] and view["results"]["everything"]["ballots"] for view in seen]
    assert counted == [None, None, 3, 3, 3, 6, 6]  # results_after is 3
    assert [view["ballots"] for view in seen] == [1, 2, 3, 4, 5, 6, 7]
    own = service.store.ballots("demo", "r")
    service.store.withdraw("r", own[0].id)
    assert board.view("pairwise", "zh")["results"] == seen[-1]["results"]


def test_the_operators_tables_have_a_head_for_every_column(make_service, invited):
    service = make_service(invited)
    rater = next(iter(service.raters))
    for verdict in ([0, 1, 2, 3, 4], "skip"):
        service.vote(
            rater, "ranking", "zh", Vote(service.admit(rater, "ranking", "zh").next(), verdict)
        )
    tables = rows(service, Tally(service).overview(), None)
    for table, heads in zip(tables, HEADS.values(), strict=True):
        assert all(len(row) == len(heads) for row in table)
    said = [row[2] for row in tables[1] if row[:2] == ["ranking", "zh"]]
    assert said == ["甲", "乙", "丙"]
    assert ["backup", "none"] in tables[5]


def test_every_word_of_the_operators_tables_has_a_chinese_one():
    said = {*HEADS, *(head for heads in HEADS.values() for head in heads)}
    assert said - CHINESE.keys() == {"n", *RULES}  # as they stand in the exports
    assert CHINESE.keys() <= said
