"""What Gradio shows: the results as tables and as an endpoint for programs, and the page of who runs the study.

from gradio_client import Client
Client("http://127.0.0.1:7860/gradio").predict("pairwise", "zh", api_name="/results")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from coig_writer.arena.server.api import in_sentences
from coig_writer.arena.server.backup import Backup
from coig_writer.arena.server.board import Board
from coig_writer.arena.server.service import StudyService
from coig_writer.arena.study.exclusions import RULES
from coig_writer.arena.study.scan import counted
from coig_writer.triplet import Language

if TYPE_CHECKING:
    import gradio as gr

_HEADERS = ["model", "against", "wins", "losses", "ties", "win rate %", "low %", "high %"]


def tables(service: StudyService, board: Board) -> gr.Blocks:
    """Builds the Blocks at ``/gradio``."""
    import gradio as gr
    from gradio.events import api

    protocols, languages = service.study.protocols, service.collection.languages

    def results(protocol: str, language: str) -> dict[str, object]:
        return board.view(*service.checked(protocol, language))

    def shown(protocol: str, language: str) -> tuple[str, list[list[object]]]:
        view = results(protocol, language)
        return _summary(view), _rows(view)

    blocks = gr.Blocks(title="COIG-Writer arena: results", analytics_enabled=False)
    with blocks:
        gr.Markdown("# Arena results\nVoting is on [the page itself](/).")
        with gr.Row():
            protocol = gr.Radio(list(protocols), value=protocols[0], label="protocol")
            language = gr.Radio(list(languages), value=languages[0], label="texts")
        summary = gr.Textbox(label="state", interactive=False)
        table = gr.Dataframe(headers=_HEADERS, interactive=False, label="wins by pair")
        gr.on(
            [blocks.load, protocol.change, language.change],
            shown,
            [protocol, language],
            [summary, table],
            api_visibility="private",
        )
        api(in_sentences(results), api_name="results")
    return blocks


def _summary(view: dict[str, object]) -> str:
    if not view["ballots"]:
        return "no votes yet"
    if view["results"] is None:
        return f"{view['ballots']} of {view['needed']} votes that results need"
    return f"{view['ballots']} votes; a tie is half a win, intervals are 95 % and made for one look, when all votes are in"


def _rows(view: Mapping[str, Any]) -> list[list[object]]:
    cells = view["results"]["everything"]["matrix"] if view["results"] else []
    return [
        [cell["row"], cell["column"], cell["wins"], cell["losses"], cell["ties"]]
        + [round(100 * cell["rate"][end], 1) for end in ("estimate", "low", "high")]
        for cell in cells
        if cell["rate"]
    ]


Table = list[list[object]]
LANGUAGES: dict[str, Language] = {"中文": "zh", "English": "en"}
_OF = ("protocol", "texts")
HEADS: Mapping[str, tuple[str, ...]] = {
    "Progress": (*_OF, "items", "judged", "short of raters", "votes", "one round", "skips"),
    "Raters": (
        *(*_OF, "rater", "known by", "done", "assigned", "minutes", "last vote", "rules leave out"),
        *("pairs that flip without", "first without"),
    ),
    "Agreement": (*_OF, "measure", "value", "low", "high", "n"),
    "Votes the rules would leave out": (*_OF, *RULES),
    "What the scan changed": ("model", "action", "rule", "answers"),
    "Store and backup": ("what", "state"),
}
# The operator's page in Chinese; in English it says what the tables are called here.
CHINESE = {
    "Progress": "进度",
    "Raters": "评者",
    "Agreement": "一致性",
    "Votes the rules would leave out": "规则会排除的票",
    "What the scan changed": "扫描改动了什么",
    "Store and backup": "存储与备份",
    "protocol": "评法",
    "texts": "语言",
    "items": "题目",
    "judged": "已评",
    "short of raters": "缺票",
    "votes": "票",
    "one round": "一轮",
    "skips": "跳过",
    "rater": "评者",
    "known by": "凭什么辨认",
    "done": "完成",
    "assigned": "分派",
    "minutes": "分钟",
    "last vote": "最后一票",
    "rules leave out": "会排除",
    "pairs that flip without": "去掉后翻转的对",
    "first without": "去掉后的领先者",
    "measure": "指标",
    "value": "值",
    "low": "低",
    "high": "高",
    "model": "模型",
    "action": "处理",
    "rule": "规则",
    "answers": "答卷",
    "what": "项目",
    "state": "状态",
}


def words(chinese: Mapping[str, str], language: Language) -> Callable[[str], str]:
    """Returns what says a page's English word in its language; a word without a Chinese one stays."""
    return lambda word: chinese.get(word, word) if language == "zh" else word


def operator_page(service: StudyService, board: Board, backup: Backup | None) -> gr.Blocks:
    """Builds the Blocks at ``/operator``: how the study stands, in both languages. The guard lets nobody else in."""
    import gradio as gr

    def drawn(language: Language, tables: Sequence[Table | None]) -> list[gr.Dataframe]:
        translate = words(CHINESE, language)
        return [
            gr.Dataframe(
                table, headers=[*map(translate, heads)], label=translate(title), interactive=False
            )
            for (title, heads), table in zip(HEADS.items(), tables, strict=True)
        ]

    def shown(language: str) -> list[gr.Dataframe]:
        return drawn(LANGUAGES.get(language, "en"), rows(service, board.overview(), backup))

    blocks = gr.Blocks(title="COIG-Writer arena: operator", analytics_enabled=False)
    with blocks:
        study = service.study
        gr.Markdown(
            f"# {study.study}\n{study.mode} · {len(service.prompts)} prompts · {', '.join(sorted(service.collection.variants))}"
        )
        with gr.Row():
            language = gr.Radio(list(LANGUAGES), value="中文", label="语言 · language")
            again = gr.Button("刷新 · refresh")
        tables = drawn("zh", [None] * len(HEADS))
        gr.on(
            [blocks.load, language.change, again.click],
            shown,
            [language],
            tables,
            api_visibility="private",
        )
    return blocks


def rows(
    service: StudyService, overview: Mapping[str, Any], backup: Backup | None
) -> Sequence[Table]:
    """Returns the rows of the page's six tables: progress, raters, agreement, exclusions, scan, store and backup."""
    progress, raters = overview["progress"], overview["raters"]

    def cells(record: Mapping[str, Any], *columns: str) -> list[object]:
        return [record["protocol"], record["language"], *(record[name] for name in columns)]

    return (
        [cells(p, "items", "judged", "lacking", "ballots", "assigned", "skips") for p in progress],
        [_rater(r, cells(r)) for r in raters],
        [
            cells(row, "measure")
            + [round(row[name], 3) for name in ("value", "low", "high")]
            + [row["n"]]
            for p in progress
            for row in p["agreement"]
        ],
        [cells(p) + [p["excluded"][rule] for rule in RULES] for p in progress],
        [[*key, n] for key, n in counted(service.collection.findings).items()],
        _stores(service, backup),
    )


def _rater(rater: Mapping[str, Any], start: list[object]) -> list[object]:
    without = rater["influence"] or {"flips": "", "first": [], "moved": False}
    return [
        *start,
        rater["name"] or rater["rater"][:8],
        rater["known_by"] or "cookie",
        rater["done"],
        "" if rater["assigned"] is None else rater["assigned"],
        "" if rater["minutes"] is None else rater["minutes"],
        rater["last"][:16].replace("T", " "),
        rater["excluded"],
        without["flips"],
        (", ".join(without["first"]) or "–") if without["moved"] else "",
    ]


def _stores(service: StudyService, backup: Backup | None) -> Table:
    kind = service.store.url.partition(":")[0].partition("+")[0]
    states: Table = [["store", kind], ["store takes votes", service.store.trouble() or "yes"]]
    if backup is None:
        return [*states, ["backup", "none"]]
    status = backup.status()
    return [
        *states,
        ["backup: rows not yet there", status.pending],
        ["backup: last push", status.last_push or "none yet"],
        ["backup: last error", status.last_error or "none"],
    ]
