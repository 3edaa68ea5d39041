"""Writes the page of methods from the lines that the method tests recorded.

Usage: python methods_page.py LINES PAGE
"""

from __future__ import annotations

import importlib.metadata
import json
import sys
import time
from pathlib import Path

HEAD = """# Methods

What the trainer trains, and what is proven of it. Written by `trainer/tools/methods_page.sh` from the
tests in `trainer/tests/methods`, on {date}, on a CPU, with torch {torch}, transformers {transformers}, TRL {trl},
PEFT {peft} and diffusers {diffusers}.

Each row is a tiny model with random weights, of the real architecture, loaded from an ordinary model folder
through the same code as a large one. Each test

- measures the base on held-out rows, trains, and measures again: the figure must get better;
- stops a second run in the middle of an epoch with a checkpoint on demand, goes on with all objects built anew,
  and compares every weight of the end with the undisturbed run: bitwise equal;
- exports, loads the result with the plain library, and finds that it does something else than the base.

The figures say that training works, not how good a large model becomes. Nothing here was run on a GPU.

| modality | method and model | steps | figure | base | trained | resume | seconds |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""
TAIL = """
`perplexity` counts answers only (for MusicGen: tokens of sound); models that see are also asked, and `exactMatch`,
`answerAccuracy` and `answerF1` tell what they said. `validationLoss` is the training loss on held-out rows with noise drawn once
for all: a stated proxy where no `evaluation.scoreModel` scores the samples of pictures and clips (`clipScore`).
`preferenceMargin` is how much likelier a token of the better answer is, in nats; `rewardGain` is the reward model's
mark less the base's; `exactMatch` is the share of answers that hold the expected text.

## What each takes

| modality | methods | models | data | packages |
| --- | --- | --- | --- | --- |
| llm, code | lora, full | any causal language model | chats, prompts with answers, or texts | (base) |
| llm, code | qlora | the same, in 4 bits | the same | `--with llm` |
| llm, code | dpo | the same | `prompt`, `chosen`, `rejected` | (base) |
| llm, code | rlhf | the same | preferences, or prompts with `expected` answers | (base) |
| image | lora, full | Stable Diffusion 1.5 and XL, Flux | pictures with captions: a folder or a list | `--with vision` |
| image | dreambooth | Stable Diffusion 1.5 and XL, Flux | a few pictures of one thing | `--with vision` |
| image | textual-inversion | Stable Diffusion 1.5 and XL, Flux | the same | `--with vision` |
| video | lora, full | Wan 2.1, also from a picture, and the 5B one of Wan 2.2 | clips with captions | `--with vision` |
| audio | lora, full | ACE-Step 1.5, MusicGen | sounds with captions, and `lyrics` | `--with audio` |
| audio | voice-clone | XTTS | recordings with what is said, and a recorded consent | `--with audio` |
| multimodal | lora, full | Qwen2-VL, SmolVLM, LLaVA and the like | pictures with captions, or questions and answers | `--with vision` |
| multimodal | qlora | the same | the same | `--with vision --with llm` |
| multimodal | dpo | the same | pictures with `prompt`, `chosen`, `rejected` | `--with vision` |

`install.sh` installs the base; `install.sh --with FAMILY` adds what a family needs. Weights have licences of their own:
the published XTTS and MusicGen weights allow no commercial use.
"""


def page(lines: list[dict[str, object]]) -> str:
    """The whole page."""
    names = ("torch", "transformers", "trl", "peft", "diffusers")
    versions = {name: importlib.metadata.version(name) for name in names}
    head = HEAD.format(date=time.strftime("%Y-%m-%d", time.gmtime()), **versions)
    rows = [
        f"| {one['modality']} | {one['name']} | {one['steps']} | {one['metric']} | {one['base']:.4g} "
        f"| {one['tuned']:.4g} | bitwise | {one['seconds']:.1f} |\n"
        for one in lines
    ]
    return head + "".join(rows) + TAIL


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python methods_page.py LINES PAGE")
    recorded = [json.loads(line) for line in Path(sys.argv[1]).read_text().splitlines()]
    Path(sys.argv[2]).write_text(page(recorded))
