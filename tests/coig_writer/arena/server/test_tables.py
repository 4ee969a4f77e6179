from __future__ import annotations

import pytest

from coig_writer.arena.server.board import Board
from coig_writer.arena.server.booth import Vote
from coig_writer.arena.server.tables import _rows, _summary


@pytest.fixture
def view_after(booth):
    def made(votes):
        for number in range(votes):
            item = booth.sit(f"r{number}", "pairwise", "zh").next()
            booth.vote(f"r{number}", "pairwise", "zh", Vote(item, "left"))
        return Board(booth).view("pairwise", "zh")

    return made


@pytest.mark.parametrize(
    ("votes", "sentence"),
    [(0, "no votes yet"), (2, "2 of 3 votes that results need"), (3, "3 votes; a tie")],
)
def test_the_state_is_said_in_a_sentence(view_after, votes, sentence):
    assert sentence in _summary(view_after(votes))


def test_rows_hold_counts_and_per_cents_of_pairs_that_met(view_after):
    assert _rows(view_after(2)) == []
    rows = _rows(view_after(4))
    assert rows
    for _, _, wins, losses, ties, rate, low, high in rows:
        assert wins + losses + ties > 0
        assert 0 <= low <= rate <= high <= 100


def test_items_judged_are_counted_against_all(view_after, booth):
    view = view_after(2)
    assert view["judged"] == len({b.item for b in booth.store.ballots("demo")})
    assert view["items"] == 60
