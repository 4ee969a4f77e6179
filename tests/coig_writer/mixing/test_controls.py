from __future__ import annotations

import pytest

from coig_writer.errors import ConfigError, DriftError, MissingInputError
from coig_writer.files import write_records
from coig_writer.generation import split
from coig_writer.mixing import controls, mixing
from coig_writer.mixing.controls import Control
from coig_writer.mixing.mixing import Rules, Sampled
from coig_writer.mixing.sources import Source
from coig_writer.mixture import PUBLISHED, MixtureRow, Turn, rank
from coig_writer.training.recipe import RecipeArguments

RULES = Rules(seed=42, max_length_tokens=4096)
SHUFFLED = Control("shuffled", "cw", "?", reasoning="shuffled")
HELD_OUT = Control("held_out", "cw", "?", holdout=0.05)
ABSENT = Control("absent", "cw", "?", reasoning="absent")


@pytest.fixture
def creative(rows, smoke_tokenizer):
    return mixing.sample(
        Source("creative", str(rows / "creative.jsonl"), "coig_writer"),
        None,
        RULES,
        smoke_tokenizer,
    )


@pytest.fixture(scope="session")
def shipped(root):
    return controls.read(root / controls.FILE)


def triplets(part):
    found = {}
    for row in part.taken:
        parts = split(row.messages[1].content)
        found[row.source_id] = (row.messages[0].content, parts.reasoning, parts.article)
    return found


def totals(found):
    return {c.name: sum(controls.counts(c).values()) for c in found.values()}


def test_the_shipped_controls_have_the_sizes_that_their_questions_name(shipped):
    total = totals(shipped)
    assert total["g_size_matched"] == PUBLISHED["cw_10k"].total == 21_665
    assert total["general_zh_only"] == total["general_en_only"] == 21_665
    assert total["cw_10k_total"] == PUBLISHED["cw_5k"].total
    assert (total["creative_416"], total["creative_832"]) == (20_416, 20_832)
    assert {c.seed for c in shipped.values() if c.of == "cw_10k"} >= {1, 2, 3}
    assert all(c.question.strip() and c.changes for c in shipped.values())


def test_shuffled_reasoning_changes_owner_and_nothing_else(creative, smoke_tokenizer):
    before = triplets(creative)
    after = triplets(controls.rework(creative, SHUFFLED, RULES, smoke_tokenizer))
    assert after.keys() == before.keys()
    assert sorted(r for _, r, _ in after.values()) == sorted(r for _, r, _ in before.values())
    assert all(after[i][1] != before[i][1] for i in before)
    assert all((after[i][0], after[i][2]) == (before[i][0], before[i][2]) for i in before)


def test_absent_reasoning_leaves_prompt_and_article_and_counts_again(creative, smoke_tokenizer):
    changed = controls.rework(creative, ABSENT, RULES, smoke_tokenizer)
    before, after = triplets(creative), triplets(changed)
    assert after == {i: (p, None, a) for i, (p, _, a) in before.items()}
    assert all("<think>" not in row.messages[1].content for row in changed.taken)
    tokens = {row.source_id: row.n_tokens for row in creative.taken}
    assert all(row.n_tokens < tokens[row.source_id] for row in changed.taken)


def test_a_foreign_reasoning_that_fills_the_length_is_kept_aside(creative, smoke_tokenizer):
    short = Rules(seed=42, max_length_tokens=20)
    changed = controls.rework(creative, SHUFFLED, short, smoke_tokenizer)
    assert len(changed.taken) + len(changed.aside) == len(creative.taken)
    assert {a.reason for a in changed.aside} == {"reasoning_fills_the_length"}


def test_general_rows_and_published_variants_pass_unchanged(creative, smoke_tokenizer):
    assert controls.rework(creative, controls.resolve("cw"), RULES, smoke_tokenizer) is creative
    assert controls.resolve("cw_10k").locked is None


def test_a_lock_names_its_control_and_the_published_locks_stay_as_they_were(creative, tmp_path):
    rows = mixing.build([creative], RULES)
    plain = mixing.lock("cw", [creative], rows, RULES, "t")
    named = mixing.lock("absent", [creative], rows, RULES, "t", control=ABSENT.locked)
    assert "control" not in plain
    assert named["control"] == {
        "name": "absent",
        "of": "cw",
        "question": "?",
        "reasoning": "absent",
    }
    mixing.write(tmp_path, rows, named, [creative])
    facts = {f.id: f.value for f in mixing.facts(tmp_path)}
    assert facts["mixture/control/of"] == "cw"


def test_sample_scale_halves_tenths_and_quarters():
    def scaled(control, creative, general):
        wanted = controls.counts(control)
        hand = {s: creative if s == "creative" else general for s in wanted}
        return controls.at_sample_scale(wanted, hand)

    found = {v: scaled(controls.resolve(v), 102, 60).get("general_zh", 0) for v in PUBLISHED}
    assert found == {"cw": 0, "cw_1k": 6, "cw_5k": 30, "cw_10k": 60, "g": 60}
    assert scaled(controls.resolve("cw_1k"), 16, 24)["general_en"] == 2
    assert scaled(controls.resolve("cw"), 102, 0) == {"creative": 102}
    assert scaled(Control("c", "cw", "?", creative=416), 102, 0) == {"creative": 25}
    poems = {"creative": 1665, "poems": 500}
    assert controls.at_sample_scale(poems, {"creative": 102, "poems": 60})["poems"] == 60
    assert controls.at_sample_scale(poems, {"creative": 102, "poems": 600})["poems"] == 500
    only = Control("z", "cw_10k", "?", general_zh=20_000, general_en=0)
    assert scaled(only, 102, 60) == {"creative": 102, "general_zh": 60}


def test_rows_of_a_further_source_are_counted_and_locked(tmp_path):
    (tmp_path / "c.yaml").write_text(
        "poetry: {of: cw_1k, question: q, general_en: 0, rows: {poems: 500}}"
    )
    control = controls.read(tmp_path / "c.yaml")["poetry"]
    assert controls.counts(control) == {"creative": 1665, "general_zh": 1000, "poems": 500}
    assert control.locked == {
        "name": "poetry", "of": "cw_1k", "question": "q", "general_en": 0, "rows": {"poems": 500},
    }  # fmt: skip


def test_steps_of_another_variant_are_those_of_its_lock(tmp_path):
    from trl import SFTConfig

    recipe = RecipeArguments(mixtures=str(tmp_path), global_batch_size=32)
    sft = SFTConfig(output_dir=str(tmp_path), num_train_epochs=3, use_cpu=True, bf16=False)
    matched = Control("m", "cw", "?", steps_of="cw_10k")
    with pytest.raises(MissingInputError, match="cw_10k"):
        controls.applied(matched, recipe, sft)
    (tmp_path / "cw_10k").mkdir()
    (tmp_path / "cw_10k" / "mixture.lock.json").write_text('{"rows": 21665}')
    assert controls.applied(matched, recipe, sft).max_steps == 2034
    assert controls.applied(Control("s", "g", "?", seed=3), recipe, sft).seed == 3
    assert controls.applied(controls.resolve("g"), recipe, sft) is sft


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ("{of: cw}", "'question' of Control is missing"),
        ("{of: cw, question: q, sead: 1}", "unknown key 'sead'"),
        ("{of: cw_7k, question: q, seed: 1}", "not a published variant"),
        ("{of: cw, question: q, reasoning: lost}", "'reasoning' is 'lost'"),
        ("{of: cw, question: q, creative: 4.5}", "'creative' is float '4.5', not int"),
        ("{of: cw, question: q, creative: -1}", "a count is below 0"),
        ("{of: cw, question: q, seed: one}", "'seed' is str 'one', not int"),
        ("{of: cw, question: q, rows: {poems: -1}}", "a count is below 0"),
        ("{of: cw, question: q, rows: {poems: many}}", "'poems'. is str 'many'"),
        ("{of: cw, question: q, rows: {general_zh: 5}}", "have keys of their own"),
        ("{of: cw, question: q}", "nothing is changed"),
        ("{of: cw, question: q, holdout: 1.0}", "not a share between 0 and 1"),
        ("{of: cw, question: q, holdout: 0.0}", "not a share between 0 and 1"),
        ("{of: g, question: q, holdout: 0.05}", "there are none"),
        ("[cw]", "is missing"),
    ],
)
def test_a_wrong_control_is_refused_by_name(tmp_path, entry, wrong):
    file = tmp_path / "controls.yaml"
    file.write_text(f"odd: {entry}\n")
    with pytest.raises(ConfigError, match=wrong):
        controls.read(file)


def test_an_unknown_variant_names_the_controls(root):
    with pytest.raises(ConfigError, match="reasoning_shuffled"):
        controls.resolve("cw_2k", root / controls.FILE)


def part(genres):
    """A sampled part of creative rows, named by number, with the genres given."""
    turns = (Turn("user", "写"), Turn("assistant", "<think>\n想\n</think>\n\n文"))
    ids = [f"c-{number}" for number in range(len(genres))]
    rows = tuple(MixtureRow(turns, "creative", i, 9) for i in ids)
    source = Source("creative", "x", "coig_writer")
    return Sampled(source, None, len(ids), rows, (), 0, dict(zip(ids, genres, strict=True)))


@pytest.mark.parametrize(
    ("rows", "share", "kept"),
    [(9, 0.05, 0), (10, 0.05, 1), (29, 0.05, 1), (31, 0.05, 2), (204, 0.05, 10), (5, 0.2, 1)],
)
def test_a_genre_gives_its_share_and_one_row_from_ten_up(rows, share, kept):
    assert controls.held_out(rows, share) == kept


def test_held_out_rows_are_the_lowest_hashes_of_each_genre_and_in_no_other_place():
    before = part(["poetry"] * 40 + ["essay"] * 10 + ["script"] * 9)
    after = controls.hold_out(before, HELD_OUT, RULES)
    genre = [before.genres[row.source_id] for row in after.held_out]
    assert sorted(genre) == ["essay", "poetry", "poetry"]
    place = {
        row.source_id: rank(42, "holdout/creative", row.source_id)
        for row in before.taken
        if before.genres[row.source_id] == "essay"
    }
    assert min(place, key=place.__getitem__) in {row.source_id for row in after.held_out}
    assert {*after.taken, *after.held_out} == {*before.taken}
    assert len(after.taken) == 56
    assert [a.source_id for a in after.aside] == [row.source_id for row in after.held_out]
    assert controls.hold_out(before, SHUFFLED, RULES) is before


def test_a_row_added_to_another_genre_moves_no_held_out_row():
    few = controls.hold_out(part(["poetry"] * 40), HELD_OUT, RULES).held_out
    more = controls.hold_out(part(["poetry"] * 40 + ["essay"] * 9), HELD_OUT, RULES).held_out
    assert few == more


def test_a_sample_whose_genres_are_small_holds_out_of_all_rows_together():
    sample = part([f"genre-{number // 2}" for number in range(102)])
    assert len(controls.hold_out(sample, HELD_OUT, RULES).held_out) == 5
    few = controls.hold_out(part(["poetry"] * 8), HELD_OUT, RULES)
    assert (len(few.held_out), len(few.taken)) == (1, 7)


def test_a_share_that_leaves_nothing_to_train_on_is_refused():
    most = Control("most", "cw", "?", holdout=0.95)
    eleven, nine = (part(["poetry"] * count) for count in (11, 9))
    assert len(controls.hold_out(eleven, most, RULES).taken) == 1  # round(10.45) are held out
    with pytest.raises(ConfigError, match="leaves none of 9 creative rows to train on"):
        controls.hold_out(nine, most, RULES)


def test_held_out_rows_are_locked_read_and_not_trained(tmp_path):
    sampled = controls.hold_out(part(["poetry"] * 40), HELD_OUT, RULES)
    rows = mixing.build([sampled], RULES)
    locked = mixing.lock("h", [sampled], rows, RULES, "t", control=HELD_OUT.locked)
    mixing.write(tmp_path, rows, locked, [sampled])
    assert (len(rows), locked["held_out"]["rows"]) == (38, 2)
    named = set(mixing.LockFile.__annotations__)  # as docs/records.md has it
    assert set(locked) == named - {"sample_scale"}
    assert set(mixing.lock("h", [sampled], rows, RULES, "t", sample_scale=False)) == named - {
        "control"
    }
    source = set(mixing.LockedSource.__annotations__)
    assert set(locked["sources"]["creative"]) == source - {
        "genres",
        "excluded",
        "excluded_sha256",
        "max_rows",
    }
    assert tuple(mixing.read_held_out(tmp_path, locked)) == sampled.held_out
    assert {f.id: f.value for f in mixing.facts(tmp_path)}["mixture/held_out/rows"] == 2
    write_records(tmp_path / "held_out.parquet", rows[:2], MixtureRow)
    with pytest.raises(DriftError, match="not those of"):
        mixing.read_held_out(tmp_path, locked)


def test_the_published_variants_hold_out_nothing_and_steps_count_what_is_trained(shipped):
    whole = part(["poetry"] * 40)
    for name in PUBLISHED:
        control = controls.resolve(name)
        assert controls.hold_out(whole, control, RULES) is whole
        assert controls.trained(control) == controls.counts(control)
    assert "held_out" not in mixing.lock("cw", [whole], mixing.build([whole], RULES), RULES, "t")
    assert controls.trained(shipped["cw_held_out"])["creative"] == 1584
