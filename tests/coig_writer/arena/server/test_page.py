"""The page in headless Chromium: three protocols, two languages, keyboard and touch, desktop and phone."""

from __future__ import annotations

import dataclasses
import itertools
import json
import time
from types import SimpleNamespace

import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

from coig_writer.arena.server.app import create_app
from coig_writer.arena.server.database import sqlite_url
from coig_writer.arena.server.identity import Identity
from coig_writer.arena.server.service import StudyService, Vote
from coig_writer.arena.server.store import Store
from coig_writer.arena.study.answers import collect, read_generations
from coig_writer.arena.study.definition import Study
from coig_writer.arena.study.verdicts import positions
from coig_writer.ballot import DIMENSIONS
from tests.coig_writer.arena.browser import DESKTOP, PHONE, Page, open_chromium, served
from tests.coig_writer.arena.server.test_app import launched

pytestmark = pytest.mark.browser
LANGUAGES = ("zh", "en")
FITS = (
    "return document.documentElement.scrollWidth <= innerWidth && [...document.querySelectorAll("
    "'.bar button, .verdict button, .task button')].every(b => b.getBoundingClientRect().right <= innerWidth)"
)
FRAMES = (  # two frames are drawn, so that whatever a scroll or a text sets off has happened
    "return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))"
)
STUDY = Study(votes_per_minute=10_000, raters_per_minute=10_000)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    driver = open_chromium(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def demo_texts(root, texts_of):
    pack = root / "space" / "data" / "demo_pack.jsonl"
    return read_generations([pack]) if pack.is_file() else texts_of()


@pytest.fixture(scope="module")
def texts_of():
    from tests.coig_writer.arena.conftest import texts

    return texts


@pytest.fixture
def open_page(chromium, tmp_path, root):
    """Serves texts and opens a clean page on them."""
    with_pages = []

    def opened(texts, study=STUDY, *, with_tables=False):
        store = Store(sqlite_url(tmp_path / "ballots.sqlite"))
        service = StudyService(study, collect(texts), store, Identity(b"k" * 32))
        serving = served(create_app(service, with_tables=with_tables))
        page = Page(chromium, serving.__enter__(), root / "build" / "screens")
        with_pages.append(serving)
        chromium.get(page.url + "/health")
        chromium.execute_script("localStorage.clear()")
        chromium.delete_all_cookies()
        page.size(DESKTOP)
        page.complaints()
        chromium.get_log("performance")
        return page, service

    yield opened
    for serving in with_pages:
        serving.__exit__(None, None, None)


def by_keyboard(page, protocol):
    page.press(*{"pairwise": [Keys.ARROW_LEFT], "ranking": "3142", "rating": "01232"}[protocol])
    page.press(Keys.ENTER)


def by_pointer(page, protocol):
    if protocol == "pairwise":
        page.tap("[data-choice=left]")
    elif protocol == "ranking":
        for number in (3, 1, 4, 2):
            page.run(
                "document.querySelectorAll('.pane')[arguments[0] - 1].scrollIntoView()", number
            )
            page.tap(f"[data-put='{number}']")
    else:
        for dimension, score in zip(DIMENSIONS, (0, 1, 2, 3, 2), strict=True):
            page.run(
                "arguments[0].parentNode.click()", page.wait(f"[data-score={dimension}-{score}]")
            )
    page.tap("#submit")


@pytest.mark.parametrize(
    "hand",
    ["keyboard", *(pytest.param(hand, marks=pytest.mark.slow) for hand in ("mouse", "touch"))],
)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("protocol", ["pairwise", "ranking", "rating"])
def test_a_vote_from_start_to_store(open_page, demo_texts, protocol, language, hand):
    page, service = open_page(demo_texts)
    page.size(PHONE if hand == "touch" else DESKTOP, dark=hand == "touch")
    page.start(protocol, language)
    assert page.run(FITS)
    page.shot(f"{protocol}-{language}-{hand}")
    (by_keyboard if hand == "keyboard" else by_pointer)(page, protocol)
    page.voted(1)
    (ballot,) = service.store.ballots("demo")
    assert (ballot.protocol, ballot.interface_language) == (protocol, language)
    assert (
        positions(ballot)
        == {
            "pairwise": "left",
            "ranking": [[2], [0], [3], [1], [4]],
            "rating": dict(zip(DIMENSIONS, (0, 1, 2, 3, 2), strict=True)),
        }[protocol]
    )
    assert 0 < ballot.dwell_s <= ballot.elapsed_s + 0.1
    assert len(ballot.depths) == len(ballot.shown)
    assert min(ballot.depths) == ballot.scroll
    for name in ballot.shown:
        assert name not in page.driver.page_source
    page.shot(f"{protocol}-{language}-{hand}-after")
    assert page.complaints() == []


def test_a_ranking_takes_at_most_eight_key_presses(open_page, texts_of):
    page, service = open_page(texts_of())
    page.start("ranking", "zh")
    presses = ["5", "4", "3", "2", Keys.ENTER]
    assert len(presses) <= 8
    page.press(*presses)
    page.voted(1)
    assert json.loads(service.store.ballots("demo")[0].verdict) == list(
        reversed(service.store.ballots("demo")[0].shown)
    )


def test_practice_comes_first_and_is_not_stored(open_page, texts_of):
    page, service = open_page(texts_of())
    page.start("pairwise", "en", practised=False)
    assert "not stored" in page.text(".banner")
    page.press(Keys.ARROW_RIGHT, Keys.ENTER)
    page.until(lambda: not page.all(".banner"))
    assert service.store.ballots("demo") == []
    page.press("b", Keys.ENTER)
    page.voted(1)
    assert [b.verdict for b in service.store.ballots("demo")] == ['"both_bad"']


def test_nothing_in_the_page_names_a_model_before_the_vote(open_page, demo_texts):
    page, service = open_page(demo_texts)
    for protocol in STUDY.protocols:
        page.start(protocol, "zh")
        source = page.run(
            "return document.documentElement.outerHTML + JSON.stringify(localStorage)"
        )
        assert not [name for name in service.collection.variants if name in source]
    asked = [
        json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")
    ]
    urls = [
        m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"
    ]
    assert len(urls) > 20
    assert all(url.startswith((page.url, "data:")) for url in urls)


SKELETONS = """
const [items, protocol, done] = arguments;
import('/page/reader.js').then(({ Reader }) => {
  const skeletons = items.map((item) => {
    const host = document.createElement('div');
    host.append(...new Reader(item, protocol).nodes.filter(Boolean));
    return [item.prompt, ...item.answers].reduce((html, text) => html.replace(text, ''), host.innerHTML);
  });
  done([...new Set(skeletons)]);
});
"""


@pytest.mark.parametrize("protocol", STUDY.protocols)
def test_the_dom_of_200_assignments_differs_in_nothing_but_the_texts(open_page, texts_of, protocol):
    alike = [
        dataclasses.replace(t, article=t.article.partition(".")[0]) for t in texts_of(prompts=60)
    ]
    page, service = open_page(alike)
    items: list[object] = []
    for number in itertools.takewhile(lambda _: len(items) < 200, itertools.count()):
        queue = service.admit(f"rater{number}", protocol, "zh")
        while len(items) < 200 and queue.next():
            items.append(service.view(protocol, queue)["item"])
            queue.done.add(queue.next())
    assert len(items) == 200
    page.start(protocol, "zh")
    skeletons = page.driver.execute_async_script(SKELETONS, items, protocol)
    assert len(skeletons) == 1
    assert "hand" not in skeletons[0]


def test_a_draft_outlives_a_reload_and_undo_takes_it_back_step_by_step(open_page, texts_of):
    page, service = open_page(texts_of())
    page.start("ranking", "zh")
    page.press("2", "5")
    page.driver.refresh()
    page.start("ranking", "zh")
    assert [chip.text for chip in page.all(".chip")] == ["2", "5"]
    page.press(Keys.BACKSPACE)
    assert [chip.text for chip in page.all(".chip")] == ["2"]
    page.press("1", "3", "4")
    assert [chip.text for chip in page.all(".chip")] == ["2", "1", "3", "4", "5"]
    page.press("z")
    assert [chip.text for chip in page.all(".chip")] == ["2", "1", "3"]
    assert service.store.ballots("demo") == []


def test_chips_can_be_dragged_to_another_place(open_page, texts_of):
    page, _ = open_page(texts_of())
    page.start("ranking", "zh")
    page.press("1", "2", "3", "4")
    chip, target = page.wait("[data-chip='4']"), page.wait("[data-slot='0']")
    ActionChains(page.driver).drag_and_drop(chip, target).perform()
    page.until(lambda: [chip.text for chip in page.all(".chip")] == ["4", "1", "2", "3", "5"])


def test_ties_are_made_with_the_equals_key_where_the_study_allows_them(open_page, texts_of):
    page, service = open_page(texts_of(), dataclasses.replace(STUDY, ties=True))
    page.start("ranking", "zh")
    page.press("1", "2", "=", "3", "4", "5", Keys.ENTER)
    page.voted(1)
    (ballot,) = service.store.ballots("demo")
    a, b, c, d, e = ballot.shown
    assert json.loads(ballot.verdict) == [a, [b, c], d, e]


def test_tags_comment_and_report_travel_with_the_vote(open_page, texts_of):
    page, service = open_page(texts_of())
    page.start("pairwise", "zh")
    page.press("t")
    page.tap("[data-tag='cliched@0']")
    page.tap("[data-tag='voice_distinct@1']")
    page.tap("[data-tag='cliched@0']")
    page.press("c")
    page.press("b", "t", " ", "1")
    page.tap(".why input[type=checkbox]")
    page.shot("tags")
    page.size(PHONE)
    assert page.run(FITS)
    page.shot("tags-phone")
    page.size(DESKTOP)
    page.tap("#submit")
    page.voted(1)
    (ballot,) = service.store.ballots("demo")
    about = f"voice_distinct@{ballot.shown[1]}"
    assert (ballot.verdict, ballot.tags, ballot.comment) == ('"tie"', (about,), "bt 1")
    assert ballot.reported


def test_tabs_turn_the_pages_of_a_phone(open_page, demo_texts):
    page, _ = open_page(demo_texts)
    page.size(PHONE)
    page.start("ranking", "zh")
    page.tap(".tabs button:nth-child(4)")
    left = "return document.querySelectorAll('.pane')[3].getBoundingClientRect().left"
    page.until(lambda: abs(page.run(left)) <= 1)
    page.wait(".tabs button:nth-child(4)[aria-selected=true]")


def test_after_twenty_minutes_a_rest_is_offered_once(open_page, texts_of):
    page, _ = open_page(texts_of())
    page.start("pairwise", "en")
    page.run("const now = Date.now; Date.now = () => now() + 21 * 60 * 1000")
    page.press("t", Keys.ENTER)
    page.says("#notice", "twenty minutes")


def test_a_set_ends_with_thanks_history_and_withdrawal(open_page, texts_of):
    page, service = open_page(texts_of(), dataclasses.replace(STUDY, items_per_rater=2, repeats=0))
    page.start("ranking", "en")
    for done in (1, 2):
        page.press("s", Keys.ENTER)
        page.voted(done)
    page.says("h1", "Thank you")
    assert not set(service.collection.variants) & set(page.text("main").split())
    page.tap("#authors")
    for ballot in service.store.ballots("demo"):
        page.says("#sheet", f"by {ballot.shown[4]}")
    page.shot("authors")
    page.tap("#sheet .close")
    page.run("window.confirm = () => true")
    page.tap("[data-tool=history], .go button:nth-of-type(3)")
    page.tap("[data-withdraw]")
    page.says("#sheet", "withdrawn")
    assert len(service.store.tombstones()) == 1


def test_a_lost_connection_keeps_the_choice(open_page, texts_of):
    page, service = open_page(texts_of())
    page.start("pairwise", "en")
    page.driver.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    page.tap("[data-tool=history]")
    page.says("#notice", "cannot be reached")
    page.run("document.activeElement.blur()")  # Enter would press the button again
    page.press(Keys.ARROW_LEFT, Keys.ENTER)
    page.says("#notice", "cannot be reached")
    online = offline | {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
    page.driver.execute_cdp_cmd("Network.emulateNetworkConditions", online)
    assert service.store.ballots("demo") == []
    page.press(Keys.ENTER)
    page.voted(1)
    assert len(service.store.ballots("demo")) == 1
    page.until(lambda: not page.wait("#notice").is_displayed())


def test_a_lost_answer_leads_to_no_second_vote(open_page, texts_of):
    page, service = open_page(texts_of())
    page.start("pairwise", "en")
    page.intercept(after="if (!state.lost) { state.lost = true; throw new TypeError(); }")
    item = page.text(".prose")
    page.press(Keys.ARROW_LEFT, Keys.ENTER)
    page.says("#notice", "cannot be reached")
    page.press(Keys.ENTER)
    page.says("#notice", "already")
    page.until(lambda: page.all(".prose") and page.text(".prose") != item)
    assert len(service.store.ballots("demo")) == 1


@pytest.fixture
def wait(monkeypatch):
    """Lets seconds pass on the server's clock."""
    passed: list[float] = []
    ahead = SimpleNamespace(time=lambda: time.time() + sum(passed))
    monkeypatch.setattr("coig_writer.arena.server.service.time", ahead)
    return passed.append


@pytest.mark.parametrize("reload", [False, True])
def test_a_text_that_was_open_while_the_server_started_anew_was_shown(
    open_page, texts_of, wait, reload
):
    page, service = open_page(texts_of())
    page.start("pairwise", "en")
    wait(60)
    service._queues.clear()  # what a server knows that starts
    if reload:
        page.driver.refresh()
        page.start("pairwise", "en")
    page.press(Keys.ARROW_LEFT, Keys.ENTER)
    page.voted(1)
    (ballot,) = service.store.ballots("demo")
    assert ballot.elapsed_s > 60


def test_a_vote_that_a_vanished_machine_took_along_is_given_again(open_page, texts_of, wait):
    page, service = open_page(texts_of())
    page.start("pairwise", "en")
    wait(60)
    page.press(Keys.ARROW_LEFT, Keys.ENTER)
    page.voted(1)
    (lost,) = service.store.ballots("demo")
    with service.store.engine.begin() as connection:  # the disk is gone since the last push
        connection.exec_driver_sql("DELETE FROM ballots")
    service._queues.clear()
    page.intercept(
        before="state.votes = (state.votes ?? 0) + 1; if (state.votes === 2) throw new TypeError();"
    )
    page.press("t", Keys.ENTER)  # the copy of the lost one is sent then, and does not arrive
    page.until(lambda: page.run("return state.votes") == 2)
    page.start("pairwise", "en")
    page.says("#notice", "sent again")
    page.wait("#submit")
    there = {b.item: b for b in service.store.ballots("demo")}
    again = there.pop(lost.item)
    assert (again.verdict, *(b.verdict for b in there.values())) == ('"left"', '"tie"')
    assert again.dwell_s == lost.dwell_s
    assert again.elapsed_s > lost.elapsed_s > 60


def test_a_refused_invitation_is_a_page_that_says_so(open_page, texts_of):
    page, _ = open_page(texts_of())
    page.driver.get(f"{page.url}/?invite=AAAA&lang=en")
    page.says(".lead", "by invitation")
    page.driver.get(f"{page.url}/?invite=AAAA&lang=zh")
    page.says(".lead", "凭邀请参加")


def test_panes_are_equal_and_scroll_alone_or_together(open_page, demo_texts):
    page, _ = open_page(demo_texts)
    page.size((1280, 600))
    page.start("pairwise", "en")
    boxes = page.run(
        "return [...document.querySelectorAll('.scroller')].map(s => [s.clientWidth, s.clientHeight])"
    )
    assert boxes[0] == boxes[1]
    tops = "return [...document.querySelectorAll('.scroller')].map(s => s.scrollTop)"
    scroll = "document.querySelector('.scroller').scrollTop = 150"
    page.run(scroll)
    page.run(FRAMES)
    assert page.run(tops)[1] == 0
    page.run("document.querySelector('.scroller').scrollTop = 0")
    page.tap("[data-tool=linked]")
    page.run(scroll)
    page.until(lambda: page.run(tops)[1] > 0)


def test_text_size_theme_and_language_switch_at_once(open_page, texts_of):
    page, _ = open_page(texts_of())
    page.start("pairwise", "zh")
    size = "return parseFloat(getComputedStyle(document.querySelector('.prose')).fontSize)"
    before = page.run(size)
    page.tap("[data-tool=size]")
    assert page.run(size) > before
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = page.run(paper)
    page.tap("[data-tool=theme]")
    page.tap("[data-tool=theme]")
    assert page.run(paper) != light
    page.tap("[data-tool=language]")
    assert "Left is better" in page.text("#verdict")


def test_everything_that_can_be_pressed_has_a_name(open_page, demo_texts):
    page, _ = open_page(demo_texts)
    for protocol in STUDY.protocols:
        page.start(protocol, "en")
        page.press("s")
        nameless = page.run(
            "return [...document.querySelectorAll('button, input, textarea, a, [tabindex=\"0\"]')]"
            ".filter(n => !(n.getAttribute('aria-label') || n.textContent.trim() || n.labels?.length))"
            ".map(n => n.outerHTML)"
        )
        assert nameless == []
        assert page.run("return document.querySelectorAll('main').length") == 1


HOSTILE = {
    "html": "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    "<style>*{display:none}</style><iframe src='https://example.org'></iframe>",
    "markdown": "# T\n[click](javascript:alert(1)) ![p](https://example.org/p.png) "
    "<b onclick=alert(1)>b</b> `</code><script>` **<i>x</i>**",
    "rtl": "abc \u202etxet desrever\u202c \u2067isolated\u2069 ع\u061cربي",
    "long": "无" * 100_000,
    "stars": "*" * 20_000 + "\n" + "[" * 20_000 + "\n" + "`a" * 10_000 + "\n" + "- " * 9_000,
}


def hostile_texts(texts_of):
    names = ("m1", "m2", "m3", "m4", "m5")
    return [
        dataclasses.replace(t, article=list(HOSTILE.values())[names.index(t.variant)])
        for t in texts_of(names, 2)
    ]


def test_hostile_answers_change_nothing_and_call_nobody(open_page, texts_of):
    page, service = open_page(hostile_texts(texts_of))
    page.start("ranking", "zh")
    page.run(FRAMES)
    inside = page.run(
        "return [...document.querySelectorAll('.prose *')].map(n => n.tagName + [...n.attributes]"
        ".map(a => a.name).join()).filter((v, i, all) => all.indexOf(v) === i).sort()"
    )
    assert set(inside) <= {
        "P", "Pclass", "SPANclass", "SPAN", "H4", "STRONG", "EM", "CODE", "PRE", "HR", "H4class",
    }  # fmt: skip
    assert page.driver.title == "盲评"
    shown = page.run("return [...document.querySelectorAll('.prose')].map(n => n.textContent)")
    assert any("<script>document.title='owned'</script>" in text for text in shown)
    assert max(map(len, shown)) == 100_000
    assert not any(mark in text for text in shown for mark in "\u202e\u2067\u061c")
    asked = [
        json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")
    ]
    urls = [
        m["params"]["request"]["url"] for m in asked if m["method"] == "Network.requestWillBeSent"
    ]
    assert all(url.startswith((page.url, "data:")) for url in urls)
    assert page.run(FITS)
    page.press(*"12345", Keys.ENTER)
    page.voted(1)
    assert len(service.store.ballots("demo")) == 1
    assert page.complaints() == []


def test_prose_draws_a_little_markdown_and_keeps_lines(open_page, texts_of):
    page, _ = open_page(texts_of())
    page.start("pairwise", "zh")
    drawn = page.driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "import('/page/prose.js').then(({ prose }) => { const d = document.createElement('div');"
        "d.append(prose(arguments[0])); done(d.innerHTML); })",
        "# 题目\n一行 **重** *轻* `码`\n二行\n\n- 甲\n1. 乙\n> 引\n---\n\\*原样\\* 3 * 4 * 5\n"
        "***重而轻*** \\[括号\\] \\(甲\\)\n***\n| 时 | 事 |\n|:--|---|\n| 卯 | **出门** |\n甲 | 乙",
    )
    assert drawn == (
        "<h4>题目</h4><p>一行 <strong>重</strong> <em>轻</em> <code>码</code></p><p>二行</p>"
        '<p class="item gap"><span class="marker">•</span><span>甲</span></p>'
        '<p class="item"><span class="marker">1.</span><span>乙</span></p>'
        '<p class="quote">引</p><hr><p>*原样* 3 * 4 * 5</p>'
        "<p><strong><em>重而轻</em></strong> [括号] \\(甲\\)</p><hr>"
        "<table><thead><tr><th>时</th><th>事</th></tr></thead><tbody><tr><td>卯</td>"
        "<td><strong>出门</strong></td></tr><tr><td>甲</td><td>乙</td></tr></tbody></table>"
    )


def test_both_interface_languages_say_the_same_things(open_page, texts_of):
    page, _ = open_page(texts_of())
    page.start("pairwise", "zh")
    keys = page.driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "import('/page/strings.js').then(({ STRINGS }) => done(['zh', 'en'].map(l =>"
        " [Object.keys(STRINGS[l]).sort(), Object.keys(STRINGS[l].dimensions).sort(),"
        " Object.values(STRINGS[l].dimensions).map(d => d[1].length)])))"
    )
    assert keys[0] == keys[1]
    assert keys[0][1] == sorted(DIMENSIONS)
    assert set(keys[0][2]) == {4}


def test_a_refused_choice_on_the_results_page_says_so_and_is_tried_again(open_page, demo_texts):
    page, _ = open_page(demo_texts, STUDY)
    page.driver.get(f"{page.url}/results?lang=en")
    chosen = "[data-protocol=ranking][aria-pressed=true]"
    page.wait(".empty")
    page.run(
        "const ask = window.fetch; let refused = false; window.fetch = (...all) => {"
        " if (refused) return ask(...all); refused = true;"
        " return Promise.resolve(new Response('{}', { status: 429 })); };"
    )
    page.tap("[data-protocol=ranking]")
    page.says("[role=alert]", "wait a moment and try again")
    page.tap("#retry")
    page.wait(chosen)
    assert "protocol=ranking" in page.driver.current_url
    assert page.complaints() == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_results_page_says_there_are_no_votes_until_there_are(
    open_page, demo_texts, language, monkeypatch
):
    monkeypatch.setattr("coig_writer.arena.server.board.FRESH_S", -1)
    monkeypatch.setattr("coig_writer.arena.server.board.STAYS", 0)
    page, service = open_page(demo_texts, dataclasses.replace(STUDY, results_after=2))
    page.driver.get(f"{page.url}/results?lang={language}")
    assert {"zh": "还没有投票", "en": "No votes yet"}[language] in page.text(".empty")
    for rater in ("a", "b"):
        queue = service.admit(rater, "pairwise", "zh")
        for verdict in ("left", "tie"):
            service.vote(rater, "pairwise", "zh", Vote(queue.next(), verdict))
    page.driver.get(f"{page.url}/results?lang={language}&texts=zh")
    page.wait(".results table")
    assert "n = 1" in page.text("table")
    page.shot(f"results-{language}")
    page.size(PHONE, dark=True)
    assert page.run(FITS)
    assert page.complaints() == []


SMALL = {
    "a laptop at 200 %": (683, 384),
    "a phone on its side": (740, 360),
    "a small one": (667, 375),
}
SEEN = """
const floor = Math.min(innerHeight, document.querySelector('#verdict').getBoundingClientRect().top);
return [...document.querySelectorAll('.scroller')].map(s => Math.min(s.getBoundingClientRect().bottom, floor)
  - s.getBoundingClientRect().top);
"""


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", SMALL.values(), ids=SMALL)
def test_on_a_low_screen_most_of_the_height_is_text(open_page, demo_texts, size, language):
    page, _ = open_page(demo_texts)
    page.size(size)
    for protocol, key in (("pairwise", "t"), ("ranking", "s"), ("rating", "s")):
        page.start(protocol, language)
        page.press(key)  # the reasons have appeared
        page.run(FRAMES)
        assert min(page.run(SEEN)) >= 0.55 * size[1]
        assert page.run(FITS)


def test_the_reasons_make_room_when_the_page_is_zoomed_or_turned(open_page, texts_of):
    page, _ = open_page(texts_of())
    page.start("pairwise", "zh")
    page.press("t")
    page.wait(".why[open]")
    for size in SMALL.values():
        page.size(size)
        page.until(lambda size=size: min(page.run(SEEN)) >= 0.55 * size[1])
    page.tap(".why summary")
    page.press("t")  # the bar is drawn anew, and what the rater opened stays open
    assert page.all(".why[open]")
    page.size(DESKTOP)
    page.wait(".why[open]")


def test_the_page_for_programs_opens_by_its_address(chromium, texts_of, tmp_path, root):
    store = Store(sqlite_url(tmp_path / "ballots.sqlite"))
    service = StudyService(STUDY, collect(texts_of()), store, Identity(b"k" * 32))
    with launched(service) as url:
        page = Page(chromium, url, root / "build" / "screens")
        chromium.get(f"{url}/?view=api")
        page.says(".api-docs", "4 API endpoints")


def test_what_is_drawn_anew_keeps_the_focus(open_page, texts_of):
    page, _ = open_page(texts_of())
    page.start("pairwise", "zh")
    name = "const a = document.activeElement; return a.dataset.tool || a.dataset.choice || a.id"
    for selector in ("[data-choice=tie]", "[data-tool=size]", "[data-tool=language]"):
        page.run("document.querySelector(arguments[0]).focus()", selector)
        page.press(Keys.SPACE)
        page.run(FRAMES)
        assert page.run(name) in selector
    page.start("ranking", "zh")
    page.run("document.querySelector('[data-put]').focus()")
    page.press(Keys.SPACE)
    page.run(FRAMES)
    assert page.run(name) == "main"  # the button is gone; its text is not
    page.start("pairwise", "zh")
    page.run("document.querySelector('#skip').focus()")
    page.press(Keys.SPACE, Keys.TAB, Keys.TAB)
    page.run("document.querySelector('#submit').focus()")
    page.press(Keys.ENTER)
    page.voted(1)
    assert page.run(name) == "main"


def test_the_choice_stays_while_its_vote_is_under_way(open_page, texts_of):
    page, service = open_page(texts_of())
    page.start("pairwise", "zh")
    page.intercept(before="await new Promise(done => { state.goOn = done; });")
    page.press(Keys.ARROW_LEFT, Keys.ENTER)
    page.wait("#submit[disabled]")
    page.press(Keys.ARROW_RIGHT, Keys.BACKSPACE, "s", Keys.ENTER)
    page.tap("[data-tag='cliched@0']")
    assert [
        node.get_attribute("data-choice") for node in page.all("[data-choice][aria-pressed=true]")
    ] == ["left"]
    assert page.run("return document.querySelector('#comment').readOnly")
    page.run("state.goOn()")
    page.voted(1)
    (ballot,) = service.store.ballots("demo")
    assert (ballot.verdict, ballot.tags) == ('"left"', ())


def test_axe_finds_nothing_in_the_pages(open_page, demo_texts, root, monkeypatch):
    monkeypatch.setattr("coig_writer.arena.server.board.FRESH_S", -1)
    monkeypatch.setattr("coig_writer.arena.server.board.STAYS", 0)
    page, service = open_page(demo_texts, dataclasses.replace(STUDY, results_after=2))
    violations_by_page: dict[tuple[object, ...], list[tuple[str, str]]] = {}

    def look(name):
        page.run(FRAMES)
        if violations := page.axe(root):
            violations_by_page[name, size, dark] = violations

    for rater in "abcdefgh":
        queue = service.admit(rater, "pairwise", "zh")
        service.vote(rater, "pairwise", "zh", Vote(queue.next(), "left"))
    for size, dark in ((DESKTOP, False), (PHONE, True), (SMALL["a laptop at 200 %"], False)):
        page.size(size, dark=dark)
        page.driver.get(f"{page.url}/?lang=zh")
        page.wait("#agree")
        look("start")
        for protocol in STUDY.protocols:
            page.start(protocol, "zh")
            page.press("s")
            look(protocol)
        page.run("document.querySelector('[data-tool=history]').click()")
        page.wait("#sheet[open]")
        look("history")
        page.driver.get(f"{page.url}/results?lang=en&texts=zh")
        page.wait(".results table")
        look("results")
    assert violations_by_page == {}


def test_axe_finds_only_gradios_footer_in_the_blocks_pages(open_page, texts_of, root):
    """What it finds in the footer is listed in decision 20."""
    page, service = open_page(texts_of(), with_tables=True)
    key = service.identity.operator(STUDY.study)
    for address in (f"{page.url}/gradio/", f"{page.url}/?operator={key}"):
        page.driver.get(address)
        page.wait("footer")
        page.wait("table")
        assert page.axe(root, exclude="footer") == [], address
        in_footer = {rule for rule, _ in page.axe(root)}
        assert in_footer <= {"color-contrast", "image-redundant-alt"}


def kept_drafts(page):
    return page.run("return JSON.parse(localStorage['arena.drafts'] ?? '{}')")


def test_language_reload_and_return_keep_place_dwell_and_depth(open_page, demo_texts):
    page, service = open_page(demo_texts)
    page.start("pairwise", "zh")
    page.run("window.shownAt = performance.now()")
    page.run("document.querySelectorAll('.scroller')[0].scrollTop = 99999")
    page.run("document.querySelectorAll('.scroller')[1].scrollTop = 120")
    page.press("t")
    page.run(FRAMES)
    page.until(lambda: page.run("return performance.now() - window.shownAt > 2500"))
    top = "return document.querySelectorAll('.scroller')[1].scrollTop"
    page.tap("[data-tool=language]")
    page.run(FRAMES)
    assert page.run(top) == 120
    assert page.run("return document.querySelector('#submit').disabled") is False
    page.driver.refresh()
    page.wait("#agree")
    page.run("document.querySelector('#agree').click(); document.querySelector('#begin').click()")
    page.wait("#submit")
    page.run(FRAMES)
    assert page.run(top) == 120
    page.press(Keys.ENTER)
    page.voted(1)
    (ballot,) = service.store.ballots("demo")
    assert ballot.depths[0] == 1.0
    assert 0 < ballot.depths[1] < 1
    assert 2 < ballot.dwell_s <= ballot.elapsed_s + 0.1


def test_on_a_phone_only_the_text_in_view_was_read(open_page, demo_texts):
    page, service = open_page(demo_texts)
    page.size(PHONE)
    page.start("ranking", "zh")
    page.run(FRAMES)
    page.tap(".tabs button:nth-child(2)")
    page.until(
        lambda: (
            abs(
                page.run(
                    "return document.querySelectorAll('.pane')[1].getBoundingClientRect().left"
                )
            )
            <= 1
        )
    )
    page.run("document.querySelectorAll('.scroller')[1].scrollTop = 99999")
    page.run(FRAMES)
    page.press("s", Keys.ENTER)
    page.voted(1)
    (ballot,) = service.store.ballots("demo")
    assert ballot.depths[1] == 1.0
    assert 0 < ballot.depths[0] < 1
    assert ballot.depths[2:] == (0, 0, 0)
