"""Step time of the trainer against plain scripts of the same libraries.

    python tools/bench.py [--steps 40] [--only text|pictures] [--threads 1]

For each pair both train the same model on the same rows with the same settings, one as an attempt of the
trainer (status, metrics, deadline, the decision after each step), the other as its library's documentation
shows it. They take turns step by step in one process, so that what else the machine does meets both. Printed
as JSON: the median of either, and of the ratios of neighbouring steps their median, its 95 % interval
(bootstrap) and the 10th and 90th percentile; of wall clock, and of CPU time, which other load hardly moves.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

TRAINER = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TRAINER), str(TRAINER / "tests")]
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# All libraries here, in the main thread: two threads that import at once meet modules that are half there.
import torch  # noqa: E402
from accelerate import Accelerator  # noqa: E402
from datasets import load_dataset  # noqa: E402
from diffusers import (  # noqa: E402
    DDPMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from diffusers.optimization import get_scheduler  # noqa: E402
from peft import LoraConfig  # noqa: E402
from torch.nn.functional import mse_loss  # noqa: E402
from transformers import TrainerCallback  # noqa: E402
from trl import SFTConfig, SFTTrainer  # noqa: E402

from kriptik_trainer.attempt import train_attempt  # noqa: E402
from kriptik_trainer.mailbox import Mailbox  # noqa: E402
from kriptik_trainer.metrics import Metrics  # noqa: E402
from kriptik_trainer.progress import Clock, Progress  # noqa: E402
from kriptik_trainer.spec import parse_spec  # noqa: E402
from kriptik_trainer.store import open_store  # noqa: E402
from support import pictures  # noqa: E402
from support.specs import changed, spec_json  # noqa: E402
from support.tiny import build_model  # noqa: E402

WARM_UP = 5
"""Steps at the start that do not count: caches and the allocator fill up."""
BATCH, LENGTH, SIDE, RANK, RATE = 2, 256, 32, 8, "0.0001"
"""Rows of a step, tokens of a text, pixels of a picture's side, rank of adapters, learning rate."""


Times = tuple[float, float]
"""Seconds of wall clock, and of CPU over all threads of this process."""


def now() -> Times:
    """Once the GPU has done what it was told to, where there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter(), time.process_time()


class Turns:
    """Lets two threads go one step each, in turn, and takes the times of each step. While one goes the
    other waits, so the CPU time of the process is that of the one."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._go = (threading.Semaphore(1), threading.Semaphore(0))
        self.steps: tuple[list[Times], list[Times]] = ([], [])
        self._began = [(0.0, 0.0), (0.0, 0.0)]

    def wait(self, who: int) -> None:
        """Until the first turn. Libraries that load models at once in two threads are in each other's way."""
        self._go[who].acquire()

    def begins(self, who: int) -> None:
        """The first step is about to begin."""
        self._began[who] = now()

    def ended(self, who: int) -> None:
        """Notes a step and hands over, until it is this one's turn again."""
        (wall, cpu), (began, cpu_began) = now(), self._began[who]
        self.steps[who].append((wall - began, cpu - cpu_began))
        self._go[1 - who].release()
        if len(self.steps[who]) < self._steps:
            self._go[who].acquire()
        self._began[who] = now()

    def give_up(self, who: int) -> None:
        """Lets the other one go on alone, where this one has failed."""
        self._go[who].release(self._steps)


class TakingTurns(Progress):
    """Hands over where an attempt has done with a step."""

    turns: Turns

    def set(self, **fields: Any) -> None:
        super().set(**fields)
        if fields.get("phase") == "training" and "totalSteps" in fields:
            self.turns.begins(0)

    def step_done(self, *given: Any, **named: Any) -> None:
        super().step_done(*given, **named)
        self.turns.ended(0)


def attempt(spec: dict[str, Any], turns: Turns) -> None:
    """Ours."""
    parsed = parse_spec(spec)
    store = open_store(parsed.store, parsed.attempt)
    clock = Clock(time.time, time.monotonic)
    progress = TakingTurns(parsed.job, parsed.attempt, Mailbox(), clock)
    progress.turns = turns
    train_attempt(parsed, store, progress, Metrics(store.metrics_path, clock.wall))


def text_spec(root: Path, steps: int) -> dict[str, Any]:
    """A language model of 1.5 million parameters and rows of one length."""

    folder = build_model(root / "model", hidden=256)
    rows = [{"text": f"freeze {index} budget " * LENGTH} for index in range(32)]
    data = root / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return common(spec_json(root, folder, data), steps)


def common(spec: dict[str, Any], steps: int) -> dict[str, Any]:
    """The same few settings for all."""
    spec["method"]["lora"] = {"r": RANK, "alpha": RANK, "dropout": 0, "targets": ["all-linear"]}
    found: dict[str, Any] = changed(
        spec,
        outputs=[],
        control=None,
        hyperparameters__maxSteps=steps,
        hyperparameters__batchSize=BATCH,
        hyperparameters__gradientAccumulation=1,
        hyperparameters__learningRate=RATE,
        hyperparameters__maxLength=LENGTH,
        hyperparameters__checkpointEverySteps=10 * steps,
    )
    return found


def plain_text(root: Path, steps: int, turns: Turns) -> None:
    """LoRA with TRL's SFTTrainer."""

    class Hand(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, *_: Any, **__: Any) -> None:
            turns.begins(1)

        def on_step_end(self, *_: Any, **__: Any) -> None:
            turns.ended(1)

    trainer = SFTTrainer(
        model=str(root / "model"),
        args=SFTConfig(
            output_dir=str(root / "plain"),
            max_steps=steps,
            per_device_train_batch_size=BATCH,
            learning_rate=float(RATE),
            max_length=LENGTH,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            bf16=False,
            gradient_checkpointing=False,
            use_cpu=not torch.cuda.is_available(),
            model_init_kwargs={"dtype": torch.float32, "use_cache": False},
        ),
        train_dataset=load_dataset("json", data_files=str(root / "rows.jsonl"), split="train"),
        peft_config=LoraConfig(
            r=RANK, lora_alpha=RANK, target_modules="all-linear", task_type="CAUSAL_LM"
        ),
        callbacks=[Hand()],
    )
    trainer.train()


def pictures_spec(root: Path, steps: int) -> dict[str, Any]:
    """Stable Diffusion 1.5 with a network of 9 million parameters and pictures of 32 pixels."""

    folder = pictures.stable_diffusion(root)
    pipeline = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
    pipeline.unet = UNet2DConditionModel.from_config(
        {**pipeline.unet.config, "block_out_channels": (96, 192), "norm_num_groups": 32}
    )
    pipeline.save_pretrained(folder)
    rows = root / "rows"
    rows.mkdir()
    for index in range(8):
        pictures.drawn("red", index, (SIDE, SIDE)).save(rows / f"{index}.png")
        (rows / f"{index}.txt").write_text("a red bar\n")
    spec = common(spec_json(root, folder, rows), steps)
    spec["modality"] = "image"
    spec["data"][0]["format"] = "folder"
    spec["method"]["options"] = {"resolution": SIDE}
    return spec


def plain_pictures(root: Path, steps: int, turns: Turns) -> None:
    """LoRA as diffusers' script for text to image has it, on latents and texts encoded beforehand."""

    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    pipeline = StableDiffusionPipeline.from_pretrained(root / "sd15", safety_checker=None)
    unet = pipeline.unet.requires_grad_(False)
    targets = ["to_k", "to_q", "to_v", "to_out.0"]
    unet.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=targets))
    trained = [one for one in unet.parameters() if one.requires_grad]
    unet.train()
    noise_schedule = DDPMScheduler.from_config(pipeline.scheduler.config)
    optimizer = torch.optim.AdamW(trained, lr=float(RATE))
    rates = get_scheduler(
        "cosine", optimizer, num_warmup_steps=steps // 10, num_training_steps=steps
    )
    unet, optimizer, rates = accelerator.prepare(unet, optimizer, rates)
    side = SIDE // pipeline.vae_scale_factor
    latents = torch.randn(BATCH, 4, side, side, device=accelerator.device)
    text = torch.randn(BATCH, 24, unet.config.cross_attention_dim, device=accelerator.device)
    turns.begins(1)
    for _ in range(steps):
        with accelerator.accumulate(unet):
            noise = torch.randn_like(latents)
            times = torch.randint(0, 1000, (BATCH,), device=latents.device)
            noisy = noise_schedule.add_noise(latents, noise, times)
            seen = unet(noisy, times, text, return_dict=False)[0]
            loss = mse_loss(seen.float(), noise.float())
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            rates.step()
            optimizer.zero_grad()
            # The script shows the loss of each step, which waits for it.
            loss.detach().item()
        turns.ended(1)


PAIRS: dict[
    str, tuple[Callable[[Path, int], dict[str, Any]], Callable[[Path, int, Turns], None]]
] = {
    "text": (text_spec, plain_text),
    "pictures": (pictures_spec, plain_pictures),
}


def compare(ours: Sequence[float], plain: Sequence[float]) -> dict[str, Any]:
    """Medians in seconds, and the ratio of ours to plain with its spread."""
    ratios = sorted(a / b for a, b in zip(ours, plain, strict=True))
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(2000))
    return {
        "steps": len(ratios),
        "oursSeconds": round(statistics.median(ours), 4),
        "plainSeconds": round(statistics.median(plain), 4),
        "ratio": round(statistics.median(ratios), 4),
        "interval95": [round(medians[50], 4), round(medians[1949], 4)],
        "percentiles10and90": [
            round(ratios[len(ratios) // 10], 4),
            round(ratios[-1 - len(ratios) // 10], 4),
        ],
    }


def measure(name: str, steps: int) -> dict[str, Any]:
    """One pair. Raises what either of them raises."""
    make, plain = PAIRS[name]
    turns = Turns(steps)
    failed: list[BaseException] = []
    with tempfile.TemporaryDirectory(prefix="kriptik-bench-") as folder:
        root = Path(folder)
        spec = make(root, steps)

        def other() -> None:
            try:
                turns.wait(1)
                plain(root, steps, turns)
            except BaseException as error:  # noqa: BLE001 - raised below, in the main thread
                failed.append(error)
                turns.give_up(0)

        thread = threading.Thread(target=other, daemon=True)
        thread.start()
        turns.wait(0)
        attempt(spec, turns)
        thread.join()
    if failed:
        raise failed[0]
    ours, theirs = (one[WARM_UP:-1] for one in turns.steps)
    kinds = ("wall", "cpu")
    return {
        kind: compare([step[at] for step in ours], [step[at] for step in theirs])
        for at, kind in enumerate(kinds)
    }


def main(arguments: Sequence[str]) -> int:
    """Prints what was measured."""
    parser = argparse.ArgumentParser(prog="bench.py", description=__doc__)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=tuple(PAIRS))
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "cpu"
    report: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {device}",
        "threads": options.threads,
        "load": [round(one, 1) for one in os.getloadavg()],
    }
    for name in [options.only] if options.only else PAIRS:
        report[name] = measure(name, options.steps + WARM_UP + 1)
    sys.stdout.write(f"{json.dumps(report, indent=2)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
