"""Writes tiny models with random weights, of the real architectures, and data to train them on.

    python tools/make_tiny.py --out FOLDER [NAME ...]

Prints, as JSON, the path of each. The makers are those of the tests: models are ordinary folders, loaded
by the same code as large ones. They learn nothing that anybody could use.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

TRAINER = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TRAINER), str(TRAINER / "tests")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

MAKERS = {
    "chat-model": "language:tiny_model",
    "code-model": "language:tiny_code_model",
    "sd15": "pictures:stable_diffusion",
    "sdxl": "pictures:stable_diffusion_xl",
    "flux": "pictures:flux",
    "wan": "clips:wan",
    "wan-image": "clips:wan_image",
    "ace-step": "sounds:ace_step",
    "stable-audio": "sounds:stable_audio",
    "musicgen": "sounds:musicgen",
    "xtts": "voices:xtts",
    "speecht5": "speech:speecht5",
    "qwen2-vl": "seeing:qwen",
    "llava": "seeing:llava",
    "smolvlm": "seeing:smol",
    "chats": "methods:chat_data",
    "preferences": "methods:preference_data",
    "judged": "methods:judged_data",
    "prompts": "methods:prompt_data",
    "programs": "methods:code_data",
    "pictures": "pictures:picture_folder",
    "subject": "pictures:subject_folder",
    "clips": "clips:clip_data",
    "songs": "sounds:song_data",
    "questions": "seeing:question_data",
    "seen-preferences": "seeing:seen_preferences",
    "recordings": "voices:recordings",
}


def make(name: str, folder: Path) -> Path:
    """Writes one of MAKERS below a folder of its own; returns the path to name in a goal."""
    import importlib  # noqa: PLC0415 - each maker imports the libraries of its family

    module, function = MAKERS[name].split(":")
    maker: Callable[[Path], Path] = getattr(importlib.import_module(f"support.{module}"), function)
    root = folder / name
    root.mkdir(parents=True)
    return maker(root)


def main(arguments: Sequence[str]) -> int:
    """Exit 0 with the paths on stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MAKERS)}; all")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in MAKERS:
            parser.error(f"there is no {name}")
    out = options.out.resolve()
    made = {name: str(make(name, out)) for name in options.names or MAKERS}
    sys.stdout.write(json.dumps(made, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
