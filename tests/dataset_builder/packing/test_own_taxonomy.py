"""A set with genres of its own keeps them on every road: load, remove, describe, reproduce, check."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from coig_writer import command_line, facts, taxonomy
from coig_writer.errors import InputError
from coig_writer.files import read_records, write_records
from coig_writer.hub import checks
from coig_writer.hub import release as releases
from coig_writer.triplet import Triplet
from dataset_builder.packing import describe, layout, pack, samples
from dataset_builder.packing.builder import CoigWriter
from dataset_builder.packing.remove import remove
from model_cards.__main__ import GROUP

OWN = {
    "categories": [
        {"slug": "verse", "zh": "韵文", "en": "Verse"},
        {"slug": "talk", "zh": "说唱", "en": "Talk"},
    ],
    "genres": [
        {"slug": "five-character", "category": "verse", "zh": "5言绝句", "en": "Quatrain of 5"},
        {"slug": "couplet", "category": "verse", "zh": "对联", "en": "Couplet"},
        {"slug": "talk", "category": "talk", "zh": "说唱", "en": "Talk"},
    ],
}
NAMES = taxonomy.parse(json.dumps(OWN), "own.json")
GENRES = ("five-character", "five-character", "couplet", "talk", "talk")
BY_CONFIG = {
    "default": [0, 1, 2, 3, 4],
    "verse": [0, 1, 2],
    "talk": [3, 4],
    "five-character": [0, 1],
    "couplet": [2],
}


def row(number, slug):
    genre = NAMES.genre(slug)
    return Triplet(
        f"r{number}", f"写第{number}首", "想", f"文{number}", genre.category, slug, genre.zh,
        "zh", "s", "CC0-1.0", "curated",
    )  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The rows as a finished stage leaves them, with their taxonomy beside them."""
    folder = tmp_path_factory.mktemp("source")
    rows = [row(number, slug) for number, slug in enumerate(GENRES)]
    write_records(folder / "triplets.parquet", rows, Triplet)
    (folder / taxonomy.FILE).write_text(json.dumps(OWN), encoding="utf-8")
    return folder


@pytest.fixture
def folder(source, tmp_path):
    rows = pack.read_source(str(source), NAMES)
    pack.pack(rows, NAMES, tmp_path / "Mine")
    return tmp_path / "Mine"


def ids(numbers):
    return [f"r{number}" for number in numbers]


def loaded(folder, names, python_above):
    """Loads each config by the card's YAML in a process of its own."""
    out = python_above(
        "import json\n"
        "from datasets import get_dataset_config_names, load_dataset\n"
        f"folder, names = {str(folder)!r}, {list(names)!r}\n"
        "rows = {n: sorted(load_dataset(folder, n, split='train')['id']) for n in names}\n"
        "print(json.dumps([get_dataset_config_names(folder), rows]))"
    )
    return json.loads(out.splitlines()[-1])


def reproduced(folder, capsys):
    code = command_line.run(GROUP, ["reproduce", str(folder), "--brief"])
    return code, capsys.readouterr().out


def test_every_config_loads_by_card_and_by_class_before_and_after_a_removal(
    folder, tmp_path, python_above, capsys
):
    names, rows = loaded(folder, BY_CONFIG, python_above)
    assert names == ["default", "verse", "talk", "five-character", "couplet"]
    assert rows == {name: ids(numbers) for name, numbers in BY_CONFIG.items()}
    remove(folder, ["r1"], "author")
    remove(folder, ["r2"], "author")
    left = {name: sorted(set(numbers) - {1, 2}) for name, numbers in BY_CONFIG.items()}
    del left["couplet"]
    names, rows = loaded(folder, left, python_above)
    assert names == ["default", "verse", "talk", "five-character"]
    assert rows == {name: ids(numbers) for name, numbers in left.items()}
    for name, numbers in left.items():
        builder = CoigWriter(config_name=name, data_dir=str(folder), cache_dir=str(tmp_path / "c"))
        builder.download_and_prepare()
        assert sorted(builder.as_dataset(split="train")["id"]) == ids(numbers)
    code, out = reproduced(folder, capsys)
    assert (code, " 0 differ" in out) == (0, True), out
    assert checks.problems(releases.read(folder), "org/Mine") == []


def test_the_card_and_its_facts_speak_of_the_set_s_own_genres(folder, tmp_path):
    triplets = describe.read_packed(folder)
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert describe.card(folder, triplets) == card
    assert "| `five-character` | 5言绝句 | Quatrain of 5 | 2 |" in card
    assert 'load_dataset("Mine", "five-character", split="train")' in card
    assert 'load_dataset("Mine", "verse", split="train")' in card
    assert "wuxia" not in card
    # the benchmark asks for the 51 genres, so it does not come along
    assert "enchmark" not in card.replace("repeats a benchmark query", "")
    assert not (folder / "benchmark").exists()
    builder = CoigWriter(str(tmp_path / "c"), config_name="default", data_dir=str(folder))
    assert "benchmark" not in [c.name for c in builder.BUILDER_CONFIGS]
    assert "partial set" not in card
    found = facts.read(folder / "facts.json")
    assert found["category/verse/rows"].value == 3
    assert {f.id: f.value for f in describe.measure(folder, triplets)} == {
        name: fact.value for name, fact in found.items()
    }


def test_an_altered_taxonomy_is_a_card_that_differs(folder, capsys):
    renamed = json.dumps(OWN, ensure_ascii=False).replace("Couplet", "Pair of lines")
    (folder / taxonomy.FILE).write_text(renamed, encoding="utf-8")
    code, out = reproduced(folder, capsys)
    assert code == 1
    assert "+| `couplet` | 对联 | Pair of lines |" in out


def test_the_command_takes_the_taxonomy_from_beside_the_rows(source, tmp_path, root):
    def run(*words):
        command = [sys.executable, "-m", "dataset_builder", *map(str, words)]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    out = tmp_path / "Mine"
    done = run("pack", "--source", source, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "5 rows over 3 genres, 5 configs" in done.stdout
    assert 'load_dataset("Mine", "five-character")' in done.stdout
    assert "partial" not in done.stdout
    assert taxonomy.of(out) == NAMES
    assert run("describe", out).returncode == 0
    done = run("remove", out, "--id", "r2", "--reason", "other")
    assert done.returncode == 0, done.stderr
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "**A partial set.** 2 of 3 genres have rows; none have: `couplet`." in " ".join(
        card.split()
    )
    assert taxonomy.of(out) == NAMES


def test_a_folder_of_before_holds_the_published_genres_or_says_what_is_missing(folder, tmp_path):
    rows = samples.read(taxonomy.published())[:4]
    old = tmp_path / "Old"
    pack.pack(rows, taxonomy.published(), old)
    card = (old / "README.md").read_text(encoding="utf-8")
    (old / taxonomy.FILE).unlink()
    assert describe.card(old, describe.read_packed(old)) == card
    remove(old, [rows[0].id], "author")
    assert len(read_records(old / "data", Triplet)) == 3
    (folder / taxonomy.FILE).unlink()
    with pytest.raises(InputError, match=r"(?s)unknown genre .*Mine/taxonomy\.json: put it there"):
        describe.read_packed(folder)


def test_a_genre_of_its_own_category_alone_has_no_category_to_show():
    assert layout.examples(NAMES, {"talk"}) == (None, None)
    assert layout.examples(NAMES, {"couplet", "talk"}) == ("couplet", None)
    assert layout.examples(NAMES, set(GENRES)) == ("five-character", "verse")
    published = taxonomy.published()
    assert layout.examples(published, {g.slug for g in published.genres}) == ("wuxia", "novel")
