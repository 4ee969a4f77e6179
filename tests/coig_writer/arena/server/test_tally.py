"""Results made by a process of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from coig_writer.arena.server.board import Board
from coig_writer.arena.server.database import StoreError
from coig_writer.arena.server.service import Vote
from coig_writer.arena.server.tally import Tally, TallyProcess


@pytest.fixture
def voted(service):
    queue = service.admit("r", "pairwise", "zh")
    for _ in range(4):
        service.vote("r", "pairwise", "zh", Vote(queue.next(), "left"))
    return service


def test_the_other_process_says_the_same_knows_no_text_and_is_replaced_when_it_dies(voted):
    apart = TallyProcess(voted)
    assert "text of hand" not in apart._told.decode("latin-1")
    try:
        here = Tally(voted).view("pairwise", "zh")
        assert here["results"] is not None
        assert apart.view("pairwise", "zh") == here
        assert apart._process is not None
        apart._process.kill()
        apart._process.wait()
        with pytest.raises(StoreError):
            Board(apart).view("pairwise", "zh")
        assert Board(apart).view("pairwise", "zh") == here
    finally:
        apart.close()


SERVER = """
import pickle, sys, time
from pathlib import Path
from coig_writer.arena.server.tally import TallyProcess
apart = TallyProcess.__new__(TallyProcess)
apart._told = Path(sys.argv[1]).read_bytes()
process = apart._started()
process.stdin.write(b'["pairwise", "zh"]\\n')
process.stdin.flush()
process.stdout.readline()
print(process.pid, flush=True)
time.sleep(600)
"""


def test_it_ends_with_a_server_that_was_killed(voted, tmp_path):
    (tmp_path / "told").write_bytes(TallyProcess(voted)._told)
    command = [sys.executable, "-c", SERVER, str(tmp_path / "told")]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    pid = int(server.stdout.readline())
    server.send_signal(signal.SIGKILL)
    server.communicate()
    while _runs(pid):
        time.sleep(0.01)


def test_ctrl_c_in_a_terminal_is_for_the_server_alone(voted, tmp_path):
    (tmp_path / "told").write_bytes(TallyProcess(voted)._told)
    command = [sys.executable, "-c", SERVER, str(tmp_path / "told")]
    server = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert server.stdout is not None
    server.stdout.readline()
    os.killpg(server.pid, signal.SIGINT)
    _, printed = server.communicate()
    assert "KeyboardInterrupt" in printed
    assert "nothing half-made" not in printed


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"  # a zombie waits for whoever adopted it


def test_a_store_that_is_gone_is_one_sentence_in_the_log(voted, tmp_path, capfd):
    voted.store.url = f"sqlite:///{tmp_path}/gone/ballots.sqlite"
    with pytest.raises(StoreError, match="failed; its error is printed above"):
        TallyProcess(voted).view("pairwise", "zh")
    printed = capfd.readouterr().err
    assert "the store" in printed
    assert "Traceback" not in printed


def test_closing_waits_for_no_view_that_is_under_way(voted):
    apart = TallyProcess(voted)
    silent = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    apart._process = silent
    failed = []

    def ask():
        try:
            apart.view("ranking", "zh")
        except StoreError as error:
            failed.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not apart._asking.locked():
        assert asking.is_alive()
    apart.close()  # without the kill it would wait for the answer that never comes
    asking.join()
    assert len(failed) == 1
    assert silent.poll() is not None
