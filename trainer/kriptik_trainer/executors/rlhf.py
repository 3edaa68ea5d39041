"""Reinforcement learning from preferences or checkable answers, on an adapter.

With the reward `model`, the first steps of the run train a reward model on the preferences and the rest
train the policy against it; with `exact`, an answer is worth 1 where it contains the expected one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSequenceClassification, set_seed
from trl import GRPOConfig, GRPOTrainer, RewardConfig, RewardTrainer, RLOOConfig, RLOOTrainer
from trl.trainer.utils import RepeatSampler

from kriptik_trainer.determinism import derived_seed
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.executors.base import CardFacts, Hooks
from kriptik_trainer.executors.dpo import preference_rows
from kriptik_trainer.executors.sft import language_card
from kriptik_trainer.hf import Committed, HfExecutor, Rows, run_trainer
from kriptik_trainer.models.language import (
    half_of,
    load_model,
    load_tokenizer,
    lora_config,
    save_output,
)
from kriptik_trainer.scores import at_rest
from kriptik_trainer.spec import Spec
from kriptik_trainer.stages import Stretch, first_step

REWARD_FILE = "reward.safetensors"
REWARD_SHARE = 0.25
"""Of all steps, where the plan does not say how many train the reward model."""


class _RewardTrainer(Committed, RewardTrainer):  # type: ignore[misc]
    """A RewardTrainer whose checkpoints the run commits."""


class _Order(RepeatSampler):  # type: ignore[misc]
    """A pass's order as a function of the seed and the pass. TRL's own draws on from the last pass, so
    a resume in a later one would begin with the first one's order again."""

    def __init__(self, usual: Any, state: Any) -> None:
        self.__dict__.update(usual.__dict__)
        self._state = state

    def __iter__(self) -> Iterator[int]:
        epoch = math.floor(float(self._state().epoch or 0) + 1e-6)
        self.generator.manual_seed(derived_seed(self.seed, "order", epoch))
        return super().__iter__()  # type: ignore[no-any-return]


class _Ordered(Committed):
    """Trainers that draw answers, with an order that a resume finds again."""

    def _get_train_sampler(self, *given: Any) -> Any:
        usual = super()._get_train_sampler(*given)  # type: ignore[misc]
        return _Order(usual, lambda: self.state)


class _RlooTrainer(_Ordered, RLOOTrainer):  # type: ignore[misc]
    """An RLOOTrainer whose checkpoints the run commits."""


class _GrpoTrainer(_Ordered, GRPOTrainer):  # type: ignore[misc]
    """A GRPOTrainer whose checkpoints the run commits."""


class RlhfExecutor(HfExecutor):
    """See executors.base.Executor."""

    def __init__(self, spec: Spec, folder: Path, examples: Rows, held_out: Rows) -> None:
        super().__init__(spec, folder, examples, held_out)
        exact = spec.options.reward == "exact"
        self.watched = ("exactMatch", "higher") if exact else ("rewardGain", "higher")
        self.tokenizer: Any = None
        self._reward: Any = None
        self._trained_reward = False
        self._tokens = 0
        hyper = spec.hyperparameters
        batch = hyper.batch_size * hyper.gradient_accumulation
        self.total = hyper.max_steps or math.ceil(hyper.epochs * len(examples) / batch)
        wanted = spec.options.reward_steps or max(1, round(self.total * REWARD_SHARE))
        self.reward_steps = 0 if exact else wanted
        if self.reward_steps >= self.total:
            raise TrainerError(
                "tooFewSteps",
                f"{self.total} steps leave none for the policy after {self.reward_steps} for rewards",
                "method.options.rewardSteps",
                "Give more steps, or fewer of them to the reward model.",
            )

    def _prompts(self, examples: Rows) -> list[dict[str, Any]]:
        return [
            {"prompt": list(example.messages or ()), "expected": example.expected or ""}
            for _, example in examples
        ]

    def build(self) -> Any:
        """See HfExecutor.build."""
        spec, hyper, options = self.spec, self.spec.hyperparameters, self.spec.options
        self.tokenizer = load_tokenizer(self.folder, self.warnings)
        if self.reward_steps:
            self._reward = self._reward_trainer()
        prompts = self._prompts(self.examples)
        self._tokens = sum(
            len(self.tokenizer.apply_chat_template(one["prompt"], return_dict=True)["input_ids"])
            for one in prompts
        )
        # One prompt's completions are spread over micro-steps, so a batch is counted in prompts. Several
        # passes over one generation, or one that outlasts a step, could not be resumed exactly.
        arguments = {
            **self.arguments(),
            "max_steps": self.total - self.reward_steps,
            "gradient_accumulation_steps": hyper.gradient_accumulation * options.completions,
            "num_generations": options.completions,
            "max_completion_length": options.max_completion,
            "beta": options.beta,
            "num_iterations": 1,
        }
        trainers: dict[str, tuple[Any, Any]] = {
            "rloo": (_RlooTrainer, RLOOConfig),
            "grpo": (_GrpoTrainer, GRPOConfig),
        }
        trainer, config = trainers[options.algorithm]
        set_seed(hyper.seed)
        return trainer(
            model=load_model(spec, self.folder),
            reward_funcs=[self.rewards],
            args=config(**arguments),
            train_dataset=Dataset.from_list(prompts),
            processing_class=self.tokenizer,
            peft_config=lora_config(spec.lora),
        )

    def _reward_trainer(self) -> Any:
        spec, hyper = self.spec, self.spec.hyperparameters
        set_seed(hyper.seed)
        model = load_model(spec, self.folder, AutoModelForSequenceClassification, num_labels=1)
        model.config.pad_token_id = self.tokenizer.pad_token_id
        arguments = {**self.arguments(), "max_steps": self.reward_steps}
        trainer = _RewardTrainer(
            model=model,
            args=RewardConfig(**arguments, max_length=hyper.max_length),
            train_dataset=Dataset.from_list(preference_rows(self.examples)),
            processing_class=self.tokenizer,
            peft_config=lora_config(spec.lora, "SEQ_CLS"),
        )
        for parameter in trainer.model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
        return trainer

    def _score(self, conversations: list[list[dict[str, str]]]) -> list[float]:
        """What the reward model says of whole conversations."""
        model = self._reward.accelerator.unwrap_model(self._reward.model)
        found = []
        half = half_of(self.spec)
        # After a resume nobody has wrapped the model for it: its head is in 32 bits, the rest may not be.
        halved = torch.autocast(model.device.type, half, enabled=half is not torch.float32)
        with at_rest(model), halved:
            for one in conversations:
                ids = self.tokenizer.apply_chat_template(one, return_dict=True, return_tensors="pt")
                ids = ids["input_ids"][:, -self.spec.hyperparameters.max_length :]
                found.append(float(model(input_ids=ids.to(model.device)).logits[0, 0]))
        return found

    def rewards(
        self, prompts: list[Any], completions: list[Any], expected: list[str], **_: Any
    ) -> list[float]:
        """One number for each completion; called by the trainer and by evaluate()."""
        if not self.reward_steps:
            return [
                float(right.strip().casefold() in one[0]["content"].casefold())
                for one, right in zip(completions, expected, strict=True)
            ]
        return self._score([[*p, *c] for p, c in zip(prompts, completions, strict=True)])

    def figures(self) -> dict[str, Any]:
        """See HfExecutor.figures."""
        return {"rows": len(self.examples), "tokens": self._tokens}

    def train(self, hooks: Hooks, resume: Path | None) -> None:
        """See Executor.train. A checkpoint of the second phase carries the reward model."""
        step = 0
        if resume is not None:
            before = json.loads((resume / "kriptik.json").read_text())
            step = int(before["step"]) - first_step(before)
        if self.reward_steps and step < self.reward_steps:
            phase = Stretch(hooks, 0, self.total)
            run_trainer(self._reward, phase, resume)
            if phase.stopped:
                return
            resume = None
        elif self.reward_steps and resume is not None:
            self._take_reward(resume)
            if step == self.reward_steps:
                resume = None
        self._trained_reward = True
        if resume is None:
            set_seed(self.spec.hyperparameters.seed)
        add = self._add_reward if self.reward_steps else None
        run_trainer(self.trainer, Stretch(hooks, self.reward_steps, self.total, add), resume)

    def _reward_state(self) -> dict[str, torch.Tensor]:
        model = self._reward.accelerator.unwrap_model(self._reward.model)
        return {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}

    def _add_reward(self, folder: Path) -> None:
        state = {name: value.contiguous() for name, value in self._reward_state().items()}
        save_file(state, folder / REWARD_FILE)

    def _take_reward(self, checkpoint: Path) -> None:
        if (checkpoint / REWARD_FILE).is_file():
            state = load_file(checkpoint / REWARD_FILE)
            for name, parameter in self._reward_state().items():
                parameter.copy_(state[name])
        else:
            self._reward._load_from_checkpoint(str(checkpoint))

    def load(self, checkpoint: Path) -> None:
        """See Executor.load."""
        if self.reward_steps:
            self._take_reward(checkpoint)
            self._trained_reward = True
        super().load(checkpoint)

    def _answers(self, examples: Rows) -> list[list[dict[str, str]]]:
        model, answers = self.model, []
        with at_rest(model):
            for _, example in examples:
                inputs = self.tokenizer.apply_chat_template(
                    list(example.messages or ()),
                    add_generation_prompt=True,
                    return_tensors="pt",
                    return_dict=True,
                ).to(model.device)
                output = model.generate(
                    **inputs,
                    max_new_tokens=self.spec.options.max_completion,
                    do_sample=False,
                    use_cache=True,
                    pad_token_id=self.tokenizer.pad_token_id,
                )
                new = output[0][inputs["input_ids"].shape[1] :]
                text = self.tokenizer.decode(new, skip_special_tokens=True)
                answers.append([{"role": "assistant", "content": text}])
        return answers

    def evaluate(self) -> dict[str, float]:
        """See Executor.evaluate. Base and policy are judged by the same reward model; until that is
        trained there is nothing to gain."""
        if not self.held_out:
            return {}
        if self.reward_steps and not self._trained_reward:
            return {"rewardGain": 0.0}
        prompts = [list(example.messages or ()) for _, example in self.held_out]
        expected = [example.expected or "" for _, example in self.held_out]

        def mean() -> float:
            found = self.rewards(prompts, self._answers(self.held_out), expected)
            return sum(found) / len(found)

        reward = mean()
        if not self.reward_steps:
            return {"exactMatch": reward}
        with self.model.disable_adapter():
            base = mean()
        return {"rewardGain": reward - base, "reward": reward, "rewardOfBase": base}

    def card(self, output: str) -> CardFacts:
        """See Executor.card."""
        return language_card(output, "tokens of prompts a pass; answers are drawn and rewarded")

    def export(self, name: str, folder: Path) -> None:
        """See Executor.export."""
        save_output(name, self.spec, self.model, self.tokenizer, self.folder, folder)
