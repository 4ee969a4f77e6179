"""Language models as judges, and what their verdicts are worth."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from coig_writer import facts, taxonomy
from coig_writer.command_line import Group, Verb
from coig_writer.endpoint import Endpoint, Price, Structure
from coig_writer.errors import ConfigError, MissingInputError
from coig_writer.facts import Fact
from coig_writer.files import file_sha256, read_records, write_records
from coig_writer.folder import locked
from coig_writer.generation import Generation
from coig_writer.record import to_row
from coig_writer.score import Judgement
from coig_writer.scoring.generations import read
from coig_writer.tables import spreadsheet
from eval_tasks.judge.ask import Question, judge, questions
from eval_tasks.judge.audit import Finding, audit
from eval_tasks.judge.bias import shape
from eval_tasks.judge.people import preferences
from eval_tasks.judge.rubric import Rubric, load, names
from eval_tasks.score import GENERATIONS, Answers

OUT, CACHE = Path("build/judgements"), Path("build/cache/judge")
GROUP = Group(
    "python -m eval_tasks judge",
    "Language models as judges, and what their verdicts are worth.",
    {
        "run": Verb(
            "eval_tasks.judge:run_judge",
            "asks a judge about pairs of answers, or about each answer, by rubrics",
            "--endpoint http://127.0.0.1:8000/v1 --model NAME --rubric pairwise",
        ),
        "audit": Verb(
            "eval_tasks.judge:run_audit",
            "estimates what a judge's verdicts are worth",
            "--ballots build/ballots/ballots.parquet",
        ),
    },
)


def run_judge(  # noqa: PLR0913 - a command line
    *,
    endpoint: Annotated[
        str,
        typer.Option(metavar="URL", help="base address of the judge's server, up to and with /v1"),
    ],
    model: Annotated[str, typer.Option(metavar="NAME", help="the judge's name on that server")],
    generations: Answers = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="where JUDGE.parquet goes")] = OUT,
    rubric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME…", help=f"{', '.join(names())}, or a YAML file (default: pairwise)"
        ),
    ] = None,
    pairs: Annotated[
        list[str] | None, typer.Option(metavar="A:B…", help="variants to compare (default: all)")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="only so many answers to each prompt")
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="strip Markdown from answers first")
    ] = False,
    repeats: Annotated[int, typer.Option(min=1, metavar="N", help="ask everything this often")] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what it takes; call nothing")
    ] = False,
    price: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="IN OUT", help="of a million tokens, to the model and from it"),
    ] = None,
    budget: Annotated[
        float | None, typer.Option(metavar="SUM", help="most that this run may cost; needs --price")
    ] = None,
    concurrency: Annotated[int, typer.Option(metavar="N", help="requests at once")] = 8,
    structure: Annotated[
        Structure, typer.Option(help="how a reply's form is requested")
    ] = "json_schema",
    max_tokens: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="longest reply (default: by rubric, 1,024 and up)"),
    ] = None,
    temperature: Annotated[float, typer.Option(metavar="T", help="of the judge's answers")] = 0.0,
    extra_body: Annotated[
        str,
        typer.Option(
            metavar="JSON",
            help="further keys of a request; null takes one out, as for reasoning models: "
            '{"temperature": null, "top_p": null, "max_tokens": null, "max_completion_tokens": 8000}',
        ),
    ] = "{}",
    key_variable: Annotated[
        str, typer.Option(metavar="NAME", help="environment variable with the server's key")
    ] = "OPENAI_API_KEY",
    cache: Annotated[Path, typer.Option(metavar="FOLDER", help="keeps replies")] = CACHE,
) -> None:
    """Asks any OpenAI-compatible server. Pairs are asked in both orders.

    Answers are kept in the cache: a second run makes no call and writes the same bytes. Start a local
    judge with: vllm serve Qwen/Qwen2.5-72B-Instruct --port 8000 --max-model-len 32768

    Rubric decisions names what a reasoning settles on and says whether the article does it (kept,
    broken, undecidable), each with quotations that the texts must contain.
    """
    if not 0 <= temperature < math.inf:  # nor is NaN
        raise ConfigError(
            f"--temperature is {temperature}, and must be at least 0", "give 0 or more"
        )
    server = Endpoint(
        endpoint,
        model,
        key_variable=key_variable,
        cache=cache,
        concurrency=concurrency,
        price=Price(*price) if price else None,
        budget=budget,
        structure=structure,
    )
    records = [
        r for r in read(generations or [GENERATIONS]) if samples is None or r.sample < samples
    ]
    compared = None if pairs is None else [_pair(p) for p in pairs]
    extra = _object(extra_body) or None
    by_rubric: list[tuple[Rubric, list[Question]]] = []
    for loaded in map(load, rubric or ["pairwise"]):
        made = questions(loaded, records, pairs=compared, plain=plain, repeats=repeats)
        by_rubric.append((loaded, [_adapted(q, max_tokens, temperature, extra) for q in made]))
    everything = [q.request for _, made in by_rubric for q in made if q.request is not None]
    print(server.estimate(everything), flush=True)
    if dry_run:
        return
    judged = [j for loaded, made in by_rubric for j in judge(server, loaded, made)]
    _keep(out / f"{_file(model)}.parquet", judged)
    missing = sum(j.state == "missing" for j in judged)
    used = server.ledger
    print(f"{len(judged)} judgements, {missing} missing; {used.calls} calls, {used.cached} from the cache, "
          f"{used.tokens_in} tokens in, {used.tokens_out} out")  # fmt: skip


def _adapted(
    question: Question, max_tokens: int | None, temperature: float, extra: dict[str, object] | None
) -> Question:
    """Returns a question with reply length, temperature and further keys as the user wants them."""
    if question.request is None:
        return question
    request = dataclasses.replace(
        question.request,
        max_tokens=max_tokens or question.request.max_tokens,
        temperature=temperature,
        extra=extra,
    )
    return dataclasses.replace(question, request=request)


def _object(text: str) -> dict[str, object]:
    """Reads an object of JSON from the command line."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ConfigError(f"--extra-body {text[:60]}: not a JSON object", "give an object: {...}")
    return content


def _file(model: str) -> str:
    """Returns a model's name as a file name."""
    return "".join(c if c.isalnum() or c in "._-" else "__" for c in model).strip(".")


def _pair(text: str) -> tuple[str, str]:
    left, colon, right = text.partition(":")
    if not (left and colon and right):
        raise ConfigError(f"{text!r} is not a pair of variants", "write cw_10k:g")
    return left, right


def _keep(path: Path, judged: Sequence[Judgement]) -> None:
    """Writes judgements; those that the file already holds and that were not asked again are kept.

    Two runs of one judge at once take turns here, and neither loses what the other wrote.
    """
    if not judged:
        raise MissingInputError(
            "no pair of answers to judge", "a pair needs two variants' answers to the same query"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path.parent):
        rows = {_place(j): j for j in (read_records(path, Judgement) if path.is_file() else [])}
        rows |= {_place(j): j for j in judged}
        write_records(path, [rows[place] for place in sorted(rows)], Judgement)
    print(f"wrote {path}")


def _place(judged: Judgement) -> tuple[str, str, int, str, str, str]:
    return (
        judged.rubric,
        judged.query_id,
        judged.sample,
        judged.left,
        judged.right or "",
        judged.order,
    )


def run_audit(  # noqa: PLR0913 - a command line
    *,
    generations: Answers = None,
    out: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="the judgements; audit.csv and facts.json go there"),
    ] = OUT,
    ballots: Annotated[
        Path | None, typer.Option(metavar="PATH", help="votes of people, to compare with")
    ] = None,
    sample: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="which of several answers the votes are on, for old ballots that do not say",
        ),
    ] = 0,
    own: Annotated[
        list[str] | None,
        typer.Option(
            metavar="JUDGE=VARIANT…",
            help="variants of a judge's own kind (default: those whose model is the judge)",
        ),
    ] = None,
    human_scores: Annotated[
        Path | None, typer.Option(metavar="PATH", help="score records of people, to compare with")
    ] = None,
    human_judgements: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="judgement records that people wrote under rubric decisions, to compare with",
        ),
    ] = None,
) -> None:
    """Each number has an interval.

    They are missing verdicts, position, length and format bias, consistency, agreement with the other
    judges; and beside people's votes: accuracy in all and per category, and how much more than people
    the judge gives to the longer answer and to its own.

    Of rubric decisions: the share kept per variant, and how far repeats, other judges and people agree
    on the decisions that both name.
    """
    judged = read_records(out, Judgement, "python -m eval_tasks judge run")
    records = read(generations or [GENERATIONS])
    shapes = {(r.variant, r.query_id, r.sample): shape(r.article) for r in records}
    lost = next((j for j in judged if (j.left, j.query_id, j.sample) not in shapes), None)
    if lost is not None:
        raise MissingInputError(
            f"{lost.left} answers {lost.query_id} in the judgements but not in --generations",
            "name the generations that were judged",
        )
    genres = taxonomy.published()
    findings = audit(
        judged,
        shapes,
        preferences(ballots, human_scores, sample),
        read=read_records(human_judgements, Judgement) if human_judgements else (),
        categories={r.query_id: genres.category_of(r.genre) for r in records if r.genre},
        own=_own({j.judge for j in judged}, records, own or []),
    )
    _write(out, findings)


def _own(
    judges: Iterable[str], records: Iterable[Generation], named: Sequence[str]
) -> dict[str, set[str]]:
    """Returns each judge's own variants: those named, and those whose model bears its name.

    Raises:
        ConfigError: A name that is not JUDGE=VARIANT, or of an unknown judge or variant.
    """
    known = [(r.variant, Path(r.model).name) for r in records]
    own = {j: {v for v, model in known if model == j.rpartition("/")[2]} for j in judges}
    for text in named:
        judge, equals, variant = text.rpartition("=")
        if not equals or judge not in own or variant not in {v for v, _ in known}:
            raise ConfigError(
                f"{text!r} names a judge or variant that is not in the judgements",
                f"write JUDGE=VARIANT; judges: {', '.join(sorted(own))}",
            )
        own[judge].add(variant)
    return own


def _write(out: Path, findings: Sequence[Finding]) -> None:
    columns = [f.name for f in dataclasses.fields(Finding)]
    spreadsheet.write(out / "audit.csv", columns, map(to_row, findings), mark=False)
    artefact = file_sha256(out / "audit.csv")
    facts.write(
        out / "facts.json",
        (
            Fact(
                f"judge/{_file(f.judge)}/{f.rubric}/{f.name}",
                f.value,
                n=f.n,
                low=f.low,
                high=f.high,
                command="python -m eval_tasks judge audit",
                artefact=artefact,
            )
            for f in findings
            if f.value is not None
        ),
    )
    for f in findings:
        print(f"{f.judge}  {f.rubric:<22}{f.name:<26}{_number(f):<26}n={f.n:<6}{f.note}")
    print(f"wrote {out / 'audit.csv'} and facts.json")


def _number(finding: Finding) -> str:
    if finding.value is None:
        return "no estimate"
    if finding.low is None or finding.high is None:
        return f"{finding.value:.3f}"
    return f"{finding.value:.3f} [{finding.low:.3f}, {finding.high:.3f}]"
