from __future__ import annotations

import dataclasses
import json
import shutil

import pytest
import torch

from coig_writer import benchmark
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import read_records, write_records
from coig_writer.generating import answers, local
from coig_writer.generating.local import LocalModel
from coig_writer.generation import DECODING, Generation, Sampling

SAMPLING = dataclasses.replace(DECODING, max_new_tokens=12)
GREEDY = dataclasses.replace(SAMPLING, temperature=0.0, max_new_tokens=8)


def texts(path):
    return {g.query_id: g.text for g in read_records(path, Generation)}


def generate(smoke, queries, out, sampling=SAMPLING, seed=1, batch_size=4):
    writer = LocalModel("base", str(smoke), batch_size=batch_size)
    return answers.generate(writer, queries, sampling, seed=seed, out=out)


def test_the_answers_do_not_depend_on_batch_size_or_interruption(smoke, tmp_path):
    queries = benchmark.one_per_genre("zh", 3) + benchmark.one_per_genre("en", 2)
    whole = texts(generate(smoke, queries, tmp_path / "a"))
    assert texts(generate(smoke, queries, tmp_path / "b", batch_size=1)) == whole
    generate(smoke, queries[:2], tmp_path / "c")
    assert texts(generate(smoke, queries, tmp_path / "c", batch_size=2)) == whole
    assert len(set(whole.values())) > 1


def test_a_killed_run_goes_on_behind_its_torn_last_line(smoke, tmp_path):
    queries = benchmark.one_per_genre("zh", 3)
    whole = generate(smoke, queries, tmp_path / "a")
    partial = tmp_path / "b" / ".base.partial.jsonl"
    write_records(partial, read_records(whole, Generation)[:2], Generation)
    partial.write_bytes(partial.read_bytes()[:-9])
    resumed = generate(smoke, queries, tmp_path / "b")
    assert read_records(resumed, Generation) == read_records(whole, Generation)
    assert [f.name for f in (tmp_path / "b").iterdir()] == ["base.parquet"]


def test_answers_to_other_queries_stay(smoke, tmp_path):
    zh, en = benchmark.one_per_genre("zh", 2), benchmark.one_per_genre("en", 2)
    first = read_records(generate(smoke, zh, tmp_path), Generation)
    both = read_records(generate(smoke, en, tmp_path), Generation)
    assert both[:2] == first
    assert [a.query_id for a in both] == [q.id for q in (*zh, *en)]


def test_answers_made_in_another_way_are_set_aside_and_never_deleted(smoke, tmp_path, caplog):
    queries = benchmark.one_per_genre("zh", 2)
    older = [
        dataclasses.replace(a, sampling=Sampling(0.7, 0.9, 12))  # before top_k was recorded
        for a in read_records(generate(smoke, queries, tmp_path), Generation)
    ]
    write_records(tmp_path / "base.parquet", older, Generation)
    ways = [(SAMPLING, 1), (SAMPLING, 2), (GREEDY, 2)]
    made = [
        read_records(generate(smoke, queries, tmp_path, how, seed), Generation)
        for how, seed in ways
    ]
    assert read_records(tmp_path, Generation) == made[-1]
    aside = [read_records(f, Generation) for f in tmp_path.glob(".base.*.parquet")]
    assert sorted(aside, key=str) == sorted([older, *made[:-1]], key=str)
    assert caplog.text.count("2 answers were made in another way") == 3


def test_further_samples_are_added_and_the_first_stays(smoke, tmp_path):
    queries, writer = benchmark.one_per_genre("zh", 2), LocalModel("base", str(smoke), batch_size=2)
    first = read_records(generate(smoke, queries, tmp_path), Generation)
    path = answers.generate(writer, queries, SAMPLING, seed=1, out=tmp_path, samples=3)
    found = read_records(path, Generation)
    assert found[:2] == first
    assert [a.sample for a in found] == [0, 0, 1, 1, 2, 2]
    assert len({a.text for a in found}) > 2
    assert len({a.seed for a in found}) == 6
    again = answers.generate(writer, queries, SAMPLING, seed=1, out=tmp_path, samples=2)
    assert read_records(again, Generation) == found


def test_records_carry_how_they_were_made(smoke, tmp_path):
    (answer,) = read_records(
        generate(smoke, benchmark.one_per_genre("en", 1), tmp_path), Generation
    )
    assert answer.sampling == SAMPLING
    assert answer.seed == answers.row_seed(1, answer.query_id)
    assert answer.model == "model"
    assert str(tmp_path) not in str(answer)
    assert answer.finish_reason in ("stop", "length")
    assert answer.reasoning_state in ("absent", "unterminated", "closed")


def test_the_checkpoints_own_settings_have_no_say(smoke, tmp_path):
    """Qwen ships repetition_penalty 1.05 and top_k 20; here they are far off, so that a leak would show."""
    queries = benchmark.one_per_genre("zh", 2)
    own = tmp_path / "own"
    shutil.copytree(smoke, own)
    leaky = {"repetition_penalty": 9.0, "top_k": 1, "no_repeat_ngram_size": 1, "min_new_tokens": 3}
    (own / "generation_config.json").write_text(json.dumps(leaky | {"do_sample": True}))
    plain = texts(generate(smoke, queries, tmp_path / "a"))
    assert texts(generate(own, queries, tmp_path / "b")) == plain
    model, tokenizer = local.load(LocalModel("base", str(own)))
    local.complete(model, tokenizer, queries, GREEDY, 1)
    assert model.generation_config.repetition_penalty == 9.0  # and it is left as it was


def test_a_penalty_that_is_asked_for_applies(smoke, tmp_path):
    queries = benchmark.one_per_genre("zh", 2)
    plain = texts(generate(smoke, queries, tmp_path / "a", GREEDY))
    harsh = dataclasses.replace(GREEDY, repetition_penalty=5.0)
    assert texts(generate(smoke, queries, tmp_path / "b", harsh)) != plain


@pytest.mark.parametrize(
    "change", [{"temperature": 0.0}, {"top_k": 1}, {"top_p": 1e-6}], ids=lambda c: next(iter(c))
)
def test_greedy_is_greedy_whatever_the_seed(smoke, tmp_path, change):
    queries = benchmark.one_per_genre("en", 2)
    how = dataclasses.replace(SAMPLING, **change)
    likeliest = texts(
        generate(smoke, queries, tmp_path / "g", dataclasses.replace(how, temperature=0.0))
    )
    for seed in (1, 2):
        assert texts(generate(smoke, queries, tmp_path / str(seed), how, seed)) == likeliest


LOGITS = torch.tensor([[0.0, 1.0, 2.0]])  # softmax: 0.0900, 0.2447, 0.6652


def drawn(sampling, count=400):
    """Shares of the three tokens among draws of one stream."""
    query = benchmark.one_per_genre("zh", 1)
    processors = local._processors(query, sampling, 3)
    found = []
    for _ in range(count):
        scores = LOGITS.clone()
        for process in processors:
            scores = process(None, scores)
        found.append(int(scores.argmax()))
    return torch.bincount(torch.tensor(found), minlength=3) / count


def test_gumbel_noise_samples_the_distribution():
    shares = drawn(Sampling(1.0, 1.0, 1, 0, 1.0), 4000)
    assert torch.allclose(shares, LOGITS.softmax(-1)[0], atol=0.03)


@pytest.mark.parametrize(
    ("top_p", "top_k", "kept"),
    [
        (0.665, 0, [2]),  # the first token alone holds 0.6652
        (0.666, 0, [1, 2]),
        (0.909, 0, [1, 2]),  # two hold 0.9100
        (0.911, 0, [0, 1, 2]),
        (1.0, 1, [2]),
        (1.0, 2, [1, 2]),
        (1.0, 3, [0, 1, 2]),
        (1.0, 0, [0, 1, 2]),
    ],
)
def test_the_edges_of_the_nucleus_and_of_top_k(top_p, top_k, kept):
    assert drawn(Sampling(1.0, top_p, 1, top_k, 1.0)).nonzero().flatten().tolist() == kept


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"temperature": -0.01}, "temperature -0.01 is not 0 or above"),
        ({"temperature": float("nan")}, "temperature nan"),
        ({"top_p": 0.0}, "top_p 0.0 is not above 0"),
        ({"top_p": 1.01}, "top_p 1.01 is not above 0 and at most 1"),
        ({"top_k": -1}, "top_k -1 is not 0 or more"),
        ({"repetition_penalty": 0.0}, "repetition_penalty 0.0 is not above 0"),
        ({"max_new_tokens": 0}, "max_new_tokens 0 is not 1 or more"),
        ({"stop": ("",)}, "stop names an empty token"),
    ],
)
def test_values_out_of_range_are_refused(change, said):
    with pytest.raises(InputError, match=said):
        dataclasses.replace(SAMPLING, **change)


def test_the_least_and_greatest_values_are_taken():
    assert Sampling(0.0, 1.0, 1, 0, 0.1, ()).top_p == 1.0


def test_an_answer_ends_at_the_first_stop_token_and_at_no_other(smoke):
    _, tokenizer = local.load(LocalModel("base", str(smoke)))
    end, other = local.stop_ids(tokenizer, SAMPLING)
    assert [end, other] == tokenizer.convert_tokens_to_ids(["<|im_end|>", "<|endoftext|>"])
    row = [*tokenizer("雨").input_ids, other, 5, end]
    assert local._finished(tokenizer, row, [end, other]).text == "雨"
    assert local._finished(tokenizer, row, [end]).n_tokens == len(row) - 1
    assert local._finished(tokenizer, row[:-1], [end]).finish_reason == "length"
    with pytest.raises(InputError, match="stop: '</s>' is not a token of this model"):
        local.stop_ids(tokenizer, dataclasses.replace(SAMPLING, stop=("</s>",)))


def test_a_missing_model_is_named_and_leaves_nothing(tmp_path):
    with pytest.raises(MissingInputError, match="no model here"):
        generate(tmp_path / "gone", benchmark.one_per_genre("zh", 1), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("adapter", [False, True])
def test_a_reward_model_is_not_asked_to_write(smoke, tmp_path, adapter):
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    reward = AutoModelForSequenceClassification.from_pretrained(smoke, num_labels=1)
    if adapter:
        reward = get_peft_model(reward, LoraConfig(task_type="SEQ_CLS", target_modules=["q_proj"]))
    reward.save_pretrained(tmp_path / "reward")
    AutoTokenizer.from_pretrained(smoke).save_pretrained(tmp_path / "reward")
    with pytest.raises(InputError, match="is a reward model and writes no text"):
        local.load(LocalModel("reward", str(tmp_path / "reward")))
