from __future__ import annotations

import pytest

from coig_writer import benchmark
from coig_writer.errors import MissingInputError
from coig_writer.files import read_records
from coig_writer.generating import local
from coig_writer.generating.local import Writer
from coig_writer.generation import Generation, Sampling

SAMPLING = Sampling(0.7, 0.9, 12)


def texts(path):
    return {g.query_id: g.text for g in read_records(path, Generation)}


def generate(writer, queries, out, batch_size=4, sampling=SAMPLING):
    return local.generate(writer, queries, sampling, seed=1, batch_size=batch_size, out=out)


def test_the_answers_do_not_depend_on_batch_size_or_interruption(smoke, tmp_path):
    queries = benchmark.one_per_genre("zh", 3) + benchmark.one_per_genre("en", 2)
    writer = Writer("base", str(smoke))
    whole = texts(generate(writer, queries, tmp_path / "a"))
    assert texts(generate(writer, queries, tmp_path / "b", batch_size=1)) == whole
    generate(writer, queries[:2], tmp_path / "c")
    assert texts(generate(writer, queries, tmp_path / "c", batch_size=2)) == whole
    assert len(set(whole.values())) > 1


def test_records_carry_how_they_were_made(smoke, tmp_path):
    (answer,) = read_records(
        generate(Writer("base", str(smoke)), benchmark.one_per_genre("en", 1), tmp_path), Generation
    )
    assert answer.sampling == SAMPLING
    assert answer.seed == local.row_seed(1, answer.query_id)
    assert answer.model == "model"
    assert str(tmp_path) not in str(answer)
    assert answer.finish_reason in ("stop", "length")
    assert answer.reasoning_state in ("absent", "unterminated", "closed")


def test_greedy_is_greedy(smoke, tmp_path):
    queries = benchmark.one_per_genre("en", 1)
    greedy = Sampling(0.0, 1.0, 8)
    a = texts(
        local.generate(
            Writer("base", str(smoke)), queries, greedy, seed=1, batch_size=1, out=tmp_path / "a"
        )
    )
    b = texts(
        local.generate(
            Writer("base", str(smoke)), queries, greedy, seed=2, batch_size=1, out=tmp_path / "b"
        )
    )
    assert a == b


def test_gumbel_noise_samples_the_distribution():
    import torch

    logits = torch.tensor([[0.0, 1.0, 2.0]])
    sampler = local.gumbel([3])
    drawn = torch.stack([sampler(None, logits).argmax(-1)[0] for _ in range(4000)])
    shares = torch.bincount(drawn, minlength=3) / 4000
    assert torch.allclose(shares, logits.softmax(-1)[0], atol=0.03)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(MissingInputError, match="no model here"):
        local.load(Writer("cw", str(tmp_path / "gone")))
