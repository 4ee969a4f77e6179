"""The decoding settings: read by type and range, equal to the decision, and nothing of them is guessed."""

from __future__ import annotations

import pytest
import yaml

from coig_writer.errors import ConfigError, InputError
from coig_writer.files import read_records, read_settings, write_records
from coig_writer.generating.answers import Completion
from coig_writer.generation import DECODING, Generation
from recipes import generate
from recipes.generate import Decoding
from tests.generations import generation

CONFIGS = ("generate", "generate_demo", "generate_smollm2")


@pytest.mark.parametrize("name", CONFIGS)
def test_the_settings_are_those_of_the_decision(root, name):
    found = read_settings(root / "recipes" / "configs" / f"{name}.yaml", Decoding)
    own = DECODING.max_new_tokens if name == "generate" else found.max_new_tokens
    assert vars_of(found.sampling) == vars_of(DECODING) | {"max_new_tokens": own}
    assert found.seed == 42


def vars_of(sampling):
    return {name: getattr(sampling, name) for name in sampling.__slots__}


def test_the_whole_benchmark_or_a_slice_of_it(root):
    found = read_settings(root / "recipes" / "configs" / "generate_demo.yaml", Decoding)
    assert len(found.queries) == 16
    assert len({(q.language, q.genre) for q in found.queries}) == 16


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"temperature": "hot"}, "key 'temperature' is str 'hot', not float"),
        ({"temperature": -1}, "temperature -1.0 is not 0 or above"),
        ({"batch_size": 0}, "batch_size is 0 and must be at least 1"),
        ({"batch_size": True}, "key 'batch_size' is bool"),
        ({"batch_size": 8.0}, "key 'batch_size' is float '8.0', not int"),
        ({"slice": 0}, "slice is 0 and must be at least 1"),
        ({"languages": "zh"}, "key 'languages' is str 'zh', not list"),
        ({"languages": []}, "languages is empty"),
        ({"languages": ["zh", "fr"]}, r"key 'languages'\[1\] is 'fr'"),
        ({"top_k": None}, "key 'top_k' is null"),
        ({"seed": "x"}, "key 'seed' is str"),
        ({"topp": 1}, "unknown key 'topp'"),
        ({"top_k": ...}, "key 'top_k' of Decoding is missing"),
    ],
)
def test_a_wrong_setting_is_one_clear_sentence(root, tmp_path, change, said):
    settings = yaml.safe_load((root / "recipes" / "configs" / "generate.yaml").read_text())
    settings = {k: v for k, v in (settings | change).items() if v is not ...}
    (tmp_path / "g.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(ConfigError, match=said) as caught:
        read_settings(tmp_path / "g.yaml", Decoding)
    assert str(tmp_path / "g.yaml") in caught.value.message
    assert len(caught.value.message.splitlines()) == 1


class Echo:
    """A model that answers with the prompt."""

    variant, path, revision = "g", "echo", None

    def complete(self, queries, sampling, seed):
        for query in queries:
            yield Completion(query.query, "stop", 1)


def test_prompts_from_elsewhere_are_answered_beside_the_benchmark(tmp_path, monkeypatch):
    """Each prompt once, whatever samples its file holds, with its language and genre; earlier answers stay."""
    people = [
        generation("human", "a", "文", prompt="写一封信", genre="letter"),
        generation("human", "a", "又一篇", prompt="写一封信", genre="letter", sample=1),
        generation("human", "b", "text", "en", prompt="Write."),
    ]
    write_records(tmp_path / "human.parquet", people, Generation)
    monkeypatch.setattr(generate, "models", lambda *_: [Echo()])
    for more in ([], ["--prompts", str(tmp_path / "human.parquet")]):
        monkeypatch.setattr("sys.argv", ["generate.py", "--out", str(tmp_path / "out"), *more])
        generate.main()
    found = {r.query_id: r for r in read_records(tmp_path / "out" / "g.parquet", Generation)}
    added = [found.pop(name) for name in ("a", "b")]
    assert [(r.language, r.genre, r.prompt, r.text) for r in added] == [
        ("zh", "letter", "写一封信", "写一封信"),
        ("en", None, "Write.", "Write."),
    ]
    settings = read_settings(generate.parser().get_default("config"), Decoding)
    assert list(found) == [query.id for query in settings.queries]


@pytest.mark.parametrize("samples", ["0", "-1"])
def test_no_samples_at_all_is_refused_on_the_command_line_too(tmp_path, monkeypatch, samples):
    monkeypatch.setattr("sys.argv", ["generate.py", "--out", str(tmp_path), "--samples", samples])
    with pytest.raises(InputError, match=f"samples is {samples} and must be at least 1"):
        generate.main()
    assert not list(tmp_path.iterdir())
