from __future__ import annotations

import dataclasses
import json

import pytest

from coig_writer.arena.server.booth import Vote, velocity
from coig_writer.arena.server.database import DuplicateError, StoreError
from coig_writer.arena.study.definition import Overlap, Study
from coig_writer.arena.study.exclusions import never_shown
from coig_writer.arena.study.verdicts import named_verdict, positions
from coig_writer.ballot import DIMENSIONS, comparisons
from coig_writer.errors import InputError

VERDICTS = {
    "pairwise": "left",
    "ranking": [4, 2, 0, 1, 3],
    "rating": dict.fromkeys(DIMENSIONS, 2),
}


def vote_on_next(booth, rater, protocol, language="zh", verdict=None):
    desk = booth.sit(rater, protocol, language)
    item = desk.next()
    return item, booth.vote(rater, protocol, language, Vote(item, verdict or VERDICTS[protocol]))


@pytest.mark.parametrize("protocol", VERDICTS)
def test_a_vote_becomes_the_ballot_of_what_was_shown(booth, protocol):
    desk = booth.sit("r", protocol, "zh")
    view = booth.view(protocol, desk)
    task = desk.tasks[view["item"]["id"]]
    _, stored = vote_on_next(booth, "r", protocol)
    (ballot,) = booth.store.ballots("demo", "r")
    prompt = booth.prompts[ballot.query_id]
    answers = dict(zip(booth.collection.variants, prompt.answers, strict=True))
    assert view["item"]["answers"] == [answers[name] for name in ballot.shown]
    assert stored == ballot.id
    assert ballot.shown == tuple(booth.collection.variants[m] for m in task.shown)
    assert positions(ballot) in (VERDICTS[protocol], [[p] for p in [4, 2, 0, 1, 3]])


def test_a_ranking_names_the_variants_best_first(booth):
    vote_on_next(booth, "r", "ranking")
    (ballot,) = booth.store.ballots("demo", "r")
    assert json.loads(ballot.verdict) == [ballot.shown[i] for i in (4, 2, 0, 1, 3)]
    assert len(comparisons(ballot)) == 10


def test_a_sitting_is_resumed_where_it_was_left(make_booth):
    booth = make_booth()
    item, _ = vote_on_next(booth, "r", "pairwise")
    before = booth.view("pairwise", booth.sit("r", "pairwise", "zh"))
    again = make_booth()
    after = again.view("pairwise", again.sit("r", "pairwise", "zh"))
    assert after == before
    assert after["item"]["id"] != item
    assert after["progress"]["done"] == 1


def test_votes_twice_are_refused_by_the_store_even_when_memory_forgot(make_booth):
    booth = make_booth()
    item, _ = vote_on_next(booth, "r", "pairwise")
    twin = make_booth()
    twin.sit("r", "pairwise", "zh").done.clear()
    for refusing in (booth, twin):
        with pytest.raises(DuplicateError):
            refusing.vote("r", "pairwise", "zh", Vote(item, "right"))
    assert [b.verdict for b in booth.store.ballots("demo")] == ['"left"']


def test_a_vote_the_store_could_not_take_can_be_cast_again(booth, monkeypatch):
    desk = booth.sit("r", "pairwise", "zh")
    item = desk.next()

    def full(_ballots):
        return [StoreError("no space")]

    with monkeypatch.context() as patch:
        patch.setattr(booth.store, "add_all", full)
        with pytest.raises(StoreError):
            booth.vote("r", "pairwise", "zh", Vote(item, "left"))
    assert booth.sit("r", "pairwise", "zh").next() == item
    booth.vote("r", "pairwise", "zh", Vote(item, "left"))


def test_an_item_of_another_rater_is_refused(booth):
    item = booth.sit("a", "pairwise", "zh").next()
    booth.sit("b", "pairwise", "zh")
    with pytest.raises(InputError, match="not yours"):
        booth.vote("b", "pairwise", "zh", Vote(item, "left"))


def test_a_public_rater_who_is_done_gets_another_set_without_doubles(booth):
    seen = set()
    for _ in range(400):
        desk = booth.sit("r", "ranking", "zh")
        if desk.next() is None:
            break
        item, _ = vote_on_next(booth, "r", "ranking")
        assert item not in seen
        seen.add(item)
    cast = booth.store.ballots("demo")
    assert {b.query_id for b in cast if not b.repeat} == {f"zh-{i}" for i in range(6)}
    assert len({(b.item, b.repeat) for b in cast}) == len(cast)


def sat_through(booth, rater, protocol):
    """Votes on everything in one sitting; returns what was shown, first showings only."""
    desk = booth.sit(rater, protocol, "zh")
    while desk.next():
        vote_on_next(booth, rater, protocol)
    return [task for task in desk.tasks.values() if task.repeat == 0]


def test_authors_are_told_once_the_sitting_is_over_repeats_included(make_booth):
    booth = make_booth(Study(items_per_rater=4, repeats=0.5))
    desk = booth.sit("r", "ranking", "zh")
    assert [task.repeat for task in desk.tasks.values()].count(1) == 2
    while desk.next():
        with pytest.raises(InputError, match="end of a sitting"):
            booth.authors("r", "ranking", "zh")
        assert booth.store.revealed("demo", "r") == set()
        vote_on_next(booth, "r", "ranking")
    told = booth.authors("r", "ranking", "zh")
    cast = [b for b in booth.store.ballots("demo", "r") if b.repeat == 0]
    assert [item.models for item in told] == [b.shown for b in cast]
    for item in told:
        prompt = next(p for p in booth.prompts.values() if p.text == item.prompt)
        answers = dict(zip(booth.collection.variants, prompt.answers, strict=True))
        assert all(
            answers[name].startswith(opening)
            for name, opening in zip(item.models, item.openings, strict=True)
        )
    assert booth.authors("r", "ranking", "zh") == told


def test_texts_whose_authors_were_told_do_not_come_back_to_that_rater(make_booth):
    booth = make_booth(Study(items_per_rater=2, repeats=0, overlap=Overlap(0.0, 2)))
    begun = booth.sit("r", "pairwise", "zh")
    seen = {task.unit.query_id for task in sat_through(booth, "r", "ranking")}
    assert any(task.unit.query_id in seen for task in begun.tasks.values())
    booth.authors("r", "ranking", "zh")
    for again in (booth, make_booth(booth.study)):  # also after a restart
        for protocol in ("pairwise", "ranking", "rating"):
            fresh = again.sit("r", protocol, "zh")
            waiting = [fresh.tasks[token] for token in fresh.tasks if token not in fresh.done]
            assert not {task.unit.query_id for task in waiting} & seen
        other = again.sit("another", "ranking", "zh")
        assert other.next()
    gone = next(token for token, task in begun.tasks.items() if task.unit.query_id in seen)
    with pytest.raises(InputError, match="not yours"):
        booth.vote("r", "pairwise", "zh", Vote(gone, "left"))


def test_who_has_seen_everything_takes_no_more_seats(make_booth):
    booth = make_booth(Study(items_per_rater=100, repeats=0))
    sat_through(booth, "r", "rating")
    while booth.sit("r", "rating", "zh").next():
        sat_through(booth, "r", "rating")
    taken = booth.store.seats_of("demo", "rating", "zh", "r")
    assert booth.sit("r", "rating", "zh").next() is None
    assert booth.store.seats_of("demo", "rating", "zh", "r") == taken


def test_the_second_time_round_every_order_is_reversed(booth):
    n_seats = len(booth.seats("pairwise", "zh"))  # of two answers the other row is the reverse
    first = booth._dealt("pairwise", "zh", 0)
    again = booth._dealt("pairwise", "zh", n_seats)
    assert [t.shown for t in again] == [t.shown[::-1] for t in first]
    assert [t.repeat for t in again] == [t.repeat for t in first]


def test_invited_raters_have_their_own_seats_and_learn_no_names(make_booth, invited):
    booth = make_booth(invited)
    for number, name in enumerate(invited.raters):
        rater = booth.identity.rater("invited", name)
        desk = booth.sit(rater, "ranking", "zh")
        dealt = booth.seats("ranking", "zh")[number]
        assert [t.shown for t in desk.tasks.values()] == [t.shown for t in dealt]
        vote_on_next(booth, rater, "ranking")
    while desk.next():
        vote_on_next(booth, rater, "ranking")
    with pytest.raises(InputError, match="end of a sitting"):
        booth.authors(rater, "ranking", "zh")
    with pytest.raises(InputError, match="invitation"):
        booth.sit("stranger", "ranking", "zh")


@pytest.mark.parametrize(
    ("protocol", "verdict"),
    [
        ("pairwise", "best"),
        ("pairwise", [0, 1]),
        ("ranking", [0, 1, 2, 3]),
        ("ranking", [0, 1, 2, 3, 3]),
        ("ranking", [0, 1, 2, 3, 9]),
        ("ranking", [0, 1, 2, 3, -1]),
        ("ranking", [0, 1, 2, [3, 4]]),
        ("rating", {"content_quality": 2}),
        ("rating", dict.fromkeys(DIMENSIONS, 4)),
        ("rating", "left"),
    ],
)
def test_a_verdict_that_does_not_fit_is_refused_and_nothing_is_stored(booth, protocol, verdict):
    with pytest.raises(InputError):
        vote_on_next(booth, "r", protocol, verdict=verdict)
    assert booth.store.ballots("demo") == []


def test_ties_nest_where_the_study_allows_them():
    assert named_verdict("ranking", [2, [0, 1]], ("a", "b", "c"), ties=True) == ["c", ["a", "b"]]


def test_skip_is_an_answer_of_every_protocol(booth):
    for protocol in VERDICTS:
        vote_on_next(booth, "r", protocol, verdict="skip")
    assert {b.verdict for b in booth.store.ballots("demo")} == {'"skip"'}


def test_history_shows_own_votes_by_position_and_marks_the_withdrawn(booth):
    _, stored = vote_on_next(booth, "r", "ranking")
    vote_on_next(booth, "other", "ranking")
    booth.store.withdraw("r", stored)
    (entry,) = booth.history("r")
    assert entry["withdrawn"]
    assert not set(booth.collection.variants) & set(json.dumps(entry).split('"'))
    with pytest.raises(InputError):
        booth.store.withdraw("other", stored)


def test_signals_of_attention_are_stored_as_columns(booth):
    item = booth.sit("r", "pairwise", "zh").next()
    shown = booth.view("pairwise", booth.sit("r", "pairwise", "zh"))["item"]["answers"]
    desk = booth.sit("r", "pairwise", "zh")
    desk.shown_at[item] -= 12  # twelve seconds ago
    spoken = Vote(item, "tie", dwell_s=10.0, depths=(1.0, 0.75), interface_language="en")
    booth.vote("r", "pairwise", "zh", dataclasses.replace(spoken, tags=("cliched@1", "off_task")))
    (ballot,) = booth.store.ballots("demo")
    assert (ballot.dwell_s, ballot.scroll, ballot.interface_language) == (10.0, 0.75, "en")
    assert ballot.velocity == sum(map(len, shown)) / 10.0
    assert 12 <= ballot.elapsed_s < 13
    assert ballot.depths == (1.0, 0.75)
    assert ballot.tags == (f"cliched@{ballot.shown[1]}", "off_task")
    assert ballot.consent


@pytest.mark.parametrize(("dwell_s", "counted"), [(0.002, 0.002), (0.001, 0.001), (5e-324, 0.001)])
def test_no_clock_of_a_page_makes_a_velocity_infinite(dwell_s, counted):
    assert velocity(100, dwell_s) == 100 / counted


def test_an_unknown_protocol_or_language_is_refused(make_booth):
    booth = make_booth(Study(protocols=("ranking",)))
    assert booth.checked("ranking", "en") == ("ranking", "en")
    for protocol, language in (("pairwise", "zh"), ("ranking", "fr")):
        with pytest.raises(InputError, match="no protocol"):
            booth.checked(protocol, language)


def test_nobody_attends_longer_than_the_item_was_shown(booth):
    desk = booth.sit("r", "pairwise", "zh")
    shown = booth.view("pairwise", desk)["item"]
    desk.shown_at[shown["id"]] -= 2
    booth.vote("r", "pairwise", "zh", Vote(shown["id"], "tie", dwell_s=500.0))
    (ballot,) = booth.store.ballots("demo")
    assert ballot.dwell_s == 500.0
    assert ballot.velocity == pytest.approx(sum(map(len, shown["answers"])) / 2, rel=0.1)


def test_a_vote_on_what_was_never_shown_is_recognised(booth):
    desk = booth.sit("r", "pairwise", "zh")
    booth.view("pairwise", desk)
    seen, unseen = list(desk.tasks)[:2]
    for item in (seen, unseen):
        booth.vote("r", "pairwise", "zh", Vote(item, "tie"))
    first, second = (
        next(b for b in booth.store.ballots("demo") if b.item == booth.item_name(desk.tasks[item]))
        for item in (seen, unseen)
    )
    assert first.elapsed_s is not None
    assert second.elapsed_s is None
    assert never_shown([first, second], {}) == {second.id}
    old = dataclasses.replace(second, schema_version=1)
    imported = dataclasses.replace(second, consent=False)
    assert never_shown([old, imported], {}) == set()


@pytest.mark.parametrize(
    "tag", ["nonsense", "cliched@2", "cliched@-1", "cliched@", "cliched@x", "@0"]
)
def test_a_tag_speaks_of_a_text_that_was_shown(booth, tag):
    item = booth.sit("r", "pairwise", "zh").next()
    with pytest.raises(InputError, match="unknown tag"):
        booth.vote("r", "pairwise", "zh", Vote(item, "tie", tags=(tag,)))
    with pytest.raises(InputError, match="depths of other texts"):
        booth.vote("r", "pairwise", "zh", Vote(item, "tie", depths=(1.0,)))


def names_of(booth, tasks):
    return [booth.item_name(task) for task in tasks if task.repeat == 0]


def begun(make_booth, study):
    booth = make_booth(study)
    pseudonyms = [booth.identity.rater("invited", name) for name in study.raters]
    booth.store.begin(study.study, study.design("texts"), pseudonyms)
    return make_booth(study)


def test_who_takes_a_drop_outs_place_is_dealt_what_is_missing_and_keeps_it(make_booth, invited):
    founded = begun(make_booth, invited)
    gone = founded.identity.rater("invited", "丙")
    for _ in range(2):
        vote_on_next(founded, gone, "ranking")
    left = names_of(founded, founded.seats("ranking", "zh")[2])[2:]
    booth = begun(make_booth, dataclasses.replace(invited, raters=("甲", "乙", "丁")))
    assert booth.seats("ranking", "zh") == founded.seats("ranking", "zh")
    newcomer = booth.identity.rater("invited", "丁")
    assert booth.assigned(newcomer, "ranking", "zh") is None
    hand = names_of(booth, booth.sit(newcomer, "ranking", "zh").tasks.values())
    assert sorted(hand[: len(left)]) == sorted(left)
    assert len(hand) == max(len(names_of(booth, s)) for s in booth.seats("ranking", "zh"))
    again = begun(make_booth, dataclasses.replace(invited, raters=("甲", "乙", "丁")))
    vote_on_next(again, again.identity.rater("invited", "甲"), "ranking")
    assert names_of(again, again.sit(newcomer, "ranking", "zh").tasks.values()) == hand
    again.store.begin("trial", again.study.design("texts"))  # nothing of the design changed
    with pytest.raises(InputError, match="by invitation"):
        again.sit(gone, "ranking", "zh")


def test_an_added_rater_moves_nobody_and_two_newcomers_share_what_is_missing(make_booth, invited):
    booth = begun(make_booth, dataclasses.replace(invited, overlap=Overlap(1.0, 2), repeats=0))
    more = dataclasses.replace(booth.study, raters=("甲", "丁", "戊"))  # 乙 and 丙 left
    later = begun(make_booth, more)
    first, second = (later.identity.rater("invited", name) for name in ("丁", "戊"))
    both = [
        set(names_of(later, later.sit(r, "ranking", "zh").tasks.values())) for r in (first, second)
    ]
    wanted = {name: 2 for seat in booth.seats("ranking", "zh") for name in names_of(booth, seat)}
    has = set(names_of(later, later.seats("ranking", "zh")[0]))
    covered = {n: (n in has) + sum(n in hand for hand in both) for n in wanted}
    assert covered == wanted  # every item has its two raters again
    assert later.seats("ranking", "zh")[0] == booth.seats("ranking", "zh")[0]


def test_a_withdrawn_vote_is_missing_and_a_skip_is_not(make_booth, invited):
    booth = begun(make_booth, dataclasses.replace(invited, repeats=0))
    gone = booth.identity.rater("invited", "丙")
    skipped, _ = vote_on_next(booth, gone, "ranking", verdict="skip")
    taken_back, ballot = vote_on_next(booth, gone, "ranking")
    tasks = booth.sit(gone, "ranking", "zh").tasks
    booth.store.withdraw(gone, ballot)
    later = begun(make_booth, dataclasses.replace(booth.study, raters=("甲", "乙", "丁")))
    covered = later.covered("ranking", "zh")
    short = {
        u
        for u, n in covered.items()
        if n < sum(u in {t.unit for t in s} for s in booth.seats("ranking", "zh"))
    }
    assert tasks[taken_back].unit in short
    assert tasks[skipped].unit not in short


def test_a_seat_left_half_done_goes_to_the_next_visitor_once_its_hour_is_over(
    make_booth, monkeypatch
):
    booth = make_booth(Study(items_per_rater=6, repeats=0, overlap=Overlap(0, 2)))
    n = len(booth.seats("ranking", "zh"))
    done = {}
    for number in range(n):
        desk = booth.sit(f"r{number}", "ranking", "zh")
        done[number] = len(desk.tasks) - (number == n - 1)
        for _ in range(done[number]):
            vote_on_next(booth, f"r{number}", "ranking")
    held = booth.store.seats("demo", "ranking", "zh")
    assert sorted(held) == list(range(n))
    booth.sit("soon", "ranking", "zh")
    assert set(booth.store.seats("demo", "ranking", "zh")) - set(held) == {n}  # the round goes on
    monkeypatch.setattr("coig_writer.arena.server.booth.HELD_S", -1.0)
    booth.sit("late", "ranking", "zh")
    assert set(booth.store.seats("demo", "ranking", "zh")) - set(held) == {n, 2 * n - 1}
