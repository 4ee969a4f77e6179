from __future__ import annotations

import json
from pathlib import Path

import pytest

from coig_writer import command_line
from coig_writer.arena.server import command
from coig_writer.arena.server.backup import Folder
from coig_writer.arena.server.command import find_study, named_texts, opened
from coig_writer.arena.server.database import StoreError
from coig_writer.arena.server.service import Vote
from coig_writer.ballot import Ballot
from coig_writer.errors import ConfigError, DriftError, KitError, run_command
from coig_writer.files import read_records, write_records
from coig_writer.generation import Generation
from space.app import GROUP


@pytest.fixture
def pack(tmp_path: Path, texts_of) -> Path:
    records = [
        Generation(
            variant=t.variant,
            query_id=t.query_id,
            language=t.language,
            genre=t.genre,
            prompt=t.prompt,
            text=t.article,
            reasoning=None,
            article=t.article,
            reasoning_state="absent",
            finish_reason="stop",
            n_tokens=None,
            seed=None,
            sampling=None,
            model="none",
            revision=None,
        )
        for t in texts_of()
    ]
    write_records(tmp_path / "pack.jsonl", records, Generation)
    return tmp_path / "pack.jsonl"


@pytest.fixture
def study_file(tmp_path: Path, pack: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(
        "study: trial\nmode: invited\nraters: [甲, 乙]\nannotators: [丙]\n"
        f"protocols: [ranking]\ngenerations: [{pack.name}]\n",
        encoding="utf-8",
    )
    return path


@pytest.fixture(autouse=True)
def app(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "APP", tmp_path / "space")


def run(tmp_path, *words) -> int | None:
    folder = [] if words[:1] == ("plan",) else ["--folder", tmp_path / "arena"]
    return command_line.run(GROUP, [*map(str, (*words, *folder))])


def typed(tmp_path, *words) -> int:
    return run_command(lambda: run(tmp_path, *words))


def service_of(tmp_path, study=None, generations=None, wpb=None):
    return opened(*named_texts(study, generations, wpb), tmp_path / "arena")[0]


@pytest.mark.parametrize("words", [["serve"], ["workbench", "serve"]])
def test_a_port_that_there_is_not_is_a_sentence(words, capsys):
    assert command_line.run(GROUP, [*words, "--port", "99999"]) == command_line.USAGE
    assert "less than or equal to 65535" in capsys.readouterr().err


def test_plan_speaks_before_there_is_any_vote(tmp_path, study_file, capsys):
    assert typed(tmp_path, "plan", "--study", study_file) == 0
    said = capsys.readouterr().out
    assert "2 seats" in said
    assert "two models meet on 6 prompts" in said
    assert not (tmp_path / "arena").exists()


def test_invite_gives_each_rater_a_link_of_their_own(tmp_path, study_file, capsys):
    assert typed(tmp_path, "invite", "--study", study_file, "--url", "https://x.hf.space/") == 0
    lines = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [name for name, _ in lines] == ["甲", "乙"]
    service = service_of(tmp_path, study_file)
    for name, url in lines:
        token = url.removeprefix("https://x.hf.space/?invite=")
        assert service.identity.invited("trial", service.study.raters, token) == name


def test_a_study_with_a_single_rater_is_warned_of_at_every_start(tmp_path, study_file, capsys):
    text = study_file.read_text(encoding="utf-8").replace("[甲, 乙]", "[甲]")
    study_file.write_text(text + "overlap: {share: 0}\n", encoding="utf-8")
    typed(tmp_path, "progress", "--study", study_file)
    assert "one rater only" in capsys.readouterr().err


def test_progress_counts_by_rater(tmp_path, study_file, capsys):
    service = service_of(tmp_path, study_file)
    assert typed(tmp_path, "progress", "--study", study_file) == 0
    place = tmp_path / "arena" / "ballots.sqlite"
    assert f"no votes yet in {place}" in capsys.readouterr().out  # a mistyped folder shows
    rater = service.identity.rater("invited", "乙")
    item = service.admit(rater, "ranking", "zh").next()
    service.vote(rater, "ranking", "zh", Vote(item, "skip"))
    typed(tmp_path, "progress", "--study", study_file)
    said = capsys.readouterr().out
    assert "ranking, zh: 1 ballots" in said
    assert f"乙: 1 of {len(service.seats('ranking', 'zh')[1])}" in said


def ranking_file(tmp_path: Path, models, query="zh-0") -> Path:
    answers = [
        {"rank": i + 1, "source_file": f"{m}.json", "my_response": "x"}
        for i, m in enumerate(models)
    ]
    row = {"sequence_number": 1, "question_id": query, "prompt": "p", "ranked_responses": answers}
    path = tmp_path / "ranking.json"
    path.write_text(json.dumps([row]), encoding="utf-8")
    return path


def test_an_import_reaches_the_backup_too(tmp_path, study_file, monkeypatch, capsys):
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("ARENA_BACKUP", str(tmp_path / "data"))
    path = ranking_file(tmp_path, ("g", "cw", "cw_1k", "cw_10k", "cw_5k"))
    words = ("import", "--study", study_file, "--rater", "甲", "--rankings", path)
    assert typed(tmp_path, *words) == 0
    files = (tmp_path / "data" / "ballots").glob("*.jsonl")
    assert '"table": "ballots"' in "".join(file.read_text() for file in files)
    monkeypatch.setattr(Folder, "write", lambda *_: 1 / 0)
    service_of(tmp_path, study_file).store.reveal("trial", "r", [("zh-0", "g")])  # to be pushed
    assert typed(tmp_path, *words) == 1
    assert "in the store alone" in capsys.readouterr().err


def test_import_and_export_meet(tmp_path, study_file, capsys):
    models = ("g", "cw", "cw_1k", "cw_10k", "cw_5k")
    words = ("import", "--study", study_file, "--rater", "甲", "--rankings")
    path = ranking_file(tmp_path, models)
    assert typed(tmp_path, *words, path) == 0
    assert typed(tmp_path, *words, path) == 0
    assert "0 rankings added, 1 were there already" in capsys.readouterr().out
    other = ranking_file(tmp_path, models[::-1])
    assert typed(tmp_path, *words, other) == 0
    assert "1 left out: the rater already ranked those prompts otherwise" in capsys.readouterr().out
    assert typed(tmp_path, "export", "--study", study_file, "--out", tmp_path / "out") == 0
    (ballot,) = read_records(tmp_path / "out" / "ballots.parquet", Ballot)
    assert json.loads(ballot.verdict) == list(models)


@pytest.mark.parametrize(
    ("model", "query", "rater", "message"),
    [
        ("gpt", "zh-0", "甲", "model 'gpt'"),
        ("cw", "zh-77", "甲", "query 'zh-77'"),
        ("cw", "zh-0", "丙", "annotated the data"),
        ("cw", "zh-0", "甲", "no rank for 'cw_10k'"),
        ("cw", "zh-0", "nobody", "is not a rater of this study"),
    ],
)
def test_an_import_that_does_not_belong_is_refused(
    tmp_path, study_file, model, query, rater, message
):
    path = ranking_file(tmp_path, ("g", model), query)
    words = ("import", "--study", study_file, "--rankings", path, "--rater", rater)
    with pytest.raises(KitError, match=message):
        run(tmp_path, *words)


def test_a_study_is_held_to_the_texts_it_was_begun_with(tmp_path, study_file, pack):
    service_of(tmp_path, study_file)
    service_of(tmp_path, study_file)
    pack.write_text(pack.read_text().replace("hand 1", "hand I"), encoding="utf-8")
    with pytest.raises(DriftError, match="other texts"):
        service_of(tmp_path, study_file)


def test_what_may_change_in_a_running_study_may_change(tmp_path, study_file):
    service_of(tmp_path, study_file)
    with study_file.open("a", encoding="utf-8") as file:
        file.write("results_after: 99\nconsent: {en: yes please}\n")
    assert service_of(tmp_path, study_file).study.results_after == 99


def test_without_a_study_file_votes_on_other_texts_never_mix(tmp_path, pack):
    one = service_of(tmp_path, generations=[pack]).study.study
    pack.write_text(pack.read_text().replace("hand 1", "hand I"), encoding="utf-8")
    assert service_of(tmp_path, generations=[pack]).study.study != one


def test_more_models_than_number_keys_are_not_ranked(tmp_path, texts_of, capsys):
    names = tuple(f"hand_{i}" for i in range(10))
    rows = [
        {"prompt_id": t.query_id, "genre_zh": "散文", "prompt": t.prompt, "model": t.variant}
        | {"response": t.article}
        for t in texts_of(names)
        if t.language == "zh"
    ]
    path = tmp_path / "wpb.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows if row["model"] != "hand_9"))
    assert service_of(tmp_path / "nine", wpb=path).study.protocols == (
        "pairwise",
        "ranking",
        "rating",
    )
    path.write_text("\n".join(map(json.dumps, rows)))
    assert service_of(tmp_path, wpb=path).study.protocols == ("pairwise", "rating")
    assert "no ranking of 10 models" in capsys.readouterr().err
    (tmp_path / "s.yaml").write_text("study: s\nprotocols: [ranking]\n")
    with pytest.raises(ConfigError, match="ranking of 10"):
        service_of(tmp_path, tmp_path / "s.yaml", wpb=path)


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"SPACE_ID": "o/n"}, "forgets its disk"),
        ({"ARENA_BACKUP": "o/n"}, "HF_TOKEN is not"),
        ({"ARENA_STORE": "votes.db"}, "unsupported database URL"),
    ],
)
def test_a_space_that_would_lose_votes_does_not_start(
    tmp_path, pack, monkeypatch, environment, message
):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("ARENA_SECRET", "x" * 40)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=message):
        service_of(tmp_path, generations=[pack])


def test_missing_texts_end_with_a_sentence_and_a_code(tmp_path, capsys):
    assert typed(tmp_path) == 1
    assert "no such file" in capsys.readouterr().err


def test_plan_and_import_name_what_the_scan_dropped(tmp_path, study_file, pack, capsys):
    rows = [json.loads(line) for line in pack.read_text(encoding="utf-8").splitlines()]
    (told,) = [r for r in rows if (r["variant"], r["query_id"]) == ("g", "zh-0")]
    told["text"] = told["article"] = f"我是通义千问，{told['article']}"
    pack.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert typed(tmp_path, "plan", "--study", study_file) == 0
    out = capsys.readouterr().out
    assert "scan: g: 1 answers refused, names a model or its maker" in out
    assert "scan: prompts left out: zh-0" in out
    path = ranking_file(tmp_path, ("g", "cw", "cw_1k", "cw_10k", "cw_5k"))
    words = ("import", "--study", study_file, "--rater", "甲", "--rankings", path)
    assert typed(tmp_path, *words) == 0
    out = capsys.readouterr().out
    assert "0 rankings added" in out
    assert "since the scan dropped the prompt: zh-0 by g: refused" in out
    with study_file.open("a", encoding="utf-8") as file:
        file.write("scan: false\n")
    assert typed(tmp_path, "plan", "--study", study_file) == 0
    out = capsys.readouterr().out
    assert "scan: switched off" in out
    assert "two models meet on 6 prompts" in out


@pytest.mark.parametrize("named", ["mine", "mine/study.yaml"])
def test_a_space_shows_the_study_of_its_own_folder(
    tmp_path, study_file, pack, monkeypatch, named, capsys
):
    space = tmp_path / "space"
    (space / "mine").mkdir(parents=True)
    study_file.rename(space / "mine" / "study.yaml")
    pack.rename(space / "mine" / pack.name)
    monkeypatch.setenv("ARENA_STUDY", named)
    assert typed(tmp_path, "plan") == 0
    assert "study trial" in capsys.readouterr().out
    monkeypatch.setenv("ARENA_STUDY", "elsewhere")
    assert typed(tmp_path, "plan") == 1
    assert "no file or folder beside app.py" in capsys.readouterr().err


@pytest.mark.parametrize("secret", ["", "x" * 40])
@pytest.mark.parametrize("in_the_way", ["arena", "arena/secret"])
def test_a_folder_that_is_none_is_named(tmp_path, pack, monkeypatch, secret, in_the_way):
    monkeypatch.setenv("ARENA_SECRET", secret)
    if in_the_way == "arena":
        (tmp_path / "arena").write_text("a file of somebody else")
    else:
        (tmp_path / in_the_way).mkdir(parents=True)
        if secret:  # then the kept one is not looked at
            assert service_of(tmp_path, generations=[pack])
            return
    with pytest.raises((ConfigError, StoreError), match=in_the_way):
        service_of(tmp_path, generations=[pack])


def test_a_name_too_long_for_a_path_is_no_study(tmp_path):
    with pytest.raises(ConfigError, match="no file or folder beside"):
        find_study("x" * 5000, tmp_path)
