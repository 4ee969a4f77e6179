"""The table of benchmarks/verse_form.py: its goals on the thirty poems, and on the corpus where that is."""

from __future__ import annotations

import random

import pytest

from benchmarks import verse_form as bench


def goal(line: str) -> tuple[float, float]:
    """A line's share and its goal, in percent."""
    share = next(
        float(word.rstrip("%;")) for word in line.split() if word.rstrip(";").endswith("%")
    )
    return share, float(line.split("goal ")[1].split("%", maxsplit=1)[0])


def met(lines: list[str]) -> bool:
    return all(share >= asked for share, asked in map(goal, (ln for ln in lines if "goal " in ln)))


def test_the_goals_hold_on_the_poems_of_the_tests() -> None:
    poems = bench.labelled(None)
    lines = list(bench.regulated_verse(poems))
    assert met(lines)
    assert not [line for line in lines if "old-style   passes" in line]


def test_a_changed_place_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "CHANGES", 100)
    assert met(list(bench.changed(bench.labelled(None))))


def test_the_checker_and_trying_everything_say_the_same() -> None:
    poems = bench.labelled(None)
    draw = random.Random(1)
    changed = [c[0] for _ in range(60) if (c := bench.change(draw.choice(poems), draw))]
    for lines in (*(p.lines for p in poems), *changed):
        assert bench.naive(lines) == bench.tones_fit(lines), lines


def test_the_kits_own_poem_passes_with_its_rescue() -> None:
    assert bench.own() == (
        "《慢车过秦岭》: 七言律诗, passes True; 第1句第3字“绿”该平用仄，第1句第5字“摇”用平相救，本句自救，免于孤平"
    )


def test_free_verse_is_not_taken_for_regulated() -> None:
    own, first, second = bench.modern()
    assert own.endswith(": 0 of 141")
    assert "form: 0 of" in first
    assert " 0 of 100" in first
    assert second.endswith(": 0")


def test_prompts_name_forms() -> None:
    assert bench.asked("请填一首《浣溪沙》") == "浣溪沙"
    assert bench.asked("写一首七律") == "七言律诗"
    assert bench.asked("写临江仙客栈的故事") is None


def test_the_three_readings() -> None:
    assert [line.split("poems: ")[1] for line in bench.readings()] == [
        "137 agree, kappa 0.92", "135 agree, kappa 0.88", "137 agree, kappa 0.93",
    ]  # fmt: skip


def test_the_goals_hold_on_the_corpus(shared) -> None:
    folder = shared / "data" / "verse"
    assert met(list(bench.regulated_verse(bench.labelled(folder))))
    assert met(list(bench.third(folder)))
    assert next(bench.tunes(folder)).startswith("ci: 44 of 47 poems of 24 tunes pass as they stand in ci.jsonl, 47 with")  # fmt: skip
