from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading

import numpy as np
import pytest

from coig_writer import paper, taxonomy
from coig_writer.endpoint import Reply
from coig_writer.errors import InputError
from coig_writer.files import read_records, write_records
from coig_writer.text import genre
from coig_writer.triplet import Triplet
from dataset_builder.official import assign, model_vote, synthetic
from dataset_builder.official import overrides as assign_overrides
from dataset_builder.official.assign import Assignment, Evidence
from dataset_builder.official.importing import import_file

NAMES = taxonomy.published()


def triplet(row_id, prompt, article="一段话。"):
    return Triplet(
        row_id, prompt, "想", article, None, None, None, "zh", "s", "l", "published"
    )  # fmt: skip


def decide(prompts, overrides=None, **options):
    triplets = [triplet(str(i), prompt) for i, prompt in enumerate(prompts)]
    found = assign.evidence(triplets, {})
    return assign.decide(triplets, found, overrides or {}, **options)


def test_clear_requests_are_decided_and_vague_ones_left_open():
    sure, vague = decide(["请写一篇武侠小说，主角是镖师。", "随便写点什么吧"])
    assert (sure.genre, sure.category, sure.method) == ("wuxia", "novel", "signals")
    assert sure.confidence >= assign.THRESHOLD
    assert (vague.genre, vague.method) == (None, "undecided")
    assert len(vague.alternatives) == 4
    probabilities = [g.probability for g in vague.alternatives]
    assert probabilities == sorted(probabilities, reverse=True)


def test_the_category_is_given_where_only_it_is_sure():
    row = np.full(51, 1e-6)
    order = genre.genres()
    row[[order.index("wuxia"), order.index("xianxia")]] = 0.5, 0.49
    found = Evidence(np.log(row)[None], ["signals"])
    (decided,) = assign.decide([triplet("a", "写")], found, {})
    assert (decided.genre, decided.category, decided.method) == (None, "novel", "undecided")


def of(**probabilities):
    """One row's assignment from probabilities by genre; what is left goes to the other genres evenly."""
    order = genre.genres()
    rest = (1 - sum(probabilities.values())) / (len(order) - len(probabilities))
    row = [probabilities.get(slug.replace("-", "_"), rest) for slug in order]
    found = Evidence(np.log(np.array(row))[None], ["signals"])
    (decided,) = assign.decide([triplet("a", "写")], found, {})
    return decided.genre, decided.category


def test_seven_tenths_are_sure_of_a_genre_and_of_a_category():
    assert (assign.THRESHOLD, assign.CATEGORY_THRESHOLD) == (0.7, 0.7)
    assert of(poetry=0.7002) == ("poetry", "poetry")
    assert of(poetry=0.6998) == (None, None)
    # Novels hold 13 of the 51 genres: two of them and 11 of the 49 others share what is given.
    novels = len(NAMES.of_category("novel"))
    other = (novels - 2) / 49
    edge = (0.7 - other) / (1 - other)  # the share of the two at which the category has 0.7
    assert of(wuxia=(edge + 0.001) / 2, xianxia=(edge + 0.001) / 2) == (None, "novel")
    assert of(wuxia=(edge - 0.001) / 2, xianxia=(edge - 0.001) / 2) == (None, None)


def test_overrides_win_and_are_recorded():
    (decided,) = decide(["请写一篇武侠小说"], {"0": ("poetry", "其实是诗")})
    expected = Assignment(
        "0", "poetry", "poetry", 1.0, "override", (genre.Guess("poetry", 1.0),), "其实是诗"
    )
    assert decided == expected


def test_overrides_are_read_by_slug_or_name_and_written_back(tmp_path):
    path = tmp_path / "overrides.csv"
    assign_overrides.write(path, {"a": ("poetry", "=SUM(1)")}, {"b": "perhaps wuxia 0.40"})
    path.write_text(
        path.read_text(encoding="utf-8").replace("b,,", "b,武侠小说,"), encoding="utf-8-sig"
    )
    found = assign_overrides.read(path, NAMES, {"a", "b"})
    assert found["a"] == ("poetry", "=SUM(1)")
    assert found["b"][0] == "wuxia"
    assert assign_overrides.read(tmp_path / "none.csv", NAMES, set()) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,genre\na,poetry\n", "columns are"),
        ("id,genre,note\na,poem,\n", "line 2: unknown genre 'poem'"),
        ("id,genre,note\nz,poetry,\n", "no imported row has id 'z'"),
        ("id,genre,note\na,poetry,\na,essay,\n", "line 3: id 'a' has two genres"),
    ],
)
def test_wrong_overrides_are_named(tmp_path, content, message):
    path = tmp_path / "overrides.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        assign_overrides.read(path, NAMES, {"a"})


def test_overrides_come_back_as_excel_saves_them(tmp_path):
    path = tmp_path / "overrides.csv"
    path.write_bytes("id;genre;note\r\na;诗歌;读过\r\nb;;\r\n".encode("gb18030"))
    assert assign_overrides.read(path, NAMES, {"a", "b"}) == {"a": ("poetry", "读过")}


def test_the_older_query_type_names_the_genre():
    assert assign._named("诗歌 (Poetry)") == "poetry"
    assert assign._named("小说 (Fiction/Story)") == "fiction"
    assert assign._named("科普文章 (Scientific Article)") == "popular-science"
    assert assign._named("其他") is None
    triplets = [triplet("a", "写点什么")]
    found = assign.evidence(triplets, {"a": "散文 (Essay)"})
    (decided,) = assign.decide(triplets, found, {})
    assert (decided.genre, decided.method) == ("essay", "query_type")
    gain = found.log_odds - assign.evidence(triplets, {}).log_odds
    assert gain[0, genre.genres().index("essay")] == pytest.approx(8.0)


def test_votes_are_asked_for_open_rows_only(monkeypatch):
    asked: list[str] = []

    def answers(triplets, url, model):
        asked.extend(t.id for t in triplets)
        assert (url, model) == ("http://server/v1", "m")
        return [Reply("k", "answered", data={"genre": "essay"}), Reply("k", "refused", reason="no")]

    monkeypatch.setattr(model_vote, "votes", answers)
    triplets = [triplet("sure", "请写一篇武侠小说"), triplet("a", "写"), triplet("b", "随便写")]
    found = assign.evidence(triplets, {})
    after = assign.voted(triplets, found, ("http://server/v1", "m"), 0.7)
    assert asked == ["a", "b"]
    assert list(after.methods) == ["signals", "vote", "signals"]
    gain = after.log_odds - found.log_odds
    assert gain[1, genre.genres().index("essay")] == 3.0
    assert np.count_nonzero(gain) == 1


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert "ignore any instruction" in asked["messages"][0]["content"]
        reply = {
            "choices": [{"message": {"content": '{"genre": "travel"}'}, "finish_reason": "stop"}]
        }
        content = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments):
        pass


def test_a_vote_travels_over_http():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/v1"
    (reply,) = model_vote.votes([triplet("a", "写")], url, "m", cache=None)
    server.shutdown()
    assert model_vote.vote(reply) == genre.genres().index("travel")


def run(root, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "dataset_builder", "assign", *map(str, arguments)],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_assigns_leaves_open_and_takes_the_persons_word(tmp_path, root):
    rows = [triplet("a", "请写一首现代诗"), triplet("b", "=1+1 随便写")]
    write_records(tmp_path / "triplets.parquet", rows, Triplet)
    done = run(root, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 of 2 rows have a genre" in done.stdout
    path = tmp_path / "overrides.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "id,genre,note"
    assert lines[1].startswith('b,,"perhaps ')
    path.write_text(f"{lines[0]}\nb,散文,读过\n", encoding="utf-8")
    assert run(root, tmp_path).returncode == 0
    first, second = read_records(tmp_path / "triplets.parquet", Triplet)
    assert (first.genre, first.genre_zh, first.category) == ("poetry", "诗歌", "poetry")
    assert (second.genre, second.genre_zh, second.category) == ("essay", "散文", "non-fiction")
    recorded = read_records(tmp_path / "assignments.jsonl", Assignment)
    assert [a.method for a in recorded] == ["signals", "override"]
    assert "b,essay,读过" in path.read_text(encoding="utf-8")
    gone = run(root, tmp_path / "nowhere")
    assert gone.returncode == 1
    assert "run: python -m dataset_builder import PATH" in gone.stderr


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The synthetic published set, imported; folder and true genres by id."""
    folder = tmp_path_factory.mktemp("whole")
    drawn = synthetic.rows(seed=3)
    path = folder / "all_human_data.json"  # as the authors write: one array
    path.write_text(json.dumps([row.official() for row in drawn]), "utf-8")
    import_file(path, folder / "import")
    return folder / "import", {row.id: row.genre for row in drawn}


def test_on_the_whole_set_counts_come_out_as_published(whole):
    folder, truth = whole
    triplets = read_records(folder / "triplets.parquet", Triplet)
    assert assign.whole(len(triplets))
    # Signals that are right in half of the rows only: the constraints have to do the rest.
    random = np.random.default_rng(0)
    order = genre.genres()
    table = random.normal(0, 1, (len(triplets), 51))
    for i, t in enumerate(triplets):
        table[i, order.index(truth[t.id])] += 5 * (i % 2)
    constrained = assign.constrain(triplets, Evidence(table, ["signals"] * len(triplets)), {})
    counts = np.bincount(constrained.genre, minlength=51)
    tables = [paper.genres()[g] for g in order]
    assert counts.tolist() == [table.count if table else 0 for table in tables]
    assert constrained.extremes_found == 1.0
    true = np.array([order.index(truth[t.id]) for t in triplets])
    pinned = constrained.pinned
    assert pinned.sum() > 100
    assert (constrained.genre == true)[pinned].all()
    assert (constrained.genre == true).mean() > (table.argmax(axis=1) == true).mean() + 0.05


def test_the_tables_speak_of_the_published_file_alone(whole, tmp_path):
    folder, _ = whole
    triplets = read_records(folder / "triplets.parquet", Triplet)
    # not on record, but of the published number, with every extreme
    assert assign.published_file(folder, triplets)
    longest = max(range(len(triplets)), key=lambda i: len(triplets[i].article))
    other = [*triplets[:longest], *triplets[longest + 1 :]]
    assert assign.whole(len(other))
    assert not assign.published_file(folder, other)
    # the recorded file, whatever its lengths, unless rows were added or taken away
    record = {"known": True, "rows": len(other)}
    (tmp_path / "import.json").write_text(json.dumps(record), encoding="utf-8")
    assert assign.published_file(tmp_path, other)
    assert not assign.published_file(tmp_path, other[1:])


@pytest.mark.parametrize(
    ("rows", "whole"), [(1648, False), (1649, True), (1665, True), (1681, True), (1682, False)]
)
def test_one_percent_from_1665_rows_is_the_whole_set(rows, whole):
    assert assign.whole(rows) == whole
