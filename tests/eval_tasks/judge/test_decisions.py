"""Rubric ``decisions``: a judge names what a reasoning settles on; its words must stand in the texts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from coig_writer.errors import InputError
from coig_writer.files import read_records, write_records
from coig_writer.generation import Generation
from coig_writer.score import Judgement
from eval_tasks.judge.ask import LONGEST, questions
from eval_tasks.judge.audit import Finding, audit
from eval_tasks.judge.decisions import MOST, Decision, checked, shared
from eval_tasks.judge.rubric import load
from tests.eval_tasks.judge.test_judge import findings, generation, run, server, shown
from tests.loopback import Answer, Server, said

__all__ = ["server"]  # a fixture
REASONING = "She is called Edda. I end on a silence, not on a speech. It may rain."
ARTICLE = "Edda lit the lamp. “Good night,” she said."


def named(
    quotation: str, verdict: str = "kept", evidence: str = "Edda lit the lamp"
) -> dict[str, str]:
    return {"decision": "d", "quotation": quotation, "verdict": verdict, "evidence": evidence}


def verdicts(*found: dict[str, str]) -> list[str]:
    return [d.verdict for d in checked(found, REASONING, ARTICLE)]


def judge(body: dict[str, Any], _n: int) -> Answer:
    """Per answer Edda is kept, the silence broken, the rain undecidable, and one quotation made up."""
    if "Write about wrong." in str(body["messages"]):
        return said(json.dumps({"decisions": [named("She is called Edda", "maybe")]}))
    texts = shown(body)
    assert (texts["reasoning"], texts["text"]) == (REASONING, ARTICLE)
    found = [
        named("She is called Edda"),
        named("I end on a silence", "broken", "“Good night,” she said."),
        named("It may rain", "undecidable", ""),
        named("She wears red"),
    ]
    return said(json.dumps({"decisions": found}))


@pytest.fixture
def judged(server: Server, tmp_path: Path) -> tuple[object, ...]:
    """Five answers judged twice; returns the arguments that say where."""
    server.behaviour = judge
    written = f"<think>\n{REASONING}\n</think>\n\n{ARTICLE}"
    texts = dict.fromkeys(("q0", "q1", "wrong"), written)
    texts |= {"q2": ARTICLE, "q3": f"<think>\n{REASONING}"}
    records = [generation("v", query, text) for query, text in texts.items()]
    write_records(tmp_path / "g.jsonl", records, Generation)
    where = ("--generations", tmp_path / "g.jsonl", "--out", tmp_path / "judged")
    run("run", "--model", "m", "--endpoint", server.url, "--rubric", "decisions",
        "--repeats", 2, "--cache", tmp_path / "cache", *where)  # fmt: skip
    return where


def test_decisions_are_asked_about_where_there_is_a_reasoning_and_an_article(
    judged: tuple[object, ...], tmp_path: Path
) -> None:
    rows = read_records(tmp_path / "judged", Judgement)
    found = {j.query_id: j for j in rows if j.rubric == "decisions"}
    told = [item["verdict"] for item in json.loads(str(found["q0"].verdict))]
    assert told == ["kept", "broken", "undecidable", "unquoted"]
    assert (found["q2"].state, found["q2"].reason) == ("missing", "there is no reasoning")
    assert (found["q3"].state, found["q3"].reason) == ("missing", "an article is empty")
    why = "unparsable: does not fit the schema at decisions/0/verdict"
    assert str(found["wrong"].reason).startswith(why)


def test_the_share_of_decisions_that_are_kept_is_audited_against_people(
    judged: tuple[object, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    read = (named("called Edda"), named("I end on a silence, not on a speech"))
    people = [judgement("reader", *read, query=q) for q in ("q0", "q1")]
    write_records(tmp_path / "people.jsonl", people, Judgement)
    run("audit", "--human-judgements", tmp_path / "people.jsonl", *judged)
    facts = findings(tmp_path / "judged")
    shares = {name.removeprefix("judge/m/decisions/"): (f["value"], f["n"]) for name, f in facts.items()}  # fmt: skip
    assert shares == {
        "missing": (0.6, 5),
        "kept/v": (0.5, 4),
        "undecidable": (pytest.approx(1 / 3), 6),
        "unquoted": (0.25, 8),
        "decision/repeat": (1, 6),
        "decision_kappa/repeat": (1, 6),
        "decision/people": (0.5, 4),
        "decision_kappa/people": (0, 4),
    }
    kept = facts["judge/m/decisions/kept/v"]
    assert kept["low"] < kept["value"] < kept["high"]
    assert "unquoted" in capsys.readouterr().out


def test_words_that_stand_in_no_text_decide_nothing() -> None:
    assert verdicts(named("she is called  EDDA!")) == [
        "kept"
    ]  # punctuation, case and spacing apart
    assert verdicts(named("She is named Edda")) == ["unquoted"]
    assert verdicts(named("It may rain", "kept", "It rained")) == ["unquoted"]
    assert verdicts(named("It may rain", "broken", "")) == ["unquoted"]
    assert verdicts(named("Edda lit the lamp", "kept", "It may rain")) == [
        "unquoted"
    ]  # the wrong texts
    assert verdicts(named("")) == verdicts(named("…")) == ["unquoted"]
    assert verdicts(named("It may rain", "undecidable", "made up")) == ["undecidable"]
    assert (
        checked([named("It may rain", "undecidable", "made up")], REASONING, ARTICLE)[0].evidence
        == ""
    )
    assert verdicts(named("It may rain"), named("it may rain", "undecidable", "")) == [
        "kept"
    ]  # once
    assert verdicts(named("half \ud83d a pair")) == ["unquoted"]
    assert verdicts() == []


def test_the_same_decision_is_one_whose_words_overlap() -> None:
    own = checked(
        [named("She is called Edda"), named("I end on a silence", "undecidable")],
        REASONING,
        ARTICLE,
    )
    other = checked([named("called Edda", "broken"), named("It may rain")], REASONING, ARTICLE)
    assert shared(own, other) == [("kept", "broken")]
    assert shared(other, own) == [("broken", "kept")]
    assert shared(own, [*other, *other]) == [("kept", "broken")]  # each once
    assert shared(own, checked([named("Edda is called She")], REASONING, ARTICLE)) == []
    unquoted = Decision("d", "She is called Edda", "unquoted", "")
    assert shared(own, [unquoted]) == shared([unquoted], own) == []


def judgement(judge: str, *found: dict[str, str], query: str = "q") -> Judgement:
    verdict = json.dumps(found)
    return Judgement(
        judge, "decisions", query, "v", None, "single", verdict, "scored", None, 1, 1, None
    )


def test_judges_are_compared_decision_by_decision() -> None:
    """Of three decisions that both name on four prompts, they agree on two."""
    own = [named("ab"), named("cd", "broken"), named("ef", "undecidable", "")]
    other = [named("ab"), named("cd"), named("ef", "undecidable", ""), named("gh")]
    rows = [
        judgement(j, *f, query=f"q{i}") for i in range(4) for j, f in (("a", own), ("b", other))
    ]
    found: dict[tuple[str, str], Finding] = {(f.judge, f.name): f for f in audit(rows, {})}
    for judge in "ab":
        finding = found[judge, "decision/other_judges"]
        assert finding.value == pytest.approx(2 / 3)
        assert finding.n == 12
    assert (found["a", "kept/v"].value, found["b", "kept/v"].value) == (0.5, 1)
    assert found["b", "kept/v"].low is not None
    assert found["b", "kept/v"].low < 1  # all kept is no certainty
    assert ("a", "decision/people") not in found


def test_a_reasoning_that_settles_on_nothing_is_no_share() -> None:
    found = {f.name: f for f in audit([judgement("m")], {})}
    assert (found["missing"].value, found["kept/v"].value, found["kept/v"].n) == (0, None, 0)


@pytest.mark.parametrize(
    "wrong", [{"quotation": "x"}, named("x", "perhaps"), named("x") | {"more": "y"}]
)
def test_what_people_wrote_wrongly_is_named(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError, match="reader, decisions, v, q7"):
        audit([judgement("m")], {}, read=[judgement("reader", wrong, query="q7")])


def test_what_is_too_long_or_too_much_is_not_judged() -> None:
    rubric = load("decisions")
    fits, longer = (generation("v", "q", f"<think>{'x' * n}</think>\n\ny") for n in (LONGEST, LONGEST + 1))  # fmt: skip
    assert questions(rubric, [fits])[0].request is not None
    assert (
        questions(rubric, [longer])[0].problem
        == f"the reasoning is longer than {LONGEST} characters"
    )
    schema: Any = rubric.schema(2)
    assert schema["properties"]["decisions"]["maxItems"] == MOST == 12
