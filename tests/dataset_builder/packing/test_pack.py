from __future__ import annotations

import itertools
import json
import subprocess
import sys
from typing import Any

import pytest
import yaml

from coig_writer import facts, paper, taxonomy
from coig_writer.errors import InputError, MissingInputError
from coig_writer.files import write_records
from coig_writer.record import from_row, to_row
from coig_writer.triplet import Triplet
from dataset_builder.packing import describe, layout, pack, samples

NAMES = taxonomy.published()


def test_the_samples_cover_every_genre_twice():
    triplets = samples.read(NAMES)
    counts = {g.slug: sum(t.genre == g.slug for t in triplets) for g in NAMES.genres}
    assert set(counts.values()) == {2}, {g: n for g, n in counts.items() if n != 2}
    assert all(t.provenance == "sample" and t.license == "CC0-1.0" for t in triplets)


def test_load_dataset_as_a_user_types_it(python_above, packed):
    out = python_above(
        "import json\n"
        "from datasets import load_dataset, get_dataset_config_names\n"
        "names = get_dataset_config_names('COIG-Writer')\n"
        "ids = {n: sorted(r['id'] for s in load_dataset('COIG-Writer', n).values() for r in s) for n in names if n != 'default'}\n"
        "ids['default'] = sorted(r['id'] for r in load_dataset('COIG-Writer')['train'])\n"
        "first = next(iter(load_dataset('COIG-Writer', 'wuxia', split='train', streaming=True)))\n"
        "print(json.dumps([names, ids, first]))"
    )
    names, ids, first = json.loads(out.splitlines()[-1])
    triplets = samples.read(NAMES)
    assert names == ["default", *NAMES.configs(), "benchmark"]
    assert ids["default"] == sorted(t.id for t in triplets)
    for name, genres in NAMES.configs().items():
        assert ids[name] == sorted(t.id for t in triplets if t.genre in genres)
    assert first == to_row(next(t for t in triplets if t.genre == "wuxia"))


def test_the_builder_class_gives_the_rows_of_every_config(packed, tmp_path):
    from datasets import load_dataset

    from dataset_builder.packing.builder import CoigWriter

    folder = str(packed / "COIG-Writer")
    assert [c.name for c in CoigWriter.BUILDER_CONFIGS] == [
        "default",
        *NAMES.configs(),
        "benchmark",
    ]
    for name in ("default", "novel", "poetry", "wuxia", "benchmark"):
        builder = CoigWriter(config_name=name, data_dir=folder, cache_dir=str(tmp_path / "builder"))
        builder.download_and_prepare()
        ours: Any = builder.as_dataset()
        theirs: Any = load_dataset(folder, name, cache_dir=str(tmp_path / "yaml"))
        assert set(ours) == set(theirs)
        for split in ours:
            assert list(ours[split]) == list(theirs[split])


def test_yaml_and_builder_come_from_one_table(packed):
    card = (packed / "COIG-Writer" / "README.md").read_text(encoding="utf-8")
    metadata = yaml.safe_load(card.split("---")[1])
    content = metadata["configs"][0]["description"].rpartition(" ")[2]
    assert len(content) == 16
    assert metadata["configs"] == layout.yaml_configs(
        NAMES, {g.slug for g in NAMES.genres}, content
    )
    assert sum(bool(c.get("default")) for c in metadata["configs"]) == 1
    assert metadata["pretty_name"] == "COIG-Writer kit samples"


def test_the_card_shows_one_whole_row_and_what_the_set_is_for(packed):
    card = (packed / "COIG-Writer" / "README.md").read_text(encoding="utf-8")
    row = json.loads(card.split("```json\n")[1].split("\n```")[0])
    (shortest,) = (t for t in samples.read(NAMES) if t.id == row["id"])
    assert (row["query"], row["thought"], row["answer"]) == (
        shortest.prompt,
        shortest.reasoning,
        shortest.article,
    )
    assert "synthetic" in yaml.safe_load(card.split("---")[1])["tags"]
    for heading in ("What it is for", "How it was made", "Who wrote what", "Citation"):
        assert f"\n## {heading}\n" in card
    assert "![](" not in card


def test_the_folder_holds_nothing_that_split_detection_or_scripts_would_misread(packed):
    names = [p.name for p in (packed / "COIG-Writer").rglob("*")]
    names.remove("eval.yaml")  # the Hub's own name for a benchmark; explicit configs guess no split
    assert not any(name.endswith(".py") or name == ".DS_Store" for name in names)
    words = {"test", "testing", "eval", "evaluation", "dev", "validation", "valid", "val"}
    assert not [n for n in names if words & set(n.replace(".", "-").replace("_", "-").split("-"))]


def test_every_number_of_the_card_is_recomputed_by_describe(packed, tmp_path):
    folder = packed / "COIG-Writer"
    found = facts.read(folder / "facts.json")
    again = describe.measure(folder, describe.read_packed(folder))
    assert {f.id: (f.value, f.artefact) for f in again} == {
        key: (f.value, f.artefact) for key, f in found.items()
    }
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert describe.card(folder, describe.read_packed(folder)) == text


def triplet(**changes):
    base = {
        "id": "a",
        "query": "写",
        "thought": "想",
        "answer": "文",
        "category": "novel",
        "genre": "wuxia",
        "genre_zh": "武侠小说",
        "language": "zh",
        "source": "s",
        "license": "l",
        "provenance": "curated",
    }
    return base | changes


def write(folder, *rows):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "triplets.jsonl").write_text(
        "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8"
    )
    return str(folder)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([triplet(), triplet()], "duplicate id 'a'"),
        ([triplet(), triplet(id="b", provenance="published")], "provenance curated and published"),
        ([triplet(answer=" ")], "triplet a: article is empty"),
        ([triplet(genre="poetry")], "does not go with"),
        (
            [{k: v for k, v in triplet().items() if k != "thought"}],
            "column 'thought' of Triplet is missing",
        ),
    ],
)
def test_bad_rows_are_refused_with_their_name(tmp_path, rows, message):
    with pytest.raises(InputError, match=message):
        pack.read_source(write(tmp_path / "in", *rows), NAMES)


def test_a_missing_source_names_the_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingInputError) as caught:
        pack.read_source("import", NAMES)
    assert "python -m dataset_builder import PATH" in str(caught.value)


def test_rows_without_genre_are_in_default_only(tmp_path, python_above):
    rows = [triplet(), triplet(id="b", genre=None, genre_zh=None, category="novel")]
    triplets = pack.read_source(write(tmp_path / "in", *rows), NAMES)
    pack.pack(triplets, NAMES, tmp_path / "Mine")
    out = python_above(
        f"from datasets import load_dataset\nprint(len(load_dataset({str(tmp_path / 'Mine')!r})['train']), len(load_dataset({str(tmp_path / 'Mine')!r}, 'novel')['train']))"
    )
    assert out.split() == ["2", "1"]


def test_a_folder_packed_anew_loads_its_new_rows(tmp_path, python_above):
    folder = tmp_path / "Mine"
    code = f"from datasets import load_dataset\nprint(load_dataset({str(folder)!r}, 'wuxia')['train'][0]['answer'])"
    for answer in ("旧文", "新文"):
        pack.pack(
            pack.read_source(write(tmp_path / "in", triplet(answer=answer)), NAMES), NAMES, folder
        )
        assert python_above(code).strip() == answer


def test_rows_without_any_genre_are_packed_and_described(tmp_path):
    rows = [triplet(id=i, genre=None, genre_zh=None, category=None) for i in "ab"]
    out = tmp_path / "Mine"
    pack.pack(pack.read_source(write(tmp_path / "in", *rows), NAMES), NAMES, out)
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "2 rows have no genre" in card
    assert 'load_dataset("Mine", split="train")' in card
    assert "one genre" not in card
    assert [f.name for f in (out / "figures").iterdir()] == ["figure-3b-lengths.png"]
    assert describe.card(out, describe.read_packed(out)) == card


@pytest.mark.parametrize(
    ("rows", "genres", "provenance", "found"),
    [
        (1665, 46, "published", None),
        (1664, 46, "published", (46, 0, 1665)),
        (1665, 45, "published", (46, 1, 1665)),
        (51, 51, "curated", None),
        (50, 50, "curated", (51, 1, None)),
    ],
)
def test_a_set_is_whole_or_says_what_it_lacks(rows, genres, provenance, found):
    official = [g for g in NAMES.genres if provenance != "published" or paper.genres().get(g.slug)]
    made = [
        from_row(Triplet, triplet(id=str(i), genre=g.slug, genre_zh=g.zh, category=g.category,
                                  provenance=provenance))
        for i, g in zip(range(rows), itertools.cycle(official[:genres]), strict=False)
    ]  # fmt: skip
    lacking = layout.partial(made, NAMES)
    told = lacking and (lacking.genres, len(lacking.empty), lacking.published)
    assert told == found


def test_the_command_says_that_a_set_is_partial(root, tmp_path):
    def packed(name, *rows):
        command = [sys.executable, "-m", "dataset_builder", "pack", "--out", str(tmp_path / name)]
        done = subprocess.run(
            [*command, "--source", write(tmp_path / f"{name}-rows", *rows)],
            cwd=root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    out = packed("One", triplet())
    assert "a partial set: 1 of 51 genres have rows; none of " in out
    assert "and 45 more" in out
    out = packed("None", triplet(genre=None, genre_zh=None, category=None))
    assert "no row has a genre: all are in the config default alone" in out


def test_a_damaged_packed_file_is_named(tmp_path):
    out = tmp_path / "D"
    pack.pack(samples.read(NAMES)[:3], NAMES, out)
    next((out / "data").rglob("*.parquet")).write_bytes(b"PAR1")
    with pytest.raises(InputError, match="not a whole Parquet file"):
        describe.read_packed(out)


def test_commands_end_in_a_sentence(root):
    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "dataset_builder", *arguments],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )

    assert "python -m dataset_builder VERB" in run().stdout
    unknown = run("pakc")
    assert unknown.returncode == 2
    assert "unknown verb 'pakc'" in unknown.stderr
    assert "did you mean pack?" in unknown.stderr
    gone = run("describe", "/nowhere")
    assert gone.returncode == 1
    assert "run: python -m dataset_builder pack" in gone.stderr
    assert "Traceback" not in unknown.stderr + gone.stderr


def test_packing_twice_gives_the_same_rows(tmp_path):
    triplets = samples.read(NAMES)[:4]
    write_records(tmp_path / "a.parquet", triplets, Triplet)
    write_records(tmp_path / "b.parquet", triplets, Triplet)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
