"""What the operator sees and does: tables in Gradio, and the same as rows for a file.

Times are for pay: seconds with hands on the keys or eyes on the page, a pause counting a minute at most.
"""

from __future__ import annotations

import csv
import functools
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from coig_writer.arena.server.database import now
from coig_writer.arena.server.guard import RefusedError
from coig_writer.arena.server.tables import LANGUAGES, words
from coig_writer.arena.server.writer import BatchWriter
from coig_writer.files import line
from coig_writer.record import to_row
from coig_writer.text.normalise import repaired
from coig_writer.workbench import label_studio
from coig_writer.workbench.forms import TOPICS, missed, queries, standing, validated
from coig_writer.workbench.server.entries import Entry, Key, Kind, Work
from coig_writer.workbench.server.routes import person_of
from coig_writer.workbench.server.service import ROLE, Workbench
from coig_writer.workbench.server.threads import Thread

if TYPE_CHECKING:
    import gradio as gr

PROGRESS = (
    "who",
    "work",
    "handed in",
    "open",
    "skipped",
    "waiting",
    "hours",
    "minutes per item",
    "topics passed",
)
WORKS: tuple[Work, ...] = ("annotate", "review")
PAID: tuple[Work, ...] = ("annotate", "exercise", "review", "panel")
ITEMS = ("work", "item", "round", "who", "state", "minutes", "last", "reason or flag")
# The operator's page in Chinese; in English it says what the rows are called here.
CHINESE = {
    "who": "谁",
    "work": "工作",
    "handed in": "已提交",
    "open": "在写",
    "skipped": "已跳过",
    "waiting": "待做",
    "hours": "小时",
    "minutes per item": "每条分钟",
    "topics passed": "通过的题目",
    "item": "条目",
    "round": "第几稿",
    "state": "状态",
    "minutes": "分钟",
    "last": "最后一次",
    "reason or flag": "理由或标记",
    "people": "人员",
    "items": "条目",
    "review": "审核",
    "annotate": "标注",
    "exercise": "练习",
    "panel": "评题",
    "submitted": "已提交",
    "failed": "未通过",
    "released": "已转给别人",
    "set_aside": "已搁置",
    "withdrawn": "已退出",
    "give to somebody else": "转给别人",
    "take the answer out": "撤下答卷",
    "what": "做什么",
    "release": "已转给别人",
    "nobody": "没有人",
    "only from": "只限谁（空则所有人）",
    "acceptance": "初稿接受率",
    "acceptance of all drafts": "全部稿件的接受率",
    "nothing is decided yet": "还没有定下来的",
    "unknown": "未知",
    "no review yet: run curate": "还没有审核：先运行 curate",
    "the paper accepted about 70 % at first": "论文的初审接受率约 70%",
    "done": "结果",
    "Do it": "执行",
    "Look again": "刷新",
}
MOVABLE: tuple[Work, ...] = ("annotate", "review", "exercise")
MOVES: tuple[tuple[str, Kind], ...] = (
    ("give to somebody else", "release"),
    ("take the answer out", "set_aside"),
)
_TRANSLATED = ("who", "work", "state")  # columns whose values are words of the workbench


def progress(workbench: Workbench) -> list[list[object]]:
    """Returns a row per person and kind of work; the exercises once they were begun."""
    rows: list[list[object]] = []
    for person, listed in workbench.people.items():
        for work in PAID:
            threads = [thread for _, thread in workbench.threads.of(work, person)]
            if work not in listed.roles and not (work == "exercise" and threads):
                continue
            states = [thread.state for thread in threads]
            done, seconds = states.count("submitted"), sum(t.seconds for t in threads)
            counts = [done, states.count("open"), states.count("skipped")]
            waiting = (
                workbench.progress(person, work)["waiting"]
                if workbench.may(person, ROLE[work])
                else 0
            )
            pace = round(seconds / 60 / done, 1) if done else None
            who = _called(workbench, person)
            passed = [*standing(workbench.chosen(person)).values()].count("passed")
            training = f"{passed} of {len(TOPICS)}" if work == "annotate" else None
            rows.append([who, work, *counts, waiting, round(seconds / 3600, 2), pace, training])
    return rows


def items(workbench: Workbench) -> list[list[object]]:
    """Returns a row per thread, what was flagged first; of the exercises those that keep somebody from articles."""
    threads: list[tuple[Key, Thread]] = [
        pair for work in WORKS for pair in workbench.threads.of(work)
    ]
    threads += [pair for pair in workbench.threads.of("exercise") if _failed(*pair)]
    threads.sort(key=lambda pair: (not pair[1].flags, _state(*pair) == "submitted", pair[1].last))
    return [
        [
            *key[:3],
            _called(workbench, key[3]),
            _state(key, thread),
            round(thread.seconds / 60, 1),
            thread.last[:16],
            "; ".join([*thread.flags, thread.reason]).strip("; "),
        ]
        for key, thread in threads
    ]


def _failed(key: Key, thread: Thread) -> bool:
    return thread.answer is not None and missed(key[1], thread.answer)


def _state(key: Key, thread: Thread) -> str:
    return "failed" if key[0] == "exercise" and _failed(key, thread) else thread.state


def _called(workbench: Workbench, person: str) -> str:
    known = workbench.people.get(person)
    return "withdrawn" if person in workbench.threads.left or known is None else known.alias


def review_state(workbench: Workbench, translate: Callable[[str], str] = str) -> str:
    """Returns acceptance and agreement as the review stage last reported them."""
    report = workbench.curation.report()
    if not report:
        return translate("no review yet: run curate")
    shown = {"acceptance": "acceptance", "acceptance_of_all_drafts": "acceptance of all drafts"}
    shown["agreement"] = "alpha"
    lines = [
        f"{translate(label)}: {_interval(report.get(name, {}), translate)}"
        for name, label in shown.items()
    ]
    return "\n".join([*lines, translate("the paper accepted about 70 % at first")])


def _interval(rate: Mapping[str, Any], translate: Callable[[str], str]) -> str:
    if rate.get("state") != "known":
        state, colon, why = str(rate.get("state", "unknown")).partition(":")
        return translate(state) + colon + why
    return f"{rate['value']:.3f} [{rate['low']:.3f}, {rate['high']:.3f}]"


def rows(workbench: Workbench) -> Iterator[dict[str, object]]:
    """Yields all submitted answers for an export: people as pseudonyms, or withdrawn."""
    for work in WORKS:
        for (_, item, number, person), thread in workbench.threads.of(work):
            if thread.answer is not None:
                yield {
                    "work": work,
                    "item": item,
                    "round": number,
                    "person": workbench.label(person),
                    "seconds": round(thread.seconds, 1),
                    "handed_in_at": thread.last,
                    "answer": thread.answer,
                }


def panelled(workbench: Workbench) -> Iterator[dict[str, object]]:
    """Yields the benchmark's queries, ``validation`` as the panel has it so far."""
    verdicts: dict[str, list[dict[str, Any]]] = {}
    for (_, item, _, _), thread in workbench.threads.of("panel"):
        if thread.answer is not None:
            verdicts.setdefault(item, []).append(thread.answer)
    yield from (
        to_row(validated(query, verdicts.get(name, []))) for name, query in queries().items()
    )


def pay(workbench: Workbench) -> str:
    """Returns the table of progress as CSV."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(PROGRESS)
    writer.writerows(progress(workbench))
    return out.getvalue()


async def moved(
    workbench: Workbench,
    writer: BatchWriter[Entry],
    kind: Kind,
    key: tuple[Work, str, int],
    who: str = "",
) -> list[str]:
    """Lets an item go from those who have it open or skipped it (``release``), or takes answers out (``set_aside``).

    Args:
        workbench: The workbench.
        writer: Where entries go.
        kind: What to do.
        key: Work, item and round; only drafts of annotators have rounds.
        who: Alias of the only person it is done for; empty means all.

    Returns:
        Whom it was done for.
    """
    states = ("open", "skipped") if kind == "release" else ("submitted",)
    work, item, number = key
    key = work, item, number if work == "annotate" else 0
    done = []
    for person, thread in workbench.threads.of_item(*key):
        if thread.state in states and who in ("", _called(workbench, person)):
            name = f"{kind}:{workbench.identity.sign(kind, *key, person, thread.number)}"
            entry = Entry(name, *key, person, thread.number + 1, kind, {}, 0.0, now())
            if await writer.add(entry) is None:
                workbench.stored(entry)
                done.append(_called(workbench, person))
    return done


class Move(BaseModel):
    """What an operator does with an item."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["release", "set_aside"]
    work: Literal["exercise", "annotate", "review"]
    item: str = Field(max_length=500)
    round: int = Field(ge=0, le=99)
    who: str = Field(default="", max_length=40)


def operating(request: Request) -> Workbench:
    """Returns the workbench to an operator.

    Raises:
        RefusedError: Somebody else asks.
    """
    workbench: Workbench = request.app.state.workbench
    person = person_of(workbench, request)
    if person is None or not workbench.may(person, "operate"):
        raise RefusedError(403)
    return workbench


async def move(body: Move, request: Request) -> dict[str, str]:
    """Does what the operator's page does, for programs."""
    key = (body.work, body.item, body.round)
    done = await moved(operating(request), request.app.state.writer, body.kind, key, body.who)
    return {"outcome": _outcome(body.kind, body.item, done)}


def _outcome(
    kind: Kind, item: str, done: Sequence[str], translate: Callable[[str], str] = str
) -> str:
    what = translate(kind).replace("_", " ")
    return repaired(f"{item}, {what}: {', '.join(done) or translate('nobody')}")


def everything(request: Request) -> dict[str, object]:
    """Returns the operator's tables as rows."""
    workbench = operating(request)
    people = [dict(zip(PROGRESS, row, strict=True)) for row in progress(workbench)]
    threads = [dict(zip(ITEMS, row, strict=True)) for row in items(workbench)]
    return {"people": people, "items": threads, "review": review_state(workbench)}


def exports(workbench: Workbench) -> dict[str, Callable[[], str | bytes]]:
    """Returns what makes each file that an operator may download, by its name."""
    made: dict[str, Callable[[], str | bytes]] = {
        "answers.jsonl": lambda: "".join(map(line, rows(workbench))),
        "queries.jsonl": lambda: "".join(map(line, panelled(workbench))),
        "hours.csv": lambda: pay(workbench),
        "work.zip": lambda: zipped(workbench),
        "label_studio.json": lambda: label_studio.tasks(workbench.curation.to_annotate().values()),
    }
    reviewers = [p.alias for p in workbench.roster.people if "review" in p.roles]
    return made | {
        f"label_studio-{alias}.json": functools.partial(_review_tasks, workbench, alias)
        for alias in reviewers
    }


def _review_tasks(workbench: Workbench, alias: str) -> str:
    return label_studio.review_tasks(workbench.curation.to_review(alias).values(), alias)


def zipped(workbench: Workbench) -> bytes:
    """Returns what people submitted as the files that the stages of curation read, to unpack into a curation."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in workbench.curation.submitted_files():
            archive.write(path, path.relative_to(workbench.curation.root))
    return out.getvalue()


def exported(name: str, request: Request) -> Response:
    """Returns a file of submitted work to an operator."""
    made = exports(operating(request)).get(name)
    if made is None:
        raise RefusedError(404)
    kind = "application/zip" if name.endswith(".zip") else "text/plain; charset=utf-8"
    return Response(made(), media_type=kind)


def mount(app: gr.Server, workbench: Workbench, writer: BatchWriter[Entry]) -> None:
    """Puts the operator's tables at ``/gradio``, for operators alone."""
    import gradio as gr

    def operator(request: Request) -> str | None:
        person = person_of(workbench, request)
        return person if person and workbench.may(person, "operate") else None

    blocks = page(workbench, writer)
    gr.mount_gradio_app(app, blocks, path="/gradio", ssr_mode=False, auth_dependency=operator)


def page(workbench: Workbench, writer: BatchWriter[Entry]) -> gr.Blocks:
    """Builds the operator's page, in both languages."""
    import gradio as gr

    def shown(chosen: str) -> list[object]:
        return _filled(workbench, words(CHINESE, LANGUAGES.get(chosen, "en")))

    async def move(
        chosen: str, work: Work, item: str | None, number: float, who: str | None, kind: Kind
    ) -> str:
        key = work, (item or "").strip(), int(number or 0)
        done = await moved(workbench, writer, kind, key, (who or "").strip())
        return _outcome(kind, key[1], done, words(CHINESE, LANGUAGES.get(chosen, "en")))

    def picked(event: gr.SelectData) -> list[object]:
        return _picked(event.row_value)

    picked.__annotations__["event"] = gr.SelectData  # Gradio asks for it, and knows no name of here

    blocks = gr.Blocks(title="COIG-Writer workbench: operator", analytics_enabled=False)
    with blocks:
        gr.Markdown(
            "# 工作台 · Workbench\n导出 · exports: "
            + ", ".join(f"[{name}](/export/{name})" for name in exports(workbench))
        )
        translate = words(CHINESE, "zh")
        language = gr.Radio(list(LANGUAGES), value="中文", label="语言 · language")
        again = gr.Button(translate("Look again"))
        people = gr.Dataframe(headers=[*map(translate, PROGRESS)], interactive=False)
        state = gr.Textbox(interactive=False, lines=4)
        threads = gr.Dataframe(headers=[*map(translate, ITEMS)], interactive=False)
        with gr.Row():
            work = gr.Radio(list(MOVABLE), value="annotate")
            item = gr.Textbox()
            number = gr.Number(1, precision=0)
            who = gr.Textbox()
            kind = gr.Radio(list(MOVES), value="release")
        outcome = gr.Textbox(interactive=False)
        do = gr.Button(translate("Do it"))
        form: list[gr.components.Component] = [work, item, number, who, kind]
        seen = [people, threads, state, *form, outcome, do, again]
        gr.on(
            [blocks.load, again.click, language.change],
            shown,
            [language],
            seen,
            api_visibility="private",
        )
        threads.select(picked, None, form, api_visibility="private")
        do.click(move, [language, *form], outcome, api_visibility="private").then(
            shown, [language], seen, api_visibility="private"
        )
    return blocks


def _picked(row: Sequence[object]) -> list[object]:
    """Returns what the form holds for a row of the items: its thread, and what can be done with it."""
    english = {CHINESE[word]: word for word in (*MOVABLE, "withdrawn", "submitted", "failed")}
    work, item, number, who, state = row[:5]
    work, who, state = (english.get(str(word), word) for word in (work, who, state))
    return [work, item, number, who, "set_aside" if state in ("submitted", "failed") else "release"]


def _filled(workbench: Workbench, translate: Callable[[str], str]) -> list[object]:
    """Returns the parts of the page with today's rows and labels in one language, in the page's order."""
    import gradio as gr

    sections = (("people", PROGRESS, progress(workbench)), ("items", ITEMS, items(workbench)))
    tables = [
        gr.Dataframe(
            _told(heads, rows, translate),
            headers=[*map(translate, heads)],
            label=translate(name),
        )
        for name, heads, rows in sections
    ]
    report = gr.Textbox(review_state(workbench, translate), label=translate("review"))
    works = [(translate(name), name) for name in MOVABLE]
    return [
        *tables,
        report,
        gr.Radio(works, label=translate("work")),
        gr.Textbox(label=translate("item")),
        gr.Number(label=translate("round")),
        gr.Textbox(label=translate("only from")),
        gr.Radio([(translate(name), value) for name, value in MOVES], label=translate("what")),
        gr.Textbox(label=translate("done")),
        gr.Button(translate("Do it")),
        gr.Button(translate("Look again")),
    ]


def _told(
    heads: tuple[str, ...], rows: list[list[object]], translate: Callable[[str], str]
) -> list[list[object]]:
    """Returns rows with the workbench's own words in the page's language; names and texts stay."""
    return [
        [translate(str(v)) if h in _TRANSLATED else v for h, v in zip(heads, row, strict=True)]
        for row in rows
    ]
