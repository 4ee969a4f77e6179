from __future__ import annotations

import threading

import pytest

from coig_writer.arena.server.guard import Limit, Pace, RefusedError
from coig_writer.arena.server.identity import Identity, find_secret
from coig_writer.errors import ConfigError

IDENTITY = Identity(b"one secret")


def test_pseudonyms_are_stable_and_say_nothing():
    one = IDENTITY.rater("invited", "Zhang San")
    assert one == IDENTITY.rater("invited", "zhang san")
    assert one != IDENTITY.rater("account", "zhang san")
    assert one != Identity(b"another secret").rater("invited", "zhang san")
    assert len(one) == 22
    assert "hang" not in one


def test_parts_cannot_run_into_each_other():
    assert IDENTITY.sign("item", "ab", "c") != IDENTITY.sign("item", "a", "bc")


@pytest.mark.parametrize("value", [None, "", ".", "abc", "abc.", "abc.def", "é.é", "a.b.c"])
def test_a_cookie_not_made_here_is_nobody(value):
    assert IDENTITY.from_cookie(value) is None


def test_a_cookie_made_here_is_its_rater():
    assert IDENTITY.from_cookie(IDENTITY.cookie("r")) == "r"


def test_an_invitation_belongs_to_one_name_in_one_study():
    token = IDENTITY.invitation("s", "乙")
    assert IDENTITY.invited("s", ("甲", "乙"), token) == "乙"
    assert IDENTITY.invited("other", ("甲", "乙"), token) is None
    assert IDENTITY.invited("s", ("甲",), token) is None
    assert IDENTITY.invited("s", ("甲",), "é") is None


def test_the_secret_is_kept_beside_the_ballots_for_the_owner_alone(tmp_path, monkeypatch):
    monkeypatch.delenv("ARENA_SECRET", raising=False)
    secrets_read = []
    threads = [
        threading.Thread(target=lambda: secrets_read.append(find_secret(tmp_path)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(secrets_read)) == 1
    assert len(secrets_read[0]) >= 32
    assert [f.name for f in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("held", "good"), [("", False), (" \n", False), ("x" * 31, False), ("x" * 32, True)]
)
def test_a_secret_that_was_emptied_or_cut_is_refused(tmp_path, monkeypatch, held, good):
    monkeypatch.delenv("ARENA_SECRET", raising=False)
    (tmp_path / "secret").write_text(held)
    if good:
        assert find_secret(tmp_path) == held.encode()
        assert (tmp_path / "secret").stat().st_mode & 0o077 == 0
        return
    with pytest.raises(ConfigError, match="fewer than 32"):
        find_secret(tmp_path)


def test_on_a_space_the_secret_must_be_given(tmp_path, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "org/arena")
    monkeypatch.delenv("ARENA_SECRET", raising=False)
    with pytest.raises(ConfigError, match="ARENA_SECRET"):
        find_secret(tmp_path)
    monkeypatch.setenv("ARENA_SECRET", "short")
    with pytest.raises(ConfigError, match="5 characters") as refused:
        find_secret(tmp_path)
    assert "short" not in str(refused.value).replace("shorter", "")
    monkeypatch.setenv("ARENA_SECRET", "x" * 32)
    assert find_secret(tmp_path) == b"x" * 32


def test_a_limit_lets_a_burst_pass_and_then_the_stated_rate():
    clock = [0.0]
    limit = Limit(60, lambda: clock[0])
    assert [limit.allows("r") for _ in range(12)].count(True) == 10
    assert limit.allows("another")
    clock[0] += 1.0
    assert [limit.allows("r") for _ in range(3)] == [True, False, False]


def test_readers_wait_for_their_turn_and_are_refused_once_the_line_is_too_long():
    clock = [100.0]
    pace = Pace(50, lambda: clock[0])
    assert [pace.turn() for _ in range(3)] == pytest.approx([0.0, 0.02, 0.04])
    clock[0] += 0.05  # the third had its turn at 0.04; the next is free at 0.06
    assert pace.turn() == pytest.approx(0.01)
    clock[0] += 10
    assert pace.turn() == 0.0
    waits = [pace.turn() for _ in range(250)]  # the 250th waits five seconds, and is let through
    assert waits[-1] == pytest.approx(5.0)
    with pytest.raises(RefusedError) as refused:
        pace.turn()
    assert refused.value.status == 429
    clock[0] += 0.02
    assert pace.turn() == pytest.approx(5.0)


def test_a_limit_forgets_rather_than_grows():
    limit = Limit(60)
    for number in range(50_050):
        limit.allows(str(number))
    assert len(limit._buckets) == 50_000


def test_another_programs_secret_is_named_and_left_as_it_is(tmp_path, monkeypatch):
    monkeypatch.delenv("ARENA_SECRET", raising=False)
    monkeypatch.delenv("SPACE_ID", raising=False)
    path = tmp_path / "secret"
    path.write_text("-----BEGIN KEY-----\n" + "A" * 60)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="not a secret of the arena"):
        find_secret(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o644
