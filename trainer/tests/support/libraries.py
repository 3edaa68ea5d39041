"""What the processes of tests are forked with: the libraries of all that they train, loaded once."""

from __future__ import annotations

import gc

import kriptik_trainer.executors.diffusion
import kriptik_trainer.executors.dpo
import kriptik_trainer.executors.rlhf
import kriptik_trainer.executors.sft
import kriptik_trainer.export
import kriptik_trainer.follow
import kriptik_trainer.run  # noqa: F401

# What is there now stays: collecting it in each process would copy its memory.
gc.freeze()
