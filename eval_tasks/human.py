"""Models beside people: percentiles among human articles, and people as a model in a study."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from coig_writer.errors import InputError, MissingInputError, StatisticsError
from coig_writer.facts import Fact
from coig_writer.files import read_records, write_records
from coig_writer.folder import atomic_folder
from coig_writer.generation import Generation, check, split
from coig_writer.metrics.reference import COMPARED, ENOUGH, HUMAN, Reference, reference
from coig_writer.mixing.mixing import read_held_out, read_lock
from coig_writer.mixture import MixtureRow
from coig_writer.preference import bootstrap
from coig_writer.record import to_row
from coig_writer.scoring.generations import read
from coig_writer.tables import spreadsheet
from coig_writer.text.language import HAN
from coig_writer.text.normalise import reduced, repaired
from coig_writer.triplet import Language, Triplet
from eval_tasks import runs as inputs
from eval_tasks.runs import LANGUAGES, Runs

OUT = Path("build/human")
KIND = "human baseline"  # what the folder is called in its list of files
SHOWN = ("chars", "mattr_100", "repetition_4", "adjacent_cohesion", "idiom_density", "worn_density")


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A model's mean percentile among people, by prompt; ``outside`` is its share beyond people's middle 90 %.

    ``by_genre`` counts the answers compared within their genre, the others within their language.
    """

    variant: str
    language: Language
    metric: str
    percentile: float
    low: float | None
    high: float | None
    outside: float
    n: int
    by_genre: int


def main(
    rows: Annotated[
        list[Path] | None, typer.Option(metavar="PATH…", help="human articles: rows of a dataset")
    ] = None,
    held_out: Annotated[
        list[Path] | None, typer.Option(metavar="FOLDER…", help="mixtures that hold rows out")
    ] = None,
    mixtures: Annotated[
        Path, typer.Option(metavar="FOLDER", help="where the models' training rows are")
    ] = Path("build/mixtures"),
    generations: inputs.Generations = None,
    scores: inputs.Scores = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where the files go")] = OUT,
) -> None:
    """Prints the percentile of each model's articles among people's, metric by metric.

    Human articles come from --rows (with the dataset's columns) or from --held-out. 50 is as people write. The
    percentile is taken within the genre where there are 20 human texts
    or more, else within the language. A row whose id or article is in a mixture of a compared model is
    refused: the model has seen it. Then: python -m eval_tasks report --human build/human/human.parquet.

    To have people's articles voted on blind, let the models answer their prompts as well
    (python recipes/generate.py --prompts build/human/human.parquet) and name those answers with
    --generations. study.yaml then seats people like a model on the prompts that all answered, and
    the report gives the win rate of each model against people.
    """
    people = check([*_rows(rows or []), *_held_out(held_out or [])])
    if not people:
        raise MissingInputError("no human articles", "give --rows or --held-out")
    generations, scores = generations or [], scores or []
    if not generations and not scores:
        with atomic_folder(out, KIND) as folder:
            write_records(folder / "human.parquet", people, Generation)
        print(
            f"{out}/human.parquet: {len(people)} human articles; no model's answers or scores to compare with"
        )
        print(f"let the models answer their prompts: python recipes/generate.py --prompts {out}/human.parquet")  # fmt: skip
        return
    answers = read(generations) if generations else []
    runs = inputs.read(generations, scores, [])
    print(_checked(people, runs.variants, mixtures))
    percentiles = places(reference(people), runs)
    columns = [field.name for field in dataclasses.fields(Place)]
    study, seated = _seated(out, people, answers, generations)
    with atomic_folder(out, KIND) as folder:
        write_records(folder / "human.parquet", people, Generation)
        spreadsheet.write(folder / "places.csv", columns, map(to_row, percentiles), mark=False)
        if study:
            _write_yaml(folder / "study.yaml", study)
    print(
        table(percentiles, SHOWN)
        if runs.scores
        else "no percentile: no scores were given (--scores)"
    )
    print(
        f"\n{out}/: {len(people)} human articles as human.parquet, {len(percentiles)} places as places.csv"
    )
    print(seated)


def _rows(paths: Sequence[Path]) -> Iterable[Generation]:
    for path in paths:
        for row in read_records(path, Triplet, "python -m dataset_builder pack"):
            yield written(row.id, row.language, row.genre, row.prompt, row.article)


def _held_out(folders: Sequence[Path]) -> Iterable[Generation]:
    for folder in folders:
        rows = read_held_out(folder, read_lock(folder / "mixture.lock.json"))
        if not rows:
            raise MissingInputError(f"{folder} holds no rows out", "build a mixture with `holdout`, or give --rows")  # fmt: skip
        for row in rows:
            article = split(row.messages[-1].content).article
            language: Language = "zh" if HAN.search(article) else "en"
            yield written(row.source_id, language, None, row.messages[0].content, article)


def written(
    query_id: str, language: Language, genre: str | None, prompt: str, article: str
) -> Generation:
    """Returns a human article as an answer of the variant ``human``; its reasoning is left out."""
    query_id, prompt, article = map(repaired, (query_id, prompt, article))
    return Generation(
        variant=HUMAN, query_id=query_id, language=language, genre=genre, prompt=prompt, text=article,
        article=article, finish_reason="stop", n_tokens=None, seed=None, sampling=None, model="people", revision=None,
    )  # fmt: skip


def _checked(people: Sequence[Generation], variants: Iterable[str], mixtures: Path) -> str:
    """Checks people's articles against each model's training rows, and says for which there was nothing to check."""
    models = [variant for variant in variants if variant != HUMAN]
    trained = {variant: mixtures / variant / "train.parquet" for variant in models}
    known = [variant for variant in models if trained[variant].is_file()]
    for variant in known:
        unseen(people, trained[variant])
    unknown = [variant for variant in models if variant not in known]
    done = f"no human article is a training row of {', '.join(known)}" if known else ""
    left = (
        f"NOT CHECKED for {', '.join(unknown)}: no {mixtures}/MODEL/train.parquet; these models may have seen the articles"
        if unknown
        else ""
    )
    return "\n".join(filter(None, (done, left)))


def read_people(path: Path) -> list[Generation]:
    """Reads people's articles as this command writes them.

    Raises:
        InputError: An answer is a model's.
    """
    answers = read([path])
    if models := sorted({answer.variant for answer in answers} - {HUMAN}):
        raise InputError(
            f"{path}: answers of {models[0]}, not of {HUMAN}",
            "give human.parquet as written by python -m eval_tasks human",
        )
    return answers


def unseen(people: Sequence[Generation], mixture: Path) -> None:
    """Checks that no human article is among the rows that a model was trained on.

    Raises:
        InputError: One is, by its id or by its text.
    """
    rows = read_records(mixture, MixtureRow)
    ids = {row.source_id for row in rows}
    texts = {reduced(split(row.messages[-1].content).article) for row in rows}
    seen = [p.query_id for p in people if p.query_id in ids or reduced(p.article) in texts]
    if seen:
        raise InputError(
            f"{len(seen)} human articles are training rows of {mixture.parent.name}, {seen[0]} first ({mixture})",
            "give rows that no compared model was trained on: --held-out FOLDER of a mixture with `holdout`",
        )


def places(people: Reference, runs: Runs) -> list[Place]:
    """Returns the percentiles of each variant's answers among people, by language and metric, without people's own."""
    positions = []
    for metric, language in ((m, x) for x in LANGUAGES for m in COMPARED):
        for variant, values in runs.sampled(metric, language).items():
            percentiles = {
                answer: place
                for answer, value in values.items()
                if (place := people.percentile(metric, language, runs.genres.get(answer[0]), value))
            }
            if percentiles and variant != HUMAN:
                shares = np.array([place.value / 100 for place in percentiles.values()])
                _, prompts = np.unique([query for query, _ in percentiles], return_inverse=True)
                low, high = _interval(shares, prompts)
                outside = float(np.mean((shares < 0.05) | (shares > 0.95)))
                by_genre = sum(place.level == "genre" for place in percentiles.values())
                positions.append(Place(variant, language, metric, 100 * float(shares.mean()), low, high, outside, len(percentiles), by_genre))  # fmt: skip
    return positions


def _interval(
    shares: np.ndarray[tuple[int], np.dtype[np.float64]],
    prompts: np.ndarray[tuple[int], np.dtype[np.intp]],
) -> tuple[float | None, float | None]:
    try:
        interval = bootstrap.mean(shares, prompts, scale=bootstrap.SHARE)
    except StatisticsError:
        return None, None
    return 100 * interval.low, 100 * interval.high


def facts(percentiles: Iterable[Place], command: str, artefact: str) -> Iterator[Fact]:
    """Yields the places as facts."""
    for p in percentiles:
        name = f"percentile/{p.language}/{p.variant}/{p.metric}"
        yield Fact(name, p.percentile, p.n, p.low, p.high, command=command, artefact=artefact)
        outside = 100 * p.outside
        yield Fact(
            f"{name}/outside", outside, p.n, unit="percent", command=command, artefact=artefact
        )


def table(percentiles: Sequence[Place], metrics: Sequence[str]) -> str:
    """Renders the places of some metrics, one line per model and metric."""
    shown = [place for place in percentiles if place.metric in metrics]
    if not shown:
        return f"no percentile: fewer than {ENOUGH} human texts in each language that was scored"
    lines = [
        f"{'model':<14}{'lang':<6}{'metric':<20}{'percentile':<24}{'outside 5-95':<14}n (within genre)"
    ]
    for p in shown:
        span = "" if p.low is None or p.high is None else f" [{p.low:.1f}, {p.high:.1f}]"
        lines.append(f"{p.variant:<14}{p.language:<6}{p.metric:<20}{f'{p.percentile:.1f}{span}':<24}{f'{100 * p.outside:.0f} %':<14}{p.n} ({p.by_genre})")  # fmt: skip
    return "\n".join(lines)


def _seated(out: Path, people: Sequence[Generation], answers: Sequence[Generation], paths: Sequence[Path]) -> tuple[dict[str, object], str]:  # fmt: skip
    """Returns a study that seats people on the prompts that all models answered (empty if none did), and what to say."""
    by_prompt: dict[str, set[str]] = {p.query_id: set() for p in people}
    for answer in check([*people, *(a for a in answers if a.variant != HUMAN)]):
        if answer.query_id in by_prompt and answer.variant != HUMAN:
            by_prompt[answer.query_id].add(answer.variant)
    models = sorted(set().union(*by_prompt.values()))
    shared = sorted(q for q, who in by_prompt.items() if models and who == set(models))
    if not shared:
        return (
            {},
            "no study: no human prompt was answered by the models (recipes/generate.py --prompts)",
        )
    files = [path.resolve().as_posix() for path in (out / "human.parquet", *paths)]
    study: dict[str, object] = {"study": "people-1", "protocols": ["pairwise"], "generations": files,
             "models": [*models, HUMAN], "prompts": shared}  # fmt: skip
    return study, f"{out}/study.yaml seats {', '.join([*models, HUMAN])} on {len(shared)} prompts: python space/app.py plan --study {out}/study.yaml"  # fmt: skip


def _write_yaml(path: Path, content: dict[str, object]) -> None:
    import yaml

    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
