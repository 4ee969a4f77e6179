from __future__ import annotations

import pytest

from coig_writer.arena.study.definition import Overlap, Study, load, parse
from coig_writer.errors import ConfigError, MissingInputError


def test_a_study_file_is_read_with_its_nested_keys(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(
        "study: zh-204\nmode: invited\nprotocols: [ranking]\nraters: [甲, 乙]\n"
        "overlap: {share: 0.25, raters: 2}\nties: true\nconsent: {zh: 同意}\n",
        encoding="utf-8",
    )
    study = load(path)
    assert (study.study, study.protocols, study.raters) == ("zh-204", ("ranking",), ("甲", "乙"))
    assert study.overlap == Overlap(0.25, 2)
    assert study.consent.zh == "同意"


def test_who_annotates_at_the_workbench_may_not_judge(tmp_path):
    (tmp_path / "people.yaml").write_text(
        "people:\n  - {alias: a1, roles: [annotate, panel], account: Somebody}\n"
        "  - {alias: r1, roles: [review]}\n",
        encoding="utf-8",
    )
    path = tmp_path / "study.yaml"
    start = "study: s\nroster: people.yaml\nannotators: [b]\n"
    path.write_text(start, encoding="utf-8")
    assert load(path).annotators == ("b", "a1", "Somebody")
    assert load(path).design("texts") == Study(study="s").design("texts")
    for rater in ("A1", "somebody"):
        path.write_text(f"{start}mode: invited\nraters: [{rater}, r1]\n", encoding="utf-8")
        with pytest.raises(ConfigError, match="also annotated"):
            load(path)
    path.write_text("study: s\nroster: nobody.yaml\n", encoding="utf-8")
    with pytest.raises(MissingInputError, match=r"nobody\.yaml"):
        load(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"study": "s", "protocol": "ranking"}, "did you mean 'protocols'"),
        ({"study": "s", "overlap": {"rater": 2}}, "did you mean 'raters'"),
        ({"protocols": ["ranking"]}, "'study' is missing"),
        ({"study": "s", "protocols": ["duel"]}, "use one of pairwise, ranking, rating"),
        ({"study": "s", "protocols": []}, "`protocols` is empty"),
        ({"study": "s", "protocols": ["rating", "rating"]}, "duplicate name in `protocols`"),
        ({"study": "s" * 201}, "has 201 characters; the store takes 200"),
        ({"study": "s", "mode": "invited", "raters": [" ", "b"]}, "is blank"),
        ({"study": "s", "mode": "invited", "raters": ["a\tb", "c"]}, "holds a tab"),
        ({"study": "s", "seed": "one"}, "not int"),
        ({"study": "s", "mode": "invited"}, "without `raters`"),
        ({"study": "s", "raters": ["a"]}, "public study"),
        (
            {"study": "s", "mode": "invited", "raters": ["A", "b"], "annotators": ["a"]},
            "also annotated",
        ),
        ({"study": "s", "mode": "invited", "raters": ["a", "A", "b"]}, "duplicate name"),
        (
            {"study": "s", "mode": "invited", "raters": ["a", "b"], "overlap": {"raters": 3}},
            "there are 2 raters",
        ),
        ({"study": "s", "overlap": {"share": 1.5}}, "0..1"),
        ({"study": "s", "mode": "invited", "raters": ["a", "b"], "sign_in": True}, "`sign_in`"),
        ({"study": "s", "overlap": {"raters": 1}}, "at least 2"),
        ({"study": "s", "repeats": 0.6}, "0..0.5"),
        ({"study": "s", "sample": -1}, "0 or more"),
        ({"study": "s", "items_per_rater": 0}, "at least 1"),
        ({"study": "s", "pairs_per_prompt": 0}, "at least 1"),
        ({"study": "s", "votes_per_minute": 0}, "rate limit"),
        ({"study": " "}, "empty"),
        ({"study": "s", "overlap": 3}, "write {share: …, raters: …}"),
        ({"study": "s", "repeats": "often"}, "key 'repeats'"),
        (["study"], "not a mapping"),
        (None, "not a mapping"),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_remedy(data, message):
    with pytest.raises(ConfigError) as refused:
        parse(data, "study.yaml")
    assert message in str(refused.value)
    assert refused.value.remedy


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(MissingInputError, match="no such study file"):
        load(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("study: [")
    with pytest.raises(ConfigError, match=r"not YAML .*line 1, column 9"):
        load(tmp_path / "bad.yaml")


def test_a_file_of_aliases_is_refused_before_it_grows(tmp_path):
    bomb = "study: s\nmodels: &a [x, x]\nprompts: [*a, *a]\n"
    (tmp_path / "bomb.yaml").write_text(bomb)
    with pytest.raises(ConfigError, match="alias"):
        load(tmp_path / "bomb.yaml")
