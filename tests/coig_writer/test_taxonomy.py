from __future__ import annotations

import json

import pytest

from coig_writer import paper, taxonomy
from coig_writer.errors import InputError


def test_the_published_taxonomy_has_eight_categories_and_51_genres():
    names = taxonomy.published()
    assert len(names.categories) == 8
    assert len(names.genres) == 51
    assert len({g.zh for g in names.genres}) == 51


def test_56_configs_of_which_51_have_published_rows():
    names = taxonomy.published()
    with_rows = {slug for slug, lengths in paper.genres().items() if lengths}
    assert len(names.configs()) == 56
    assert len(with_rows) == 46
    assert sum(any(g in with_rows for g in genres) for genres in names.configs().values()) == 51


def test_genres_are_found_by_slug_and_chinese_name():
    names = taxonomy.published()
    assert names.genre("武侠小说") is names.genre("wuxia")
    with pytest.raises(InputError, match="unknown genre 'kung-fu'"):
        names.genre("kung-fu")


@pytest.mark.parametrize(
    "word",
    [
        "test",
        "testing",
        "eval",
        "evaluation",
        "dev",
        "validation",
        "valid",
        "val",
        "train",
        "training",
    ],
)
def test_no_slug_is_taken_for_a_split(word):
    for name in taxonomy.published().configs():
        assert word not in name.split("-")


@pytest.mark.parametrize(
    ("genres", "message"),
    [
        ([{"slug": "a", "category": "x", "zh": "甲", "en": "A"}], "unknown category 'x'"),
        ([{"slug": "A b", "category": "c", "zh": "甲", "en": "A"}], "is not a slug"),
        ([{"slug": "a", "category": "c", "zh": "甲", "en": "A"}] * 2, "duplicate genre"),
        ([{"slug": "a", "category": "c", "zh": "甲"}], "not a taxonomy"),
    ],
)
def test_a_curators_own_taxonomy_is_checked(genres, message):
    text = json.dumps({"categories": [{"slug": "c", "zh": "类", "en": "C"}], "genres": genres})
    with pytest.raises(InputError, match=message):
        taxonomy.parse(text, "mine.json")


def test_an_unknown_genre_is_told_with_the_nearest_in_chinese():
    names = taxonomy.published()
    assert names.nearest("武侠").startswith("武侠小说 (wuxia)")
    assert names.nearest("poem").startswith("诗歌 (poetry)")
    with pytest.raises(InputError) as error:
        names.genre("武侠")
    assert error.value.remedy.startswith("nearest: 武侠小说 (wuxia)、")
