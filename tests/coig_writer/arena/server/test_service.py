from __future__ import annotations

import dataclasses
import json

import pytest

from coig_writer.arena.server.database import DuplicateError, StoreError
from coig_writer.arena.server.results import seconds
from coig_writer.arena.server.service import Vote, velocity
from coig_writer.arena.study.definition import Overlap, Study
from coig_writer.arena.study.exclusions import never_shown, too_fast
from coig_writer.arena.study.verdicts import named_verdict, positions
from coig_writer.ballot import DIMENSIONS, comparisons
from coig_writer.errors import InputError

VERDICTS = {
    "pairwise": "left",
    "ranking": [4, 2, 0, 1, 3],
    "rating": dict.fromkeys(DIMENSIONS, 2),
}


def vote_on_next(service, rater, protocol, language="zh", verdict=None):
    queue = service.admit(rater, protocol, language)
    item = queue.next()
    return item, service.vote(rater, protocol, language, Vote(item, verdict or VERDICTS[protocol]))


@pytest.mark.parametrize("protocol", VERDICTS)
def test_a_vote_becomes_the_ballot_of_what_was_shown(service, protocol):
    queue = service.admit("r", protocol, "zh")
    view = service.view(protocol, queue)
    task = queue.tasks[view["item"]["id"]]
    _, stored = vote_on_next(service, "r", protocol)
    (ballot,) = service.store.ballots("demo", "r")
    prompt = service.prompts[ballot.query_id]
    answers = dict(zip(service.collection.variants, prompt.answers, strict=True))
    assert view["item"]["answers"] == [answers[name] for name in ballot.shown]
    assert stored == ballot.id
    assert ballot.shown == tuple(service.collection.variants[m] for m in task.shown)
    assert positions(ballot) in (VERDICTS[protocol], [[p] for p in [4, 2, 0, 1, 3]])


def test_a_ranking_names_the_variants_best_first(service):
    vote_on_next(service, "r", "ranking")
    (ballot,) = service.store.ballots("demo", "r")
    assert json.loads(ballot.verdict) == [ballot.shown[i] for i in (4, 2, 0, 1, 3)]
    assert len(comparisons(ballot)) == 10


def test_a_sitting_is_resumed_where_it_was_left(make_service, clock):
    service = make_service()
    item, _ = vote_on_next(service, "r", "pairwise")
    before = service.view("pairwise", service.admit("r", "pairwise", "zh"))
    again = make_service()
    after = again.view("pairwise", again.admit("r", "pairwise", "zh"))
    assert after == before
    assert after["item"]["id"] != item
    assert after["progress"]["done"] == 1


def test_votes_twice_are_refused_by_the_store_even_when_memory_forgot(make_service):
    service = make_service()
    item, _ = vote_on_next(service, "r", "pairwise")
    twin = make_service()
    twin.admit("r", "pairwise", "zh").done.clear()
    for refusing in (service, twin):
        with pytest.raises(DuplicateError):
            refusing.vote("r", "pairwise", "zh", Vote(item, "right"))
    assert [b.verdict for b in service.store.ballots("demo")] == ['"left"']


def test_a_vote_the_store_could_not_take_can_be_cast_again(service, monkeypatch):
    queue = service.admit("r", "pairwise", "zh")
    item = queue.next()

    def full(_ballots):
        return [StoreError("no space")]

    with monkeypatch.context() as patch:
        patch.setattr(service.store, "add_all", full)
        with pytest.raises(StoreError):
            service.vote("r", "pairwise", "zh", Vote(item, "left"))
    assert service.admit("r", "pairwise", "zh").next() == item
    service.vote("r", "pairwise", "zh", Vote(item, "left"))


def test_an_item_of_another_rater_is_refused(service):
    item = service.admit("a", "pairwise", "zh").next()
    service.admit("b", "pairwise", "zh")
    with pytest.raises(InputError, match="not yours"):
        service.vote("b", "pairwise", "zh", Vote(item, "left"))


def test_a_public_rater_who_is_done_gets_another_set_without_doubles(service):
    seen = set()
    for _ in range(400):
        queue = service.admit("r", "ranking", "zh")
        if queue.next() is None:
            break
        item, _ = vote_on_next(service, "r", "ranking")
        assert item not in seen
        seen.add(item)
    cast = service.store.ballots("demo")
    assert {b.query_id for b in cast if not b.repeat} == {f"zh-{i}" for i in range(6)}
    assert len({(b.item, b.repeat) for b in cast}) == len(cast)


def sat_through(service, rater, protocol):
    """Votes on everything in one sitting; returns what was shown, first showings only."""
    queue = service.admit(rater, protocol, "zh")
    while queue.next():
        vote_on_next(service, rater, protocol)
    return [task for task in queue.tasks.values() if task.repeat == 0]


def test_authors_are_told_once_the_sitting_is_over_repeats_included(make_service):
    service = make_service(Study(items_per_rater=4, repeats=0.5))
    queue = service.admit("r", "ranking", "zh")
    assert [task.repeat for task in queue.tasks.values()].count(1) == 2
    while queue.next():
        with pytest.raises(InputError, match="end of a sitting"):
            service.authors("r", "ranking", "zh")
        assert service.store.revealed("demo", "r") == set()
        vote_on_next(service, "r", "ranking")
    told = service.authors("r", "ranking", "zh")
    cast = [b for b in service.store.ballots("demo", "r") if b.repeat == 0]
    # Two votes of one millisecond have no order in the store.
    assert sorted(item.models for item in told) == sorted(b.shown for b in cast)
    for item in told:
        prompt = next(p for p in service.prompts.values() if p.text == item.prompt)
        answers = dict(zip(service.collection.variants, prompt.answers, strict=True))
        assert all(
            answers[name].startswith(opening)
            for name, opening in zip(item.models, item.openings, strict=True)
        )
    assert service.authors("r", "ranking", "zh") == told


def test_texts_whose_authors_were_told_do_not_come_back_to_that_rater(make_service):
    service = make_service(Study(items_per_rater=2, repeats=0, overlap=Overlap(0.0, 2)))
    begun = service.admit("r", "pairwise", "zh")
    seen = {task.unit.query_id for task in sat_through(service, "r", "ranking")}
    assert any(task.unit.query_id in seen for task in begun.tasks.values())
    service.authors("r", "ranking", "zh")
    for again in (service, make_service(service.study)):  # also after a restart
        for protocol in ("pairwise", "ranking", "rating"):
            fresh = again.admit("r", protocol, "zh")
            waiting = [fresh.tasks[token] for token in fresh.tasks if token not in fresh.done]
            assert not {task.unit.query_id for task in waiting} & seen
        other = again.admit("another", "ranking", "zh")
        assert other.next()
    gone = next(token for token, task in begun.tasks.items() if task.unit.query_id in seen)
    with pytest.raises(InputError, match="not yours"):
        service.vote("r", "pairwise", "zh", Vote(gone, "left"))


def test_who_has_seen_everything_takes_no_more_seats(make_service):
    service = make_service(Study(items_per_rater=100, repeats=0))
    sat_through(service, "r", "rating")
    while service.admit("r", "rating", "zh").next():
        sat_through(service, "r", "rating")
    taken = service.store.seats_of("demo", "rating", "zh", "r")
    assert service.admit("r", "rating", "zh").next() is None
    assert service.store.seats_of("demo", "rating", "zh", "r") == taken


def test_the_second_time_round_every_order_is_reversed(service):
    n_seats = len(service.seats("pairwise", "zh"))  # of two answers the other row is the reverse
    first = service._tasks_of_seat("pairwise", "zh", 0)
    again = service._tasks_of_seat("pairwise", "zh", n_seats)
    assert [t.shown for t in again] == [t.shown[::-1] for t in first]
    assert [t.repeat for t in again] == [t.repeat for t in first]


def test_invited_raters_have_their_own_seats_and_learn_no_names(make_service, invited):
    service = make_service(invited)
    for number, name in enumerate(invited.raters):
        rater = service.identity.rater("invited", name)
        queue = service.admit(rater, "ranking", "zh")
        assigned = service.seats("ranking", "zh")[number]
        assert [t.shown for t in queue.tasks.values()] == [t.shown for t in assigned]
        vote_on_next(service, rater, "ranking")
    while queue.next():
        vote_on_next(service, rater, "ranking")
    with pytest.raises(InputError, match="end of a sitting"):
        service.authors(rater, "ranking", "zh")
    with pytest.raises(InputError, match="invitation"):
        service.admit("stranger", "ranking", "zh")


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
def test_a_verdict_that_does_not_fit_is_refused_and_nothing_is_stored(service, protocol, verdict):
    with pytest.raises(InputError):
        vote_on_next(service, "r", protocol, verdict=verdict)
    assert service.store.ballots("demo") == []


def test_ties_nest_where_the_study_allows_them():
    assert named_verdict("ranking", [2, [0, 1]], ("a", "b", "c"), ties=True) == ["c", ["a", "b"]]


def test_skip_is_an_answer_of_every_protocol(service):
    for protocol in VERDICTS:
        vote_on_next(service, "r", protocol, verdict="skip")
    assert {b.verdict for b in service.store.ballots("demo")} == {'"skip"'}


def test_history_shows_own_votes_by_position_and_marks_the_withdrawn(service):
    _, stored = vote_on_next(service, "r", "ranking")
    vote_on_next(service, "other", "ranking")
    service.store.withdraw("r", stored)
    (entry,) = service.history("r")
    assert entry["withdrawn"]
    assert not set(service.collection.variants) & set(json.dumps(entry).split('"'))
    with pytest.raises(InputError):
        service.store.withdraw("other", stored)


def test_an_item_of_another_study_has_another_id(make_service):
    """The page gives a lost vote again by the item's id: it must not go to what was not judged."""
    one, two = (
        set(make_service(Study(study=name)).admit("r", "pairwise", "zh").tasks)
        for name in ("one", "two")
    )
    assert len(one) == len(two) > 0
    assert not one & two


def test_an_id_of_lost_items_names_no_other_texts(make_service, invited):
    make_service(invited).store.begin("trial", "design", make_service(invited).founders)
    study = dataclasses.replace(invited, raters=(*invited.raters, "late", "later"))
    service = make_service(study)
    late, later = (service.identity.rater("invited", name) for name in ("late", "later"))
    before = service.admit(late, "pairwise", "zh").tasks
    with service.store.engine.begin() as connection:  # the disk is gone since the last push
        connection.exec_driver_sql("DELETE FROM hands")
    again = make_service(study)
    again.admit(later, "pairwise", "zh")  # and gets what the other had
    after = again.admit(late, "pairwise", "zh").tasks
    assert list(before.values()) != list(after.values())
    assert [item for item in before if after.get(item, before[item]) != before[item]] == []


def test_signals_of_attention_are_stored_as_columns(service):
    item = service.admit("r", "pairwise", "zh").next()
    shown = service.view("pairwise", service.admit("r", "pairwise", "zh"))["item"]["answers"]
    queue = service.admit("r", "pairwise", "zh")
    queue.shown_at[item] -= 12  # twelve seconds ago
    spoken = Vote(item, "tie", dwell_s=10.0, depths=(1.0, 0.75), interface_language="en")
    service.vote("r", "pairwise", "zh", dataclasses.replace(spoken, tags=("cliched@1", "off_task")))
    (ballot,) = service.store.ballots("demo")
    assert (ballot.dwell_s, ballot.scroll, ballot.interface_language) == (10.0, 0.75, "en")
    assert ballot.velocity == sum(map(len, shown)) / 10.0
    assert 12 <= ballot.elapsed_s < 13
    assert ballot.depths == (1.0, 0.75)
    assert ballot.tags == (f"cliched@{ballot.shown[1]}", "off_task")
    assert ballot.consent


def test_a_ballot_says_which_sample_of_the_prompt_was_shown(make_service):
    service = make_service(Study(protocols=("pairwise",), sample=1))
    item = service.admit("r", "pairwise", "zh").next()
    service.vote("r", "pairwise", "zh", Vote(item, "tie"))
    assert [b.sample for b in service.store.ballots("demo")] == [1]


@pytest.mark.parametrize(("dwell_s", "counted"), [(0.002, 0.002), (0.001, 0.001), (5e-324, 0.001)])
def test_no_clock_of_a_page_makes_a_velocity_infinite(dwell_s, counted):
    assert velocity(100, dwell_s) == 100 / counted


@pytest.mark.parametrize(
    ("dwell_s", "elapsed_s", "counted"), [(50.0, 0.0, 0.001), (0.0, 60.0, 60.0), (0.0, None, None)]
)
def test_a_vote_within_a_millisecond_has_a_time_and_a_page_without_a_clock_has_none(
    dwell_s, elapsed_s, counted
):
    assert velocity(100, dwell_s, elapsed_s) == (counted and 100 / counted)


def test_an_unknown_protocol_or_language_is_refused(make_service):
    service = make_service(Study(protocols=("ranking",)))
    assert service.checked("ranking", "en") == ("ranking", "en")
    for protocol, language in (("pairwise", "zh"), ("ranking", "fr")):
        with pytest.raises(InputError, match="no protocol"):
            service.checked(protocol, language)


def test_nobody_attends_longer_than_the_item_was_shown(service):
    queue = service.admit("r", "pairwise", "zh")
    shown = service.view("pairwise", queue)["item"]
    queue.shown_at[shown["id"]] -= 2
    service.vote("r", "pairwise", "zh", Vote(shown["id"], "tie", dwell_s=500.0))
    (ballot,) = service.store.ballots("demo")
    assert ballot.dwell_s == 500.0
    assert ballot.velocity == pytest.approx(sum(map(len, shown["answers"])) / 2, rel=0.1)


def voted_elsewhere(make_service, folder, rater, item, shown):
    """Votes at a server that starts on an empty store; returns the ballot and whether it was too fast."""
    folder.mkdir()
    service = make_service(folder=folder)
    service.view("pairwise", service.admit(rater, "pairwise", "zh"))
    service.vote(rater, "pairwise", "zh", Vote(item, "tie", dwell_s=50.0, shown=shown))
    (ballot,) = service.store.ballots("demo")
    return ballot, ballot.id in too_fast([ballot], {ballot.query_id: "zh"})


def test_the_moment_of_showing_outlives_the_server(make_service, tmp_path, clock):
    """For a text that was open meanwhile, and for a vote that is given again after a loss."""
    service = make_service(folder=tmp_path)
    mine, others = (
        service.view("pairwise", service.admit(rater, "pairwise", "zh"))["item"]
        for rater in ("r", "other")
    )
    clock[0] += 60
    again = service.view("pairwise", service.admit("r", "pairwise", "zh"))["item"]
    assert again == mine  # the first moment stays
    ballot, fast = voted_elsewhere(make_service, tmp_path / "lost", "r", mine["id"], mine["shown"])
    assert (ballot.elapsed_s, fast, seconds([ballot])) == (60.0, False, 50.0)
    forged = {
        "none": None,
        "of another item": others["shown"],
        "earlier": mine["shown"].replace("1900000000", "1800000000"),
        "nonsense": "é",
    }
    for name, told in forged.items():
        ballot, fast = voted_elsewhere(make_service, tmp_path / name, "r", mine["id"], told)
        assert (ballot.elapsed_s, fast) == (0.0, True), name


def test_a_vote_on_what_was_never_shown_is_recognised(service):
    queue = service.admit("r", "pairwise", "zh")
    service.view("pairwise", queue)
    seen, unseen = list(queue.tasks)[:2]
    for item in (seen, unseen):
        service.vote("r", "pairwise", "zh", Vote(item, "tie"))
    first, second = (
        next(
            b
            for b in service.store.ballots("demo")
            if b.item == service.item_name(queue.tasks[item])
        )
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
def test_a_tag_speaks_of_a_text_that_was_shown(service, tag):
    item = service.admit("r", "pairwise", "zh").next()
    with pytest.raises(InputError, match="unknown tag"):
        service.vote("r", "pairwise", "zh", Vote(item, "tie", tags=(tag,)))
    with pytest.raises(InputError, match="the number of depths"):
        service.vote("r", "pairwise", "zh", Vote(item, "tie", depths=(1.0,)))


def names_of(service, tasks):
    return [service.item_name(task) for task in tasks if task.repeat == 0]


def begun(make_service, study):
    service = make_service(study)
    pseudonyms = [service.identity.rater("invited", name) for name in study.raters]
    service.store.begin(study.study, study.design("texts"), pseudonyms)
    return make_service(study)


def test_who_takes_a_drop_outs_place_is_dealt_what_is_missing_and_keeps_it(make_service, invited):
    founded = begun(make_service, invited)
    gone = founded.identity.rater("invited", "丙")
    for _ in range(2):
        vote_on_next(founded, gone, "ranking")
    left = names_of(founded, founded.seats("ranking", "zh")[2])[2:]
    service = begun(make_service, dataclasses.replace(invited, raters=("甲", "乙", "丁")))
    assert service.seats("ranking", "zh") == founded.seats("ranking", "zh")
    newcomer = service.identity.rater("invited", "丁")
    assert service.assigned(newcomer, "ranking", "zh") is None
    refill = names_of(service, service.admit(newcomer, "ranking", "zh").tasks.values())
    assert sorted(refill[: len(left)]) == sorted(left)
    assert len(refill) == max(len(names_of(service, s)) for s in service.seats("ranking", "zh"))
    again = begun(make_service, dataclasses.replace(invited, raters=("甲", "乙", "丁")))
    vote_on_next(again, again.identity.rater("invited", "甲"), "ranking")
    assert names_of(again, again.admit(newcomer, "ranking", "zh").tasks.values()) == refill
    again.store.begin("trial", again.study.design("texts"))  # nothing of the design changed
    with pytest.raises(InputError, match="by invitation"):
        again.admit(gone, "ranking", "zh")


def test_an_added_rater_moves_nobody_and_two_newcomers_share_what_is_missing(make_service, invited):
    service = begun(make_service, dataclasses.replace(invited, overlap=Overlap(1.0, 2), repeats=0))
    more = dataclasses.replace(service.study, raters=("甲", "丁", "戊"))  # 乙 and 丙 left
    later = begun(make_service, more)
    first, second = (later.identity.rater("invited", name) for name in ("丁", "戊"))
    both = [
        set(names_of(later, later.admit(r, "ranking", "zh").tasks.values()))
        for r in (first, second)
    ]
    wanted = {
        name: 2 for seat in service.seats("ranking", "zh") for name in names_of(service, seat)
    }
    has = set(names_of(later, later.seats("ranking", "zh")[0]))
    covered = {n: (n in has) + sum(n in refill for refill in both) for n in wanted}
    assert covered == wanted  # every item has its two raters again
    assert later.seats("ranking", "zh")[0] == service.seats("ranking", "zh")[0]


def test_a_withdrawn_vote_is_missing_and_a_skip_is_not(make_service, invited):
    service = begun(make_service, dataclasses.replace(invited, repeats=0))
    gone = service.identity.rater("invited", "丙")
    skipped, _ = vote_on_next(service, gone, "ranking", verdict="skip")
    taken_back, ballot = vote_on_next(service, gone, "ranking")
    tasks = service.admit(gone, "ranking", "zh").tasks
    service.store.withdraw(gone, ballot)
    later = begun(make_service, dataclasses.replace(service.study, raters=("甲", "乙", "丁")))
    covered = later.covered("ranking", "zh")
    short = {
        u
        for u, n in covered.items()
        if n < sum(u in {t.unit for t in s} for s in service.seats("ranking", "zh"))
    }
    assert tasks[taken_back].unit in short
    assert tasks[skipped].unit not in short


def test_a_seat_left_half_done_goes_to_the_next_visitor_once_its_hour_is_over(
    make_service, monkeypatch
):
    service = make_service(Study(items_per_rater=6, repeats=0, overlap=Overlap(0, 2)))
    n = len(service.seats("ranking", "zh"))
    done = {}
    for number in range(n):
        queue = service.admit(f"r{number}", "ranking", "zh")
        done[number] = len(queue.tasks) - (number == n - 1)
        for _ in range(done[number]):
            vote_on_next(service, f"r{number}", "ranking")
    held = service.store.seats("demo", "ranking", "zh")
    assert sorted(held) == list(range(n))
    with monkeypatch.context() as all_held:  # nobody reads all votes where no seat is to be chosen
        all_held.setattr(service.store, "answered", None)
        service.admit("soon", "ranking", "zh")
    assert set(service.store.seats("demo", "ranking", "zh")) - set(held) == {n}  # the round goes on
    monkeypatch.setattr("coig_writer.arena.server.service.HELD_S", -1.0)
    service.admit("late", "ranking", "zh")
    assert set(service.store.seats("demo", "ranking", "zh")) - set(held) == {n, 2 * n - 1}
