"""The embedded benchmark: counts, fields that agree with the text, nothing shared with a sample."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from coig_writer import benchmark, paper, taxonomy
from coig_writer.errors import InputError
from coig_writer.record import from_row
from coig_writer.text.ngrams import GRAM, contained
from coig_writer.verse.form import constrained

NAMES = taxonomy.published()
ALL = [q for language in benchmark.LANGUAGES for q in benchmark.queries(language)]


def test_counts_are_the_papers():
    assert {lang: len(benchmark.queries(lang)) for lang in benchmark.LANGUAGES} == paper.QUERIES
    chinese, english = (Counter(q.genre for q in benchmark.queries(lang)) for lang in ("zh", "en"))
    assert set(chinese) == set(english) == {g.slug for g in NAMES.genres}
    assert set(chinese.values()) == {4}
    assert Counter(english.values()) == {7: 47, 6: 4}


def test_the_subset_of_104_has_two_per_genre_and_two_more():
    subset = [q for q in benchmark.queries("zh") if q.subset_104]
    assert len(subset) == 104
    assert Counter(Counter(q.genre for q in subset).values()) == {2: 49, 3: 2}
    assert not any(q.subset_104 for q in benchmark.queries("en"))


def test_ids_say_language_genre_and_number():
    assert len({q.id for q in ALL}) == len(ALL) == 557
    for q in ALL:
        language, _, rest = q.id.partition("-")
        assert (language, rest.rpartition("-")[0]) == (q.language, q.genre)


def test_no_two_queries_are_alike_and_all_are_called_what_they_are():
    assert len({q.query for q in ALL}) == len(ALL)
    assert {q.validation for q in ALL} == {"not expert-validated"}
    probes = Counter(q.probe for q in ALL if q.probe)
    assert set(probes) == {"retelling_with_critique", "homophonic_wordplay", "crazy_literature"}
    assert min(probes.values()) >= 5


@pytest.mark.parametrize("query", ALL, ids=lambda q: q.id)
def test_the_fields_agree_with_the_text(query):
    for literal in (*query.required, *query.forbidden, *query.bans, *query.sections):
        assert literal in query.query
    assert not set(query.required) & set(query.forbidden)
    if query.form:  # a form that nobody knows is an error
        constrained("正文", query.form, query.forbidden, query.sections)
    if query.length is not None:
        low, high = query.length.min, query.length.max
        assert low is not None or high is not None
        assert low is None or high is None or 0 < low <= high
    assert len(query.query) > 15


def test_a_length_in_two_hundreds_is_from_the_one_to_the_other():
    digits = "一二三四五六七八九"
    spans = {
        q.id: (q.length, tuple(100 * (1 + digits.index(d)) for d in found.groups()))
        for q in benchmark.queries("zh")
        if (found := re.search(rf"([{digits}])([{digits}])百来?字", q.query)) and q.length
    }
    assert len(spans) > 3
    assert {i for i, (length, span) in spans.items() if (length.min, length.max) != span} == set()


def test_a_sentence_that_a_text_must_open_with_is_required():
    opening = re.compile(r"(?:开头就用这句：|\bopens:? )[“\"]([^”\"]+)[”\"]")
    found = {q.id: m[1] for q in ALL if (m := opening.search(q.query))}
    assert {"zh-subcultural-identity-4", "en-science-fiction-7"} <= set(found)
    for query, sentence in found.items():
        assert any(r in sentence for r in benchmark.query(query).required), query


def test_no_sample_triplet_repeats_a_query(root):
    prompts = [
        f.read_text(encoding="utf-8").split("=== reasoning ===")[0]
        for f in (root / "dataset_builder" / "sample" / "triplets").glob("*.txt")
    ]
    whole = "\n".join(prompts)
    shared = {q.id: contained(q.query, whole, "zh") for q in benchmark.queries("zh")}
    assert max(shared.values()) < 0.3, max(shared, key=lambda k: shared[k])
    assert GRAM["zh"] == 13


def test_a_slice_spreads_over_the_categories():
    chosen = benchmark.one_per_genre("zh", 8)
    assert len({NAMES.genre(q.genre).category for q in chosen}) == 8
    assert len(benchmark.one_per_genre("en", 100)) == 51


def test_lookup():
    assert benchmark.query("en-poetry-1").language == "en"
    with pytest.raises(InputError, match="unknown benchmark query"):
        benchmark.query("zh-opera-1")


def test_a_wrong_field_is_named():
    row = json.loads('{"id": "zh-x-1"}')
    with pytest.raises(InputError, match="column 'language' of Query is missing"):
        from_row(benchmark.Query, row, "x.jsonl line 1")


def test_the_hub_is_told_a_framework_of_its_list_and_a_task_for_each_language_and_metric():
    content = benchmark.hub_benchmark(("zh", "en"))
    assert content["evaluation_framework"] == "inspect-ai"
    assert content["tasks"] == [
        {"id": f"{language}_{metric}", "config": "benchmark", "split": language}
        for language in ("zh", "en")
        for metric in benchmark.LEADERBOARD
    ]
