"""The kit's benchmark as Inspect AI tasks: a model's answers, or saved ones, with the same metrics.

A model:      inspect eval eval_tasks/inspect_task.py --model openai-api/local/MODEL
Saved text:   inspect eval eval_tasks/inspect_task.py@coig_writer_zh --model none
                  -T generations=build/generations/cw.parquet -T variant=cw

Metrics of one answer are values of a sample: NaN where one is missing, with the reason in the score's
metadata. Those that need a model's other answers are values of the task. Several answers to a prompt
are epochs.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.dataset import Sample
from inspect_ai.model import ContentReasoning, GenerateConfig, ModelOutput, ModelUsage
from inspect_ai.scorer import (
    Metric,
    SampleScore,
    Score,
    Scorer,
    Target,
    mean,
    metric,
    scorer,
    stderr,
)
from inspect_ai.solver import Generate, Solver, TaskState, generate, solver

from coig_writer import benchmark, taxonomy
from coig_writer.errors import InputError, KitError, MissingInputError
from coig_writer.generation import DECODING, Generation
from coig_writer.metrics.answer import Answer, answer
from coig_writer.metrics.catalogue import (
    TOGETHER,
    WITHIN,
    measure,
    measure_together,
    measure_within,
)
from coig_writer.metrics.definition import Missing, Value
from coig_writer.scoring.generations import of_variant, read, variants
from coig_writer.triplet import Language, assistant_turn


@task
def coig_writer_zh(
    genre: str | None = None, generations: str | None = None, variant: str | None = None
) -> Task:
    """The Chinese queries.

    Args:
        genre: Only those of this genre or category.
        generations: Score the answers in this file or folder; no model is asked.
        variant: Whose, where several have answers there.
    """
    return _task("zh", genre, generations, variant)


@task
def coig_writer_en(
    genre: str | None = None, generations: str | None = None, variant: str | None = None
) -> Task:
    """The English queries; arguments as for the Chinese ones."""
    return _task("en", genre, generations, variant)


def _task(
    language: Language, genre: str | None, generations: str | None, variant: str | None
) -> Task:
    try:
        samples, epochs = _samples(language, genre, generations, variant)
    except KitError as error:  # Inspect prints this kind without a traceback
        raise PrerequisiteError(str(error)) from error
    return Task(
        dataset=samples,
        solver=generate() if generations is None else saved(generations, variant),
        scorer=coig_writer_metrics(language),
        epochs=epochs,
        config=GenerateConfig(
            temperature=DECODING.temperature,
            top_p=DECODING.top_p,
            max_tokens=DECODING.max_new_tokens,
        ),
        version=benchmark.VERSION,
    )


def _samples(
    language: Language, genre: str | None, generations: str | None, variant: str | None
) -> tuple[list[Sample], int]:
    """Returns the prompts, and how many answers each has at most."""
    genres = None if genre is None else _genres(genre)
    epochs = 1
    if generations is None:
        samples = {q.id: _sample(q.id, q.query, q.genre) for q in benchmark.queries(language)}
    else:
        answers = [g for g in _saved(generations, variant) if g.language == language]
        samples = {g.query_id: _sample(g.query_id, g.prompt, g.genre) for g in answers}
        epochs += max((g.sample for g in answers), default=0)
    chosen = [
        s for s in samples.values() if genres is None or (s.metadata or {})["genre"] in genres
    ]
    if not chosen:
        raise MissingInputError(
            f"{generations or 'the benchmark'} holds no {language} prompt of genre {genre or 'any'}",
            f"name the task of the other language, as inspect_task.py@coig_writer_{'en' if language == 'zh' else 'zh'}",
        )
    return chosen, epochs


def _sample(query_id: str, prompt: str, genre: str | None) -> Sample:
    return Sample(input=prompt, id=query_id, metadata={"genre": genre or ""})


def _genres(name: str) -> tuple[str, ...]:
    known = taxonomy.published().configs()
    if name not in known:
        raise InputError(f"{name!r} is not a genre or category", f"there are {', '.join(known)}")
    return known[name]


@functools.cache
def _saved(generations: str, variant: str | None) -> list[Generation]:
    """Returns the answers of one variant in a file or folder."""
    records = read([Path(generations)])
    named = list(variants(records))
    if variant is None and len(named) != 1:
        raise InputError(
            f"{generations} holds answers of {', '.join(named) or 'nobody'}", "add -T variant=NAME"
        )
    return of_variant(records, variant or named[0])


@solver
def saved(generations: str, variant: str | None = None) -> Solver:
    """Gives each query its saved answer, an epoch for each of several; none where none is saved."""
    answers = {(g.query_id, g.sample): g for g in _saved(generations, variant)}

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        record = answers.get((str(state.sample_id), state.epoch - 1))
        if record is not None:
            state.output = ModelOutput.from_content(record.model, record.turn)
            count = record.n_tokens
            state.output.usage = None if count is None else ModelUsage(output_tokens=count)
        state.completed = True
        return state

    return solve


@metric(scores="unreduced")
def together() -> Metric:
    """What a model's answers have together: those of each epoch, and those of each prompt."""

    def compute(scores: list[SampleScore]) -> Mapping[str, float]:
        answers = [_answer(s.score) for s in scores]
        by_epoch, by_prompt = defaultdict(list), defaultdict(list)
        for scored, given in zip(scores, answers, strict=True):
            by_epoch[(scored.score.metadata or {})["epoch"]].append(given)
            by_prompt[scored.sample_id].append(given)
        groups = [measure_together(group) for group in by_epoch.values()]
        means = {name: _mean(v for values in groups for v in values[name]) for name in TOGETHER}
        if len(by_epoch) > 1:
            within = [measure_within(group) for group in by_prompt.values()]
            means |= {name: _mean(values[name] for values in within) for name in WITHIN}
        return means

    return compute


@scorer(metrics=[{"*": [mean(), stderr()]}, together()])
def coig_writer_metrics(language: Language) -> Scorer:
    """Every metric of one answer; an answer that was not given has no score."""

    async def score(state: TaskState, target: Target) -> Score:
        output = state.output
        if not output.choices:
            return Score.unscored(reason="no_response", explanation="no answer is saved")
        content = output.message.content
        parts = [] if isinstance(content, str) else content
        thought = "".join(part.reasoning for part in parts if isinstance(part, ContentReasoning))
        text = assistant_turn(thought, output.completion) if thought else output.completion
        measured = Score(
            value=0,
            answer=text,
            metadata={
                "epoch": state.epoch,
                "language": language,
                "query_id": str(state.sample_id),
                "prompt": state.input_text,
                "genre": state.metadata.get("genre") or None,
                "n_tokens": output.usage.output_tokens if output.usage else None,
            },
        )
        values = measure(_answer(measured))
        measured.value = {name: _number(value) for name, value in values.items()}
        missing = {name: v.reason for name, v in values.items() if isinstance(v, Missing)}
        measured.metadata = {**(measured.metadata or {}), "missing": missing}
        return measured

    return score


def _answer(score: Score) -> Answer:
    """Takes apart the text that a score is of."""
    known = score.metadata or {}
    columns = ("language", "query_id", "prompt", "n_tokens", "genre")
    return answer(score.answer or "", **{name: known[name] for name in columns})


def _number(value: Value) -> float:
    return math.nan if isinstance(value, Missing) else value


def _mean(values: Iterable[Value]) -> float:
    """Returns the mean of the values that are not missing; NaN if all are."""
    scored = [value for value in values if not isinstance(value, Missing)]
    return statistics.fmean(scored) if scored else math.nan
