"""The roster: whoever works here has an alias, a role, and genres that exist."""

from __future__ import annotations

import pytest

from coig_writer.arena.study import people
from coig_writer.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("people: [{alias: 张 三, roles: [annotate]}]", "alias '张 三'"),
        ("people: [{alias: a, roles: [annotate]}, {alias: A, roles: [review]}]", "duplicate alias"),
        ("people: [{alias: a, roles: [annotate], genres: [opera]}]", "unknown genre 'opera'"),
        ("people: [{alias: a, roles: [boss]}]", "boss"),
        (
            "people: [{alias: a, roles: [review], account: Me}, {alias: b, roles: [panel], account: me}]",
            "duplicate account 'Me'",
        ),
        ("people: [{alias: a, roles: []}]", "a has no role"),
        ("overlap: 1.5", "`overlap` is 1.5"),
        ("persons: []", "persons"),
    ],
)
def test_what_is_no_roster_is_named(tmp_path, text, said):
    (tmp_path / "people.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said) as refused:
        people.read(tmp_path / "people.yaml")
    assert refused.value.message.startswith(str(tmp_path / "people.yaml"))
    assert str(tmp_path) not in refused.value.remedy  # it does not send one to the same file


def test_a_roster_is_read(tmp_path):
    text = "workbench: w\npeople:\n  - {alias: a1, roles: [annotate, review], genres: [poetry]}\noverlap: 0.1\n"
    (tmp_path / "people.yaml").write_text(text, encoding="utf-8")
    roster = people.read(tmp_path / "people.yaml")
    assert roster.people == (people.Person("a1", ("annotate", "review"), ("poetry",)),)


def test_without_a_roster_there_are_two_annotators_an_operator_and_who_has_items(tmp_path):
    for name in ("r2", "r1"):
        (tmp_path / f"{name}.jsonl").touch()
    roster = people.usual(tmp_path)
    assert [p.alias for p in roster.people] == ["a1", "a2", "r1", "r2", "operator"]
