"""The workbench's page in Chromium: writing, reviewing, two devices, a phone, hostile text."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from coig_writer.files import read_rows
from coig_writer.workbench import annotation, forms
from coig_writer.workbench.annotation import Writing
from tests.coig_writer.arena.browser import DESKTOP, PHONE, Page, open_chromium, served
from tests.coig_writer.workbench.server.conftest import ARTICLE, SmallCuration, item, written

pytestmark = pytest.mark.browser
OFFLINE = "window.fetch = () => Promise.reject(new TypeError('Failed to fetch'))"
HOSTILE = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>\n"


class WorkbenchPage(Page):
    """The page as a person with an alias uses it."""

    def enter(
        self, curation: SmallCuration, client: TestClient, alias: str, *, clear: bool = True
    ) -> None:
        self.driver.delete_all_cookies()
        workbench = client.app.state.workbench  # type: ignore[attr-defined]
        token = workbench.identity.invitation("workbench", alias)
        self.driver.get(f"{self.url}/?invite={token}&lang=zh")
        if clear:
            self.run("localStorage.clear()")
        self.driver.get(f"{self.url}/?lang=zh")
        self.wait("#agree, #submit, #again")
        if self.all("#agree"):
            self.run("document.querySelector('#agree').click()")
            self.tap("#begin")
        self.wait("#submit, #again")

    def type(self, field: str, text: str) -> None:
        """Types into a field, with one event as an input method sends it."""
        self.run(
            'const box = document.querySelector(`[data-field="${arguments[0]}"]`);'
            "box.value = arguments[1]; box.dispatchEvent(new Event('input', {bubbles: true}))",
            field,
            text,
        )

    def fill(self, content: dict[str, Any]) -> None:
        self.type("prompt", content["prompt"])
        for group in ("prompt_fields", "reasoning_fields"):
            for name, text in content[group].items():
                self.type(f"{group}.{name}", text)

    def focused(self) -> str:
        """Returns the name of what has the focus."""
        return str(
            self.run("const a = document.activeElement; return a.name || a.id || a.className")
        )

    def saved(self) -> None:
        self.until(
            lambda: self.run("return document.querySelector('#status')?.dataset.state") == "saved"
        )


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    made = open_chromium(tmp_path_factory.mktemp("chromium"))
    yield made
    made.quit()


@pytest.fixture
def workbench(curation, driver, root: Path):
    """A curation with a hostile text, and a page on it."""
    curation.items(item(1, article=HOSTILE + ARTICLE, title=HOSTILE), item(2), item(3))
    client = curation.start()
    with served(client.app) as url:
        page = WorkbenchPage(driver, url, root / "build" / "screens" / "workbench")
        page.size(DESKTOP)
        yield curation, client, page


def test_an_annotator_writes_hands_in_and_goes_on(workbench):
    curation, client, page = workbench
    page.enter(curation, client, "a1")
    assert page.driver.title != "pwned"
    assert "<script>" in page.text("#article")
    page.type("prompt", "写一写刀尖磨掉半截，墨囊破一个的人")
    page.saved()
    page.until(lambda: len(page.all("#article mark")) == len(page.all("#copied mark")) == 1)
    assert (
        page.run("return document.querySelector('#article mark').textContent")
        == "刀尖磨掉半截，墨囊破一个"
    )
    page.shot("annotator")
    page.tap("#submit")
    page.says("#notice", "主题")
    page.fill(written())
    page.saved()
    page.driver.refresh()
    page.wait("#submit")
    assert (
        page.run("return document.querySelector('[data-field=prompt]').value")
        == written()["prompt"]
    )
    page.tap("#submit")
    page.until(lambda: "标题2" in page.text("h1"))
    answers_read = annotation.read_answers(curation.root / "work" / "reverse" / "answers")
    assert answers_read["d1", 1].prompt == written()["prompt"]
    page.size((720, 450))  # a laptop at 200 %
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    page.shot("annotator-200")


def test_the_keyboard_is_enough(workbench):
    curation, client, page = workbench
    page.enter(curation, client, "a1")
    page.fill(written())
    page.run("document.querySelector('#form textarea').focus()")
    for _ in range(9):
        page.press("\ue004")
    assert page.run("return document.activeElement.dataset.field") == "reasoning_fields.revision"
    page.press("\ue004")
    page.press("\ue004")
    assert page.run("return document.activeElement.id") == "submit"
    page.press("\ue007")
    page.until(lambda: "标题2" in page.text("h1"))


def test_another_device_was_first_and_both_texts_are_shown(workbench):
    curation, client, page = workbench
    page.enter(curation, client, "a1")
    page.type("prompt", "这台设备的稿子")
    page.saved()
    entries = client.app.state.workbench.threads
    key, thread = next(iter(entries.of("annotate")))
    reply = page.run(
        "return fetch('/api/save', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify("
        "{id: 'elsewhere-1', work: 'annotate', item: arguments[0], round: 1, base: arguments[1], content: {prompt: '另一台的稿子'}, seconds: 0, seen: ''})}).then(r => r.json())",
        key[1],
        thread.number,
    )
    assert reply["number"] == thread.number
    page.type("prompt", "这台设备又写了一句")
    page.says("#sheet", "另一台的稿子")
    assert "这台设备又写了一句" in page.text("#sheet")
    page.shot("two-versions")
    page.tap("#keep-mine")
    page.saved()
    assert entries.get(key).content == {"prompt": "这台设备又写了一句"}


def test_what_is_typed_without_a_server_is_sent_when_there_is_one(workbench):
    curation, client, page = workbench
    page.enter(curation, client, "a1")
    page.run(OFFLINE)
    page.type("prompt", "断线时写的一句")
    page.says("#status", "没存上：连不上服务器")
    page.driver.refresh()
    page.wait("#submit")
    page.saved()
    page.until(
        lambda: any(
            t.content == {"prompt": "断线时写的一句"}
            for _, t in client.app.state.workbench.threads.of("annotate")
        )
    )


HELD = """
const send = window.fetch;
window.fetch = async (...request) => {
  const reply = await send(...request);
  if (String(request[0]).includes('save')) await new Promise((done) => { window.goOn = done; });
  return reply;
};
"""


@pytest.mark.parametrize(("alias", "field"), [("a1", "[data-field=prompt]"), ("r1", "#note")])
def test_what_is_typed_while_a_version_is_on_its_way_is_not_called_saved(workbench, alias, field):
    curation, client, page = workbench
    curation.to_review("r1", "d1@aa")
    page.enter(curation, client, alias)
    page.run(HELD)
    for text in ("一句", "一句，又一句"):
        page.run(
            "window.goOn?.(); window.goOn = null; const box = document.querySelector(arguments[0]);"
            "box.value = arguments[1]; box.dispatchEvent(new Event('input', {bubbles: true}))",
            field,
            text,
        )
        page.until(lambda: page.run("return Boolean(window.goOn)"))
    assert page.run("return document.querySelector('#status').dataset.state") == "typing"
    page.run("window.goOn()")
    page.saved()


def test_what_one_reviewer_could_not_save_is_not_shown_to_another_at_the_same_device(workbench):
    curation, client, page = workbench
    for alias in ("r1", "r2"):
        curation.to_review(alias, "d1@aa")
    page.enter(curation, client, "r1")
    page.run(OFFLINE)
    page.run(
        "const box = document.querySelector('#note'); box.value = '只给负责人看'; box.dispatchEvent(new Event('input'))"
    )
    page.says("#status", "没存上")
    page.driver.delete_all_cookies()
    token = client.app.state.workbench.identity.invitation("workbench", "r2")
    page.driver.get(f"{page.url}/?invite={token}&lang=zh")
    page.wait("#agree")
    page.run("document.querySelector('#agree').click()")
    page.tap("#begin")
    page.wait("#note")
    note = "return document.querySelector('#note').value"
    assert page.run(note) == ""
    page.enter(curation, client, "r1", clear=False)
    assert page.run(note) == "只给负责人看"


def test_who_cannot_leave_for_want_of_a_server_is_told(workbench):
    curation, client, page = workbench
    page.enter(curation, client, "a1")
    page.tap("[data-tool=mine]")
    page.run(OFFLINE + "; window.confirm = () => true")
    page.tap("#leave")
    page.says("#notice", "连不上服务器")
    assert not client.app.state.workbench.threads.left
    page.tap("#notice button")
    page.tap("[data-tool=mine]")
    page.says("#notice", "连不上服务器")


def test_the_version_that_was_not_chosen_is_an_earlier_one(workbench):
    curation, client, page = workbench
    page.enter(curation, client, "a1")
    page.run(
        "return fetch('/api/save', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify("
        "{id: 'elsewhere-1', work: 'annotate', item: 'd1', round: 1, base: 1, content: {prompt: '另一台的稿子'}, seconds: 0, seen: ''})}).then(r => r.json())"
    )
    page.type("prompt", "只在这台设备上的一句")
    page.tap("#keep-theirs")
    page.saved()
    box = "return document.querySelector('[data-field=prompt]').value"
    assert page.run(box) == "另一台的稿子"
    page.tap("#more")
    page.tap("#versions")
    page.says("#sheet", "只在这台设备上的一句")
    page.tap("#sheet li:nth-child(2) button")
    page.saved()
    assert page.run(box) == "只在这台设备上的一句"


def test_a_models_draft_stays_marked_after_a_reload(workbench):
    curation, client, page = workbench
    page.enter(curation, client, "a1")
    assert not page.all("#drafted")
    threads = client.app.state.workbench.threads
    threads.get(next(iter(threads.of("annotate")))[0]).asked = (written(), "an entry")
    page.driver.refresh()
    page.says("#drafted", "向模型要过草稿")


def test_on_a_phone_what_is_written_is_shown_whole_behind_its_tab(workbench):
    curation, client, page = workbench
    page.enter(curation, client, "a1")
    page.fill(written("写" * 80))
    page.saved()
    page.size(PHONE)
    page.driver.refresh()
    page.tap(".tabs [data-side=form]")
    cut = "return [...document.querySelectorAll('#form textarea')].filter(b => b.scrollHeight > b.clientHeight).length"
    page.until(lambda: page.run(cut) == 0)
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")


def test_exercises_lead_to_articles_or_say_which_topic_keeps_them_back(workbench):
    _, client, page = workbench
    bench = client.app.state.workbench
    bench.roster = dataclasses.replace(bench.roster, qualify=True)
    for alias, wrong in (("a1", "prompt-2"), ("a2", "prompt-1")):
        page.driver.delete_all_cookies()
        token = bench.identity.invitation("workbench", alias)
        page.driver.get(f"{page.url}/?invite={token}&lang=zh")
        page.tap("#agree")
        page.tap("#begin")
        page.tap("#exercises")
        for name, exercise in forms.exercises().items():
            page.says(".prose", exercise.text[:8])
            page.says("#kind", "计入资格" if exercise.phase == "gold" else "不计")
            choice = (exercise.gold + 1) % 2 if name == wrong else exercise.gold
            page.tap(f'input[value="{choice}"]')
            page.tap("#submit")
            page.says("#sheet", "与标准不同" if name == wrong else "与标准一致")
            page.tap("#go-on")
        page.says("#main", "没有通过：反推提示" if alias == "a1" else ARTICLE)


def test_a_returned_draft_shows_reasons_and_what_changed(workbench):
    curation, client, page = workbench
    earlier = Writing(*(written()[k] for k in ("prompt", "prompt_fields", "reasoning_fields")))
    reason = annotation.Returned("i", "提示写死了", ("落在一件小物上",))
    curation.items(item(2, round=2, feedback="第 2 稿。", earlier=earlier, returned=(reason,)))
    page.enter(curation, client, "a1")
    assert "提示写死了" in page.text(".returned")
    assert "落在一件小物上" in page.text(".returned")
    assert page.run("return document.querySelector('[data-field=prompt]').value") == earlier.prompt
    page.type("prompt", written()["prompt"].replace("落在一件小物上", "收得轻一些"))
    page.until(lambda: page.all("[data-before=prompt] mark.gone"))
    page.shot("returned")


def test_a_reviewer_marks_and_judges_on_a_phone(workbench):
    curation, client, page = workbench
    curation.to_review("r1", "d1@aa", "d2@bb")
    page.size(PHONE)
    page.enter(curation, client, "r1")
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    page.run(
        "const node = document.querySelector('[data-part=article] p').firstChild; const range = document.createRange();"
        "range.setStart(node, 3); range.setEnd(node, 8); getSelection().removeAllRanges(); getSelection().addRange(range)"
    )
    page.tap("#mark")
    page.until(lambda: page.text("[data-part=article] mark") == ARTICLE[3:8])
    page.shot("reviewer-phone-text")
    page.tap("[role=tab][data-side=form]")
    page.tap("#submit")
    page.says("#notice", "请先选结论")
    for name in ("consistency", "authenticity", "coherence", "diversity"):
        page.tap(f"input[name='c-{name}'][value=true]")
    page.tap("input[name=verdict][value=refine]")
    page.shot("reviewer-phone-form")
    page.run(
        "const box = document.querySelector('#note'); box.value = '提示太泛，请写具体'; box.dispatchEvent(new Event('input'))"
    )
    page.tap("#submit")
    page.until(
        lambda: (
            "提示d2@bb"
            in page.run("return document.querySelector('[data-part=prompt]').textContent")
        )
    )
    assert "a1" not in page.run("return document.body.textContent"), "no author is named"
    answers = (curation.root / "work" / "review" / "answers" / "r1.jsonl").read_text(
        encoding="utf-8"
    )
    assert f'"quotation": "{ARTICLE[3:8]}"' in answers


TAB, ENTER, DOWN, ALT_M = "\ue004", "\ue007", "\ue015", "\ue00am"


@pytest.fixture
def reviewing(workbench):
    """A reviewer's page on a laptop of 1366×768 at 200 %."""
    curation, client, page = workbench
    curation.to_review("r1", "d1@aa", "d2@bb")
    page.size((683, 384))
    page.enter(curation, client, "r1")
    return curation, page


def test_a_reviewer_at_200_percent_needs_the_keyboard_alone(reviewing):
    curation, page = reviewing
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    page.shot("reviewer-200-text")
    page.run("document.body.setAttribute('tabindex', '-1'); document.body.focus()")
    page.press(TAB)
    assert page.focused() == "skip-link"
    page.press(ENTER)
    form = page.run("return document.querySelector('.form').getBoundingClientRect().height")
    assert form >= 384 * 0.6, "the form has most of the window"
    page.shot("reviewer-200-form")
    for name in ("consistency", "authenticity", "coherence", "diversity"):
        assert page.focused() == f"c-{name}"
        page.press(" ", TAB)
    page.press(DOWN, TAB, *"太泛")
    assert page.focused() == "note"
    page.press(TAB, TAB)
    assert page.focused() == "submit"
    page.press(ENTER)
    prompt = "return document.querySelector('[data-part=prompt]').textContent"
    page.until(lambda: "提示d2@bb" in page.run(prompt))
    answers = curation.root / "work" / "review" / "answers" / "r1.jsonl"
    (row,) = (row for _, row in read_rows(answers))
    assert (row["item"], row["verdict"], row["note"]) == ("d1@aa", "refine", "太泛")


def test_a_passage_is_marked_without_a_mouse_and_what_is_missing_gets_the_focus(reviewing):
    _, page = reviewing
    page.driver.switch_to.active_element.send_keys(ALT_M)
    page.wait("#passage")
    page.press(*"章鱼", TAB, ENTER)
    page.says("#sheet", "三篇文字里都没有这一段")
    assert page.focused() == "passage"
    page.run("document.querySelector('#passage').value = ''")
    page.press(*ARTICLE[3:8], TAB, ENTER)
    page.until(lambda: page.text("[data-part=article] mark") == ARTICLE[3:8])
    page.tap("[role=tab][data-side=form]")
    page.tap("#submit")
    page.says("#notice", "请先选结论")
    assert page.focused() == "verdict"


def test_axe_finds_nothing_in_the_workbenchs_pages(reviewing, workbench, root):
    """Gradio's own footer excepted; decision 20 lists what it finds there."""
    curation, client, page = workbench
    for size in (DESKTOP, (683, 384), PHONE):
        page.size(size)
        for alias in ("r1", "a1"):
            page.enter(curation, client, alias)
            for tab in ("text", "form") if size != DESKTOP else ("text",):
                page.run(
                    "document.querySelector(`[role=tab][data-side=${arguments[0]}]`).click()", tab
                )
                behind = (
                    "page-has-heading-one" if tab == "form" else ""
                )  # it is behind the other tab
                assert [v for v in page.axe(root) if v[0] != behind] == [], (size, alias, tab)
    page.size(DESKTOP)
    token = client.app.state.workbench.identity.invitation("workbench", "lead")
    page.driver.get(f"{page.url}/?invite={token}")
    page.driver.get(f"{page.url}/gradio/")
    page.wait("footer")
    page.wait("table")
    assert page.axe(root, exclude="footer") == []


def test_an_article_of_the_longest_length_is_shown_whole(workbench):
    curation, client, page = workbench
    long = ("大姨在码头剖墨鱼，讲了很多很多年。\n" * 2000)[:31_071]
    curation.items(item(9, article=long))
    page.size(PHONE)
    page.enter(curation, client, "a2")
    shown = page.run("return document.querySelector('#article').textContent.length")
    assert shown == len(long.replace("\n", ""))
    assert page.run("return document.documentElement.scrollWidth <= innerWidth")
    page.tap("[role=tab][data-side=form]")
    page.type("prompt", "大姨在码头剖墨鱼，讲了很多很多年")
    page.saved()
    page.shot("annotator-phone")


def test_the_two_languages_have_the_same_words(workbench):
    _, _, page = workbench
    page.driver.get(page.url)
    keys = page.driver.execute_async_script(
        "const done = arguments[0]; const names = (o) => Object.entries(o).flatMap(([k, v]) => v && v.constructor === Object ? names(v).map((n) => `${k}.${n}`) : [k]);"
        "import('/workbench/strings.js').then(({STRINGS}) => done([names(STRINGS.zh), names(STRINGS.en)]))"
    )
    assert keys[0] == keys[1]
    assert len(keys[0]) > 100
