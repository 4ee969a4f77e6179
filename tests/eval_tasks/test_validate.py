"""python -m eval_tasks validate: the table, its file, and what the report makes of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from coig_writer import command_line
from coig_writer.ballot import Ballot
from coig_writer.errors import KitError
from coig_writer.files import write_records
from coig_writer.score import Score
from eval_tasks import runs, validate
from eval_tasks.__main__ import GROUP
from tests.eval_tasks import preference_bench

CAVEAT = "no rater of the validation rated two answers to one prompt"
MODELS = ("m1", "m2", "m3", "m4", "m5", "m6")


def write(folder: Path, *, own_rater: bool) -> list[str]:
    """Thirty prompts, six models: ``mattr_100`` follows the score, ``ttr`` is only length."""
    rng = np.random.default_rng(0)
    ballots, scores = [], []
    for q in range(30):
        for m in MODELS:
            value, query = int(rng.integers(0, 4)), f"zh-essay-{q}"
            length = 1000 + 200 * value + float(rng.normal(0, 200))
            verdict = json.dumps({"overall_preference": value})
            rater = f"of-{m}" if own_rater else f"r{q % 2}"
            name = f"{q}{m}"
            ballots.append(Ballot(name, "s", "rating", name, query, rater, 0, (m,), verdict))
            measured = {
                "chars": length,
                "ttr": 900 / length,
                "mattr_100": 0.5 + 0.1 * value + float(rng.normal(0, 0.1)),
            }
            scores += [Score(m, query, k, v, "scored") for k, v in measured.items()]
    write_records(folder / "b.jsonl", ballots, Ballot)
    write_records(folder / "s.jsonl", scores, Score)
    return ["--scores", str(folder / "s.jsonl"), "--ballots", str(folder / "b.jsonl")]


def run(command: str, *arguments: str) -> None:
    command_line.run(GROUP, [command, *arguments])


def test_only_what_predicts_preference_at_equal_length_gets_an_arrow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given, file = write(tmp_path, own_rater=False), tmp_path / "validation.json"
    run("validate", *given, "--out", str(file))
    printed = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert printed["mattr_100"].endswith("higher is better")
    assert printed["ttr"].endswith("describes, does not rate")
    assert printed["chars"].endswith("describes, does not rate")
    assert "No rater rated" not in "".join(printed.values())
    assert validate.arrows(validate.read(file)) == {("zh", "mattr_100"): "higher"}
    run("report", *given, "--out", str(tmp_path / "bare"))
    run("report", *given, "--validation", str(file), "--out", str(tmp_path / "told"))
    bare, told = (
        (tmp_path / name / "report.html").read_text(encoding="utf-8") for name in ("bare", "told")
    )
    assert "↑" not in bare
    assert "describe and do not rate" in bare
    assert re.search(r"MATTR \(100\)</span> <span title=\"higher is better", told)
    assert told.count("↑") == 1
    assert CAVEAT not in told
    assert "--validation validation.json" in told


def test_one_rating_in_common_validates_nothing_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each model has a rater of its own; one of them rated one answer of another model: one comparison."""
    given, file = write(tmp_path, own_rater=True), tmp_path / "v.json"
    with (tmp_path / "b.jsonl").open("a", encoding="utf-8") as ballots:
        first = json.loads((tmp_path / "b.jsonl").read_text(encoding="utf-8").splitlines()[0])
        other = {"overall_preference": 3 - json.loads(first["verdict"])["overall_preference"]}
        ballots.write(
            json.dumps(first | {"id": "z", "rater": "of-m2", "verdict": json.dumps(other)}) + "\n"
        )
    run("validate", *given, "--out", str(file))
    assert "on 1 prompt, 2 models" in (told := capsys.readouterr().out)
    assert "Too few prompts" in told
    assert validate.arrows(validate.read(file)) == {}


def test_raters_of_their_own_are_named_as_a_limit_where_the_arrow_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given, file = write(tmp_path, own_rater=True), tmp_path / "v.json"
    run("validate", *given, "--out", str(file))
    assert "cannot be told apart here" in capsys.readouterr().out
    run("report", *given, "--validation", str(file), "--out", str(tmp_path / "told"))
    told = (tmp_path / "told" / "report.html").read_text(encoding="utf-8")
    assert told.count("↑") == 1
    assert told.count(CAVEAT) == 1  # beside the one table that has an arrow


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "missing file"),
        ("{", "not JSON"),
        ("[]", 'it has no list "tables"'),
        ('{"tables": 3}', 'it has no list "tables"'),
        ('{"tables": [1]}', 'it has no list "tables"'),
        ('{"tables": [{}]}', "missing"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, content: str | None, says: str) -> None:
    file = tmp_path / "v.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(KitError, match=says):
        validate.read(file)


def test_without_ballots_there_is_nothing_to_validate(tmp_path: Path) -> None:
    write(tmp_path, own_rater=False)
    with pytest.raises(KitError, match="no scored answer has a ballot"):
        run("validate", "--scores", str(tmp_path / "s.jsonl"), "--out", str(tmp_path / "v.json"))


@pytest.mark.slow
def test_on_1212_real_answers_length_explains_what_the_metrics_say(
    shared: Path, tmp_path: Path
) -> None:
    """The audit's figures: TTR 43.5 %, MATTR about 47, characters about 58; given length all about 0."""
    preference_bench.convert(shared / "data" / "writing_preference_bench_zh.jsonl.gz", tmp_path)
    files = [[tmp_path / f"{name}.parquet"] for name in ("scores", "ballots")]
    found = validate.table(runs.read([], *files), "zh")
    assert found is not None
    assert (found.models, found.prompts, found.confounded) == (12, 101, True)
    told = {row.metric: row for row in found.metrics}
    concordance = {name: round(100 * row.concordance.estimate, 1) for name, row in told.items()}
    assert concordance == {"ttr": 43.5, "mattr_100": 47.7, "chars": 58.2, "tokens": 58.7}
    for name in ("ttr", "mattr_100"):
        held = told[name].given_length
        assert held is not None
        assert held.low < 0 < held.high
    assert all(row.better is None for row in found.metrics)
