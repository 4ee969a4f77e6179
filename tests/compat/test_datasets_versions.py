"""The packed dataset and the builder class under every major version of datasets."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

# datasets 2 wants an older pyarrow and numpy than pip would take on its own
VERSIONS = {
    "2.21.0": ["numpy<2", "pyarrow<18", "fsspec<2024.7"],
    "3.6.0": [],
    "4.8.4": [],
    "5.2.0": [],
}
CODE = """
import json, sys
import datasets
from datasets import load_dataset, get_dataset_config_names
names = get_dataset_config_names("COIG-Writer")
found = {n: sorted(r["id"] for s in load_dataset("COIG-Writer", n).values() for r in s) for n in ("poetry", "wuxia", "benchmark")}
found["default"] = sorted(r["id"] for r in load_dataset("COIG-Writer")["train"])
found["streamed"] = [next(iter(load_dataset("COIG-Writer", "wuxia", split="train", streaming=True)))["id"]]
sys.path.insert(0, sys.argv[1])
from dataset_builder.packing.builder import CoigWriter
built = {}
for name in ("poetry", "wuxia", "benchmark", "default"):
    builder = CoigWriter(config_name=name, data_dir="COIG-Writer", cache_dir="built")
    builder.download_and_prepare()
    built[name] = sorted(r["id"] for s in builder.as_dataset().values() for r in s)
if int(datasets.__version__.split(".")[0]) < 4:
    scripted = load_dataset(sys.argv[1] + "/dataset_builder/packing/builder.py", "wuxia", data_dir="COIG-Writer", trust_remote_code=True)["train"]
    assert sorted(scripted["id"]) == found["wuxia"]
print(json.dumps([datasets.__version__, len(names), found, built]))
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_loads_the_same_everywhere(version, tmp_path, root):
    import json

    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    wanted = [f"datasets=={version}", *VERSIONS[version], "xxhash<4", "-e", str(root)]
    subprocess.run(
        [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *wanted], check=True
    )
    subprocess.run(
        [sys.executable, "-m", "dataset_builder", "pack", "--out", str(tmp_path / "COIG-Writer")],
        cwd=root,
        check=True,
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [python, "-c", CODE, str(root)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    used, configs, found, built = json.loads(done.stdout.splitlines()[-1])
    assert used == version
    assert configs == 58
    assert len(found["wuxia"]) == 2
    assert found["streamed"][0] in found["wuxia"]
    assert built == {name: found[name] for name in built}
