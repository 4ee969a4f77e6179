"""Scores of saved generations, equal to lighteval's: values, missing values, hostile text."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

pytest.importorskip("lighteval", reason="needs the extra `eval`")

from coig_writer import benchmark
from coig_writer.errors import MissingInputError
from coig_writer.generation import Generation
from coig_writer.metrics import catalogue
from coig_writer.metrics.length import characters
from coig_writer.score import Score
from coig_writer.scoring import copying, embedding, run
from tests.coig_writer.scoring import in_lighteval
from tests.generations import generation

PROSE = "雨停了，他推开门，院子里落满了叶子。隔壁的收音机还在响。\n\n他蹲下来，把门口的积水一点一点扫出去。"


def by_query(scores: list[Score]) -> dict[str, dict[str, Score]]:
    result: dict[str, dict[str, Score]] = {}
    for score in scores:
        result.setdefault(score.query_id, {})[score.metric] = score
    return result


def scored(records: list[Generation], folder: Path) -> dict[str, dict[str, Score]]:
    """The kit's scores of one variant's answers, each compared with lighteval's."""
    result = by_query(run.score(records, folder / "no-mixtures"))
    theirs = in_lighteval.details(records, folder / f"lighteval-{len(records)}")
    assert set(theirs) == set(result)
    for query, scores in result.items():
        for name, value in theirs[query].items():
            own = scores[name].value
            assert math.isnan(value) if own is None else value == own, (query, name)
        assert set(scores) == {*theirs[query], *catalogue.AGAINST_TRAINING}
    return result


@pytest.mark.parametrize(
    "repeats", [5_000, pytest.param(125_000, marks=pytest.mark.slow, id="a million characters")]
)
def test_hostile_text_changes_no_other_row(repeats: int, tmp_path: Path) -> None:
    plain = [generation("v", f"q{i}", PROSE + str(i)) for i in range(3)]
    alone = scored(plain, tmp_path)
    hostile = [
        generation("v", "h0", "</think>" * 3),
        generation("v", "h1", "<think>\n没完"),
        generation("v", "h2", "半个 \ud83d 字符" + PROSE),
        generation("v", "h3", ""),
        generation("v", "h4", "春风又绿江南岸。" * repeats),
        generation("v", "h5", "\x00\u202e<script>alert(1)</script>{{7*7}}", genre="no-such-genre"),
        generation("v", "h6", "It rained.", "en", prompt="Write \ud83d."),
        generation("v", "h7", "", n_tokens=0),
        generation(
            "v", "h8", PROSE, reasoning="因为下雨。", article=PROSE, reasoning_state="closed"
        ),
        generation("v", "h9", f"<|begin_of_thought|>想<|end_of_thought|>{PROSE}", n_tokens=90),
    ]
    mixed = plain + hostile
    random.Random(1).shuffle(mixed)
    together = scored(mixed, tmp_path)
    assert list(together) == [record.query_id for record in mixed]
    for query, scores in alone.items():
        for name, score in scores.items():
            if name not in catalogue.TOGETHER:
                assert together[query][name] == score
    assert together["h1"]["reasoning_unterminated"].value == 1
    assert together["h1"]["ttr"].reason == "the reasoning never ends, so there is no article"
    assert together["h2"]["undecodable"].value == 1
    assert together["h3"]["ttr"].reason == "the article is empty"
    assert together["h3"]["ttr"].value is None
    assert together["h4"]["chars"].value == 8 * repeats
    assert [together[f"h{i}"]["model_tokens"].value for i in (3, 7, 9)] == [None, 0, 90]
    assert together["h8"]["reasoning_deep_reasoning"].value == 1
    assert together["h8"]["chars"].value == together["h9"]["chars"].value == characters(PROSE)


def test_reasoning_is_kept_for_reasoning_and_out_of_the_prose(tmp_path: Path) -> None:
    """lighteval strips only closed pairs; a template that opens the tag itself leaves no pair."""
    thought = "因为下雨，所以写屋里。\n\n不对，太顺了，删。"
    records = [
        generation("v", "paired", f"<think>\n{thought}\n</think>\n\n{PROSE}"),
        generation("v", "prefilled", f"{thought}\n</think>\n\n{PROSE}"),
        generation("v", "bare", PROSE),
    ]
    result = scored(records, tmp_path)
    assert {result[q]["chars"].value for q in result} == {result["bare"]["chars"].value}
    for query in ("paired", "prefilled"):
        assert result[query]["reasoning_self_reflection"].value == 0.5
        assert result[query]["reasoning_closed"].value == 1
    assert result["bare"]["reasoning_self_reflection"].state == "missing"


def test_benchmark_queries_are_checked_against_their_fields_and_others_are_not(
    tmp_path: Path,
) -> None:
    query = next(q for q in benchmark.queries("en") if q.length)
    records = [
        generation("v", query.id, "Too short.", "en", prompt=query.query, genre=query.genre),
        generation("v", "own-1", "Too short.", "en", prompt="Write.", genre="wuxia"),
    ]
    result = scored(records, tmp_path)
    assert result[query.id]["length_met"].value == 0
    assert result["own-1"]["length_met"].reason == "the prompt is not in the benchmark"


def test_copies_of_training_rows_are_found(tmp_path: Path) -> None:
    from coig_writer.files import write_records
    from coig_writer.mixture import MixtureRow, Turn

    rows = [MixtureRow((Turn("user", "写"), Turn("assistant", PROSE)), "s", "1", 9)]
    write_records(tmp_path / "v" / "train.parquet", rows, MixtureRow)
    records: list[Generation] = [
        generation("v", "copy", PROSE),
        generation("v", "own", "山那边的人从来不问海有多深，他们只问盐要多少钱一斤。"),
        generation("v", "empty", ""),
    ]
    result = by_query(copying.score(records, tmp_path))
    assert result["copy"]["copied_share"].value == 1
    assert result["own"]["longest_copied"].value == 0
    assert result["empty"]["copied_share"].state == "missing"
    away = copying.score(records, tmp_path / "none")
    assert {s.reason for s in away} == {"no training rows of this variant are here"}


def test_several_answers_are_measured_together_once_per_prompt(tmp_path: Path) -> None:
    records = [
        generation("v", query, text, sample=k)
        for query, texts in {"a": [PROSE, PROSE, PROSE[::-1]], "b": [PROSE, "", ""]}.items()
        for k, text in enumerate(texts)
    ]
    scores = run.score(records, tmp_path)
    assert {s.sample for s in scores if s.metric == "ttr"} == {0, 1, 2}
    (same,) = (s for s in scores if (s.query_id, s.metric) == ("a", "distinct_answers"))
    assert (same.value, same.sample) == (2, 0)
    (lacking,) = (s for s in scores if (s.query_id, s.metric) == ("b", "within_self_bleu"))
    assert lacking.state == "missing"
    across = {s.sample: s.value for s in scores if (s.query_id, s.metric) == ("a", "self_bleu")}
    assert across[0] == pytest.approx(1)  # beside b's first, not beside its own copy
    single = [s for s in run.score(records[:1], tmp_path) if s.metric in catalogue.WITHIN]
    assert not single
    vectors = {PROSE: [1.0, 0.0], PROSE[::-1]: [0.0, 1.0]}
    distance, none = embedding.score(records, lambda text: vectors[text])
    assert distance.value == pytest.approx(2 / 3)
    assert none.state == "missing"


@pytest.mark.parametrize(("probability", "classes"), [(0.101, 2), (0.103, 1)])
def test_answers_are_one_where_noveltybench_would_say_so(
    probability: float, classes: int, tmp_path: Path
) -> None:
    """A classifier that always says the same probability, on either side of NoveltyBench's .102."""
    transformers = pytest.importorskip("transformers", reason="needs the extra `train`")
    import torch

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abc"]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=8, num_hidden_layers=1, num_attention_heads=1,
        intermediate_size=8, max_position_embeddings=512, num_labels=2,
    )  # fmt: skip
    model = transformers.BertForSequenceClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([1 - probability, probability]).log())
    model.save_pretrained(tmp_path)
    records = [generation("v", "q", text, sample=i) for i, text in enumerate(["a b", "c " * 400])]
    (result,) = embedding.score(records, same=embedding.classifier(str(tmp_path)))
    assert (result.metric, result.value) == ("distinct_answers_classified", classes)
    (alone,) = embedding.score(records[:1], same=embedding.classifier(str(tmp_path)))
    assert alone.state == "missing"
    with pytest.raises(MissingInputError, match="no classifier"):
        embedding.classifier(str(tmp_path / "none"))
