"""The trainer's own control server without a training run behind it, for the contract test.

    PYTHONPATH=trainer python3 control_server.py <directory>

Needs nothing but the standard library. Reads <directory>/token and writes <directory>/port.json. Each line of its
standard input is a command (train, save), echoed once done with the number of stops seen; its end is the end.
"""

import sys
import time
from pathlib import Path

from kriptik_trainer.control import Api, serve
from kriptik_trainer.mailbox import Mailbox
from kriptik_trainer.metrics import Metrics
from kriptik_trainer.progress import Clock, Progress, checkpoint_json
from kriptik_trainer.spec import Control
from kriptik_trainer.store_file import FileStore


def fill(folder: Path) -> None:
    (folder / "model").mkdir()
    (folder / "model" / "weights.bin").write_text("weights")


def main() -> None:
    root = Path(sys.argv[1])
    mailbox = Mailbox()
    clock = Clock(time.time, time.monotonic)
    progress = Progress("team-a/helpdesk", "job-1", mailbox, clock)
    metrics = Metrics(root / "metrics.jsonl", clock.wall)
    stopped: list[bool] = []
    control = Control("127.0.0.1", 0, root / "token", root / "port.json")
    serve(control, Api(progress, metrics, lambda: stopped.append(True)))
    # One line a command, so that the test decides when something happens.
    for line in sys.stdin:
        if line.strip() == "train":
            progress.set(phase="training", totalSteps=10)
            for step in range(1, 4):
                progress.step_done(step, step / 10, 0.5, 2, 0.1)
                progress.logged(3.0 / step, 0.0002, 120.0, 1.0)
                metrics.add(step, 3.0 / step, 0.0002, 1.0, 120.0)
        elif line.strip() == "save":
            stored = FileStore(root / "store").save("checkpoint", "step-00000003", 3, "job-1", fill)
            saved = checkpoint_json(stored, "requested", 0.25)
            progress.checkpoint_took(0.25)
            progress.set(lastCheckpoint=saved, phase="frozen")
            mailbox.settle(mailbox.waiting(), saved)
        sys.stdout.write(f"{line.strip()} {len(stopped)}\n")
        sys.stdout.flush()


main()
