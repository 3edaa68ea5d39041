"""The order of stages, and what is said of one that cannot be trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kriptik_trainer.errors import TrainerError
from kriptik_trainer.setup import refuse_together
from kriptik_trainer.spec import parse_spec
from kriptik_trainer.stages import Place, decides, is_needed, planned_steps, spec_of
from support.specs import changed, spec_json

SPEC = spec_json(Path("/run"), Path("/model"), Path("/data.jsonl"))


def stage(name: str, method: str | None = "lora", start: str = "base", **more: Any) -> Any:
    told = None if method is None else {"name": method}
    return {"name": name, "startsFrom": start, "method": told, "data": SPEC["data"], **more}


def parsed(*stages: Any, **changes: Any) -> Any:
    return parse_spec(changed({**SPEC, "stages": list(stages)}, **changes))


def test_a_stage_is_a_run_of_its_own() -> None:
    hyper = {"maxSteps": 3, "seed": 9}
    spec = parsed(
        stage("one"), stage("two", "dpo", "one", hyperparameters=hyper), stage("see", None, "two")
    )
    one, two, see = spec.stages
    told = spec_of(spec, two, None)

    assert (told.method, told.hyperparameters.max_steps, told.stages) == ("dpo", 3, ())
    assert [is_needed(spec, each) for each in (one, two, see)] == [True, True, False]
    assert [decides(spec, each) for each in (one, two, see)] == [False, True, False]
    assert planned_steps(told, 1000, 1) == 3
    assert spec_of(spec, see, None).method == spec.method
    assert spec_of(spec, see, None).evaluation is not None


def test_steps_are_planned_from_rows_where_the_plan_names_none() -> None:
    hyper = {"epochs": "2", "batchSize": 4, "gradientAccumulation": 2}
    spec = parsed(stage("one", hyperparameters=hyper))

    assert planned_steps(spec_of(spec, spec.stages[0], None), 50, 1) == 13
    assert planned_steps(spec_of(spec, spec.stages[0], None), 50, 2) == 7


@pytest.mark.parametrize(
    ("stages", "where", "says"),
    [
        ([stage("one"), stage("one")], "stages[1].name", "taken"),
        ([stage("base")], "stages[0].name", "taken"),
        ([stage("one", start="two"), stage("two")], "stages[0].startsFrom", "no earlier stage"),
        ([stage("one", None), stage("two", start="one")], "stages[1].startsFrom", "no earlier"),
        ([stage("see", None)], "stages", "train nothing"),
        ([stage("One")], "stages[0].name", "does not match"),
        ([stage("one", "sft")], "stages[0].method.name", "allowed"),
        ([stage("one", "dreambooth"), stage("two", start="one")], "stages[1].startsFrom", "whole"),
        ([stage("one"), stage("two", "full", "one")], "outputs", "adapter"),
    ],
)
def test_an_order_that_cannot_be_is_refused(stages: list[Any], where: str, says: str) -> None:
    with pytest.raises(TrainerError, match=says) as caught:
        parsed(*stages)
    assert (caught.value.code, caught.value.where) == ("invalidSpec", where)


def test_no_stages_are_none() -> None:
    assert parsed().stages == parse_spec({**SPEC, "stages": None}).stages == ()
    assert Place().shown(9) is Place().kept() is None


def test_several_processes_cannot_train_stages_yet() -> None:
    refuse_together(parsed(), True)
    refuse_together(parsed(stage("one")), False)
    for spec in (parsed(stage("one")), parse_spec(changed(SPEC, method__name="rlhf"))):
        with pytest.raises(TrainerError) as caught:
            refuse_together(spec, True)
        assert caught.value.code == "unsupportedShape"
