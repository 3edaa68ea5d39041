"""A job whose plan was amended goes on from the checkpoint of the one before, by its own settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kriptik_trainer.errors import TrainerError
from support.inprocess import Attempt, resume_of, run_attempt, weights_hash
from support.specs import changed, spec_json

Spec = dict[str, Any]


@pytest.fixture
def spec(tmp_path: Path, tiny: Path, data: Path) -> Spec:
    """Of the job before: six steps of four rows."""
    return changed(
        spec_json(tmp_path, tiny, data),
        store__uri=(tmp_path / "jobs" / "before").as_uri(),
        hyperparameters__scheduler="linear",
        method__lora__dropout=0.0,
        outputs=["adapter"],
    )


def amended(spec: Spec, before: Attempt, **changes: Any) -> Spec:
    """Of the job after, in the folder beside that one's."""
    uri = spec["store"]["uri"].replace("/before", "/after")
    return changed(
        spec, store__uri=uri, attempt="kriptik-after-1", resume=resume_of(before), **changes
    )


def rates(attempt: Attempt) -> list[float]:
    return [point["learningRate"] for point in attempt.points]


def test_it_goes_on_with_the_learning_rate_of_its_own_plan(spec: Spec) -> None:
    whole = run_attempt(changed(spec, store__uri=spec["store"]["uri"] + "-whole"))
    stopped = run_attempt(spec, stop_after=4)
    rate = float(spec["hyperparameters"]["learningRate"])
    after = run_attempt(amended(spec, stopped, hyperparameters__learningRate=str(rate / 2)))

    assert after.ended_early is None
    assert [point["step"] for point in after.points] == [5, 6], (
        "what was trained is not trained again"
    )
    # The schedule at these very steps, at half the rate.
    assert rates(after) == pytest.approx([now / 2 for now in rates(whole)[4:]])
    assert after.points[0]["loss"] == pytest.approx(whole.points[4]["loss"])
    final = after.status["lastCheckpoint"]
    assert (final["step"], "/after/" in final["uri"]) == (6, True)
    assert after.status["warnings"] == whole.status["warnings"]


def test_smaller_pieces_of_a_step_train_the_same_steps(spec: Spec) -> None:
    whole = run_attempt(changed(spec, store__uri=spec["store"]["uri"] + "-whole"))
    stopped = run_attempt(spec, stop_after=4)
    given = spec["hyperparameters"]
    batch, pieces = given["batchSize"], given["gradientAccumulation"]
    after = run_attempt(
        amended(
            spec,
            stopped,
            hyperparameters__batchSize=batch // 2,
            hyperparameters__gradientAccumulation=pieces * 2,
        )
    )

    losses = [point["loss"] for point in after.points]
    assert losses == pytest.approx([point["loss"] for point in whole.points[4:]], rel=1e-4)


@pytest.mark.parametrize(("steps", "made"), [(5, [4, 5]), (8, [4, 5, 6, 7, 8])])
def test_it_ends_where_its_own_plan_says(spec: Spec, steps: int, made: list[int]) -> None:
    stopped = run_attempt(spec, stop_after=3)
    after = run_attempt(amended(spec, stopped, hyperparameters__maxSteps=steps))

    assert [point["step"] for point in after.points] == made
    assert after.status["totalSteps"] == steps
    # Linear to the plan's own end, after one step of warm-up.
    rate = float(spec["hyperparameters"]["learningRate"])
    assert rates(after)[-1] == pytest.approx(rate / (steps - 1))


def test_a_run_that_made_all_its_steps_is_made_longer(spec: Spec) -> None:
    done = run_attempt(spec)
    after = run_attempt(amended(spec, done, hyperparameters__maxSteps=7))

    assert [point["step"] for point in after.points] == [7]
    uris = [one.status["lastCheckpoint"]["uri"] for one in (done, after)]
    assert weights_hash(uris[0]) != weights_hash(uris[1])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"method__lora__r": 2}, "lora"),
        ({"hyperparameters__maxLength": 32}, "hyperparameters.max_length"),
        ({"hyperparameters__gradientAccumulation": 1}, "hyperparameters.gradient_accumulation"),
        ({"hyperparameters__seed": 8}, "hyperparameters.seed"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    spec: Spec, changes: dict[str, Any], named: str
) -> None:
    stopped = run_attempt(spec, stop_after=2)
    with pytest.raises(TrainerError) as refused:
        run_attempt(amended(spec, stopped, **changes))
    assert refused.value.code == "checkpointMismatch"
    assert named in str(refused.value)


def test_other_rows_are_refused(spec: Spec, data: Path) -> None:
    stopped = run_attempt(spec, stop_after=2)
    data.write_text(data.read_text() + '{"question": "one more?", "answer": "yes"}\n')
    with pytest.raises(TrainerError, match="data"):
        run_attempt(amended(spec, stopped))


def test_a_damaged_checkpoint_of_the_job_before_is_refused(spec: Spec) -> None:
    stopped = run_attempt(spec, stop_after=2)
    resume = resume_of(stopped)
    with pytest.raises(TrainerError) as refused:
        run_attempt(amended(spec, stopped) | {"resume": resume | {"manifestSha256": "0" * 64}})
    assert refused.value.code == "checkpointBroken"
