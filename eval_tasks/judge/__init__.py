"""Language models as judges, and what their verdicts are worth.

  python -m eval_tasks judge run --url http://127.0.0.1:8000/v1 --model NAME --rubric pairwise
  python -m eval_tasks judge audit [--ballots PATH]

`run` asks a judge behind any OpenAI-compatible server and writes build/judgements/JUDGE.parquet.
Pairs are asked in both orders. Answers are kept in build/cache/judge: a second run makes no call and
writes the same bytes. `--dry-run` says what it would take. A local judge:

  vllm serve Qwen/Qwen2.5-72B-Instruct --port 8000 --max-model-len 32768

`audit` estimates how far the verdicts can be trusted, each with an interval: missing verdicts, position,
length and format bias, consistency, agreement with the other judges; beside people's votes accuracy in
all and per category, and how much more than people the judge gives to the longer answer and to its own.

Rubric `decisions` names what a reasoning settles on and says whether the article does it (kept, broken,
undecidable), each with quotations that must stand in the texts. Its audit gives the share kept per variant,
and how far repeats, other judges and people (--human-judgements) agree on the decisions that both name.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from coig_writer import facts, taxonomy
from coig_writer.endpoint import Endpoint, Price
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

OUT = Path("build/judgements")


def main() -> int | None:
    """Runs `judge run` or `judge audit`."""
    options = _parser().parse_args()
    command: int | None = options.command(options)
    return command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="{run,audit}")
    run = commands.add_parser("run", help="asks a judge")
    run.set_defaults(command=_run)
    _shared(run)
    run.add_argument("--url", required=True, help="base address of the server, with /v1")
    run.add_argument("--model", required=True, help="the judge's name on that server")
    run.add_argument(
        "--rubric", nargs="+", default=["pairwise"], help=f"{', '.join(names())}, or a YAML file"
    )
    run.add_argument("--pairs", nargs="*", metavar="A:B", help="variants to compare (default: all)")
    run.add_argument(
        "--samples", type=int, help="only so many answers to each prompt (default: all)"
    )
    run.add_argument("--plain", action="store_true", help="strip Markdown from answers first")
    run.add_argument("--repeats", type=int, default=1, help="ask everything this often")
    run.add_argument("--dry-run", action="store_true", help="say what it takes; call nothing")
    run.add_argument("--price", nargs=2, type=float, metavar=("IN", "OUT"), help="per 1M tokens")
    run.add_argument("--budget", type=float, help="most that this run may cost; needs --price")
    run.add_argument("--concurrency", type=int, default=8, help="requests at once (default: 8)")
    run.add_argument("--structure", choices=["json_schema", "json_object", "none"],
                     default="json_schema", help="how the server is told the form of a reply")  # fmt: skip
    run.add_argument(
        "--max-tokens", type=int, help="longest reply (default: by rubric, 1,024 and up)"
    )
    run.add_argument("--temperature", type=float, default=0.0, help="default: 0")
    run.add_argument("--extra-body", type=_object, metavar="JSON", default={},
                     help="further keys of a request; null takes one out, as for reasoning models: "
                          '{"temperature": null, "top_p": null, "max_tokens": null, "max_completion_tokens": 8000}')  # fmt: skip
    run.add_argument("--key-variable", default="OPENAI_API_KEY", help="variable with the key")
    run.add_argument("--cache", type=Path, default=Path("build/cache/judge"), help="kept replies")
    check = commands.add_parser("audit", help="says what the verdicts are worth")
    check.set_defaults(command=_audit)
    _shared(check)
    check.add_argument("--ballots", type=Path, help="votes of people, to compare with")
    check.add_argument("--sample", type=int, default=0,
                       help="which of several answers old ballots, which do not say, are on (default: 0)")  # fmt: skip
    check.add_argument("--own", nargs="*", metavar="JUDGE=VARIANT", default=[],
                       help="variants of a judge's own kind (default: those whose model is the judge)")  # fmt: skip
    check.add_argument("--human-scores", type=Path, help="score records of people, to compare with")
    check.add_argument("--human-judgements", type=Path,
                       help="judgement records that people wrote under rubric decisions, to compare with")  # fmt: skip
    return parser


def _shared(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--generations",
        type=Path,
        nargs="+",
        default=[Path("build/generations")],
        help="files or folders of generation records (default: build/generations)",
    )
    parser.add_argument("--out", type=Path, default=OUT, help=f"folder (default: {OUT})")


def _run(options: argparse.Namespace) -> int | None:
    for name, least in (("repeats", 1), ("samples", 1), ("max_tokens", 1), ("temperature", 0)):
        given = getattr(options, name)
        if given is not None and not least <= given < math.inf:  # nor is NaN
            raise ConfigError(f"--{name.replace('_', '-')} {given}", f"give {least} or more")
    endpoint = Endpoint(
        options.url,
        options.model,
        key_variable=options.key_variable,
        cache=options.cache,
        concurrency=options.concurrency,
        price=Price(*options.price) if options.price else None,
        budget=options.budget,
        structure=options.structure,
    )
    records = read(options.generations)
    if options.samples is not None:
        records = [r for r in records if r.sample < options.samples]
    pairs = None if options.pairs is None else [_pair(p) for p in options.pairs]
    asked: list[tuple[Rubric, list[Question]]] = []
    for rubric in map(load, options.rubric):
        found = questions(
            rubric, records, pairs=pairs, plain=options.plain, repeats=options.repeats
        )
        asked.append((rubric, [_as_asked(question, options) for question in found]))
    everything = [q.request for _, found in asked for q in found if q.request is not None]
    print(endpoint.estimate(everything), flush=True)
    if options.dry_run:
        return None
    judged = [j for rubric, found in asked for j in judge(endpoint, rubric, found)]
    _keep(options.out / f"{_file(options.model)}.parquet", judged)
    missing = sum(j.state == "missing" for j in judged)
    used = endpoint.ledger
    print(f"{len(judged)} judgements, {missing} missing; {used.calls} calls, {used.cached} from the cache, "
          f"{used.tokens_in} tokens in, {used.tokens_out} out")  # fmt: skip
    return None


def _object(text: str) -> dict[str, object]:
    """Reads an object of JSON from the command line."""
    try:
        found = json.loads(text)
    except RecursionError:
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError("give an object: {...}")
    return found


def _as_asked(question: Question, options: argparse.Namespace) -> Question:
    """Returns a question with reply length, temperature and further keys as the user wants them."""
    if question.request is None:
        return question
    request = dataclasses.replace(
        question.request,
        max_tokens=options.max_tokens or question.request.max_tokens,
        temperature=options.temperature,
        extra=options.extra_body or None,
    )
    return dataclasses.replace(question, request=request)


def _file(model: str) -> str:
    """Returns a model's name as a file name."""
    return "".join(c if c.isalnum() or c in "._-" else "__" for c in model).strip(".")


def _pair(text: str) -> tuple[str, str]:
    left, colon, right = text.partition(":")
    if not (left and colon and right):
        raise ConfigError(f"{text!r} is no pair of variants", "write cw_10k:g")
    return left, right


def _keep(path: Path, judged: Sequence[Judgement]) -> None:
    """Writes judgements; those that the file already holds and that were not asked again are kept.

    Two runs of one judge at once take turns here, and neither loses what the other wrote.
    """
    if not judged:
        raise MissingInputError(
            "there is nothing to judge", "a pair needs two variants' answers to the same query"
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


def _audit(options: argparse.Namespace) -> int | None:
    judged = read_records(options.out, Judgement, "python -m eval_tasks judge run")
    records = read(options.generations)
    shapes = {(r.variant, r.query_id, r.sample): shape(r.article) for r in records}
    lost = next((j for j in judged if (j.left, j.query_id, j.sample) not in shapes), None)
    if lost is not None:
        raise MissingInputError(
            f"{lost.left} answers {lost.query_id} in the judgements but not in --generations",
            "name the generations that were judged",
        )
    names = taxonomy.published()
    found = audit(
        judged,
        shapes,
        preferences(options.ballots, options.human_scores, options.sample),
        read=read_records(options.human_judgements, Judgement) if options.human_judgements else (),
        categories={r.query_id: names.category_of(r.genre) for r in records if r.genre},
        own=_own({j.judge for j in judged}, records, options.own),
    )
    _write(options.out, found)
    return None


def _own(
    judges: Iterable[str], records: Iterable[Generation], named: Sequence[str]
) -> dict[str, set[str]]:
    """Returns each judge's own variants: those named, and those whose model bears its name.

    Raises:
        ConfigError: A name that is not JUDGE=VARIANT, or of a judge or variant that is not there.
    """
    known = [(r.variant, Path(r.model).name) for r in records]
    own = {j: {v for v, model in known if model == j.rpartition("/")[2]} for j in judges}
    for text in named:
        judge, equals, variant = text.rpartition("=")
        if not equals or judge not in own or variant not in {v for v, _ in known}:
            raise ConfigError(
                f"{text!r} names no judge and variant that are here",
                f"write JUDGE=VARIANT; judges: {', '.join(sorted(own))}",
            )
        own[judge].add(variant)
    return own


def _write(out: Path, found: Sequence[Finding]) -> None:
    names = [f.name for f in dataclasses.fields(Finding)]
    spreadsheet.write(out / "audit.csv", names, map(to_row, found), mark=False)
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
            for f in found
            if f.value is not None
        ),
    )
    for f in found:
        print(f"{f.judge}  {f.rubric:<22}{f.name:<26}{_number(f):<26}n={f.n:<6}{f.note}")
    print(f"wrote {out / 'audit.csv'} and facts.json")


def _number(finding: Finding) -> str:
    if finding.value is None:
        return "no estimate"
    if finding.low is None or finding.high is None:
        return f"{finding.value:.3f}"
    return f"{finding.value:.3f} [{finding.low:.3f}, {finding.high:.3f}]"
