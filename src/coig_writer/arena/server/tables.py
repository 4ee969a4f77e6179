"""The results in Gradio: tables for people, and one endpoint for programs.

from gradio_client import Client
Client("http://127.0.0.1:7860/gradio").predict("pairwise", "zh", api_name="/results")
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from coig_writer.arena.server.board import Board
from coig_writer.arena.server.booth import Booth

if TYPE_CHECKING:
    import gradio as gr

_HEADERS = ["model", "against", "wins", "losses", "ties", "win rate %", "low %", "high %"]


def tables(booth: Booth, board: Board) -> gr.Blocks:
    """Builds the Blocks that stand at ``/gradio``."""
    import gradio as gr
    from gradio.events import api

    protocols, languages = booth.study.protocols, booth.collection.languages

    def results(protocol: str, language: str) -> dict[str, object]:
        return board.view(*booth.checked(protocol, language))

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
        api(results, api_name="results")
    return blocks


def _summary(view: dict[str, object]) -> str:
    if not view["ballots"]:
        return "no votes yet"
    if view["results"] is None:
        return f"{view['ballots']} of {view['needed']} votes that results need"
    return f"{view['ballots']} votes; a tie is half a win, intervals are 95 %"


def _rows(view: Mapping[str, Any]) -> list[list[object]]:
    cells = view["results"]["everything"]["matrix"] if view["results"] else []
    return [
        [cell["row"], cell["column"], cell["wins"], cell["losses"], cell["ties"]]
        + [round(100 * cell["rate"][end], 1) for end in ("estimate", "low", "high")]
        for cell in cells
        if cell["rate"]
    ]
