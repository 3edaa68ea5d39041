"""spec.json: everything one attempt needs, typed and validated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kriptik_trainer import PROTOCOL
from kriptik_trainer.errors import TrainerError
from kriptik_trainer.fields import Fields
from kriptik_trainer.options import (
    MODEL_SOURCE,
    Consent,
    Evaluation,
    Options,
    parse_consent,
    parse_evaluation,
    parse_options,
)
from kriptik_trainer.store_place import StorePlace, parse_store

SHA256 = r"[0-9a-f]{64}"
PARALLELISMS = ("replicated", "sharded")
MODALITIES = ("llm", "code", "multimodal", "image", "video", "audio")
METHODS = (
    "lora",
    "qlora",
    "full",
    "dpo",
    "rlhf",
    "dreambooth",
    "textual-inversion",
    "voice-clone",
)
WITHOUT_ADAPTER = ("full",)
WITHOUT_MERGED = ("dreambooth", "textual-inversion")
OPTIMIZERS = ("adamw", "adamw-8bit", "adafactor")
WEIGHT_PRECISIONS = ("mixed", "bf16", "fp32")
SCHEDULERS = ("constant", "constant_with_warmup", "cosine", "linear")


@dataclass(frozen=True)
class Model:
    """The base model: `id` is its public name, `source` where this attempt takes it from."""

    id: str
    source: str
    revision: str | None
    parameters: int | None
    license: str | None
    handed_on: str | None = None
    """URI of the result of an earlier stage, where `source` is that."""

    @property
    def public_name(self) -> str:
        """What an adapter names as the model that it lies on."""
        return self.handed_on or self.id


@dataclass(frozen=True)
class Lora:
    """Low-rank adapters: rank, scaling numerator, dropout probability, target modules."""

    r: int
    alpha: float
    dropout: float
    targets: tuple[str, ...]


@dataclass(frozen=True)
class DataFile:
    """One data set; `sha256` pins the bytes of a file."""

    uri: str
    format: str
    split: str | None
    revision: str | None
    sha256: str | None


@dataclass(frozen=True)
class Hyperparameters:
    """How to train. Where both are given, `max_steps` counts and `epochs` does not. With `ema_decay` the
    result is the moving average of the trained weights."""

    epochs: float
    max_steps: int | None
    batch_size: int
    gradient_accumulation: int
    learning_rate: float
    warmup_ratio: float
    scheduler: str
    max_length: int
    seed: int
    checkpoint_every_steps: int
    gradient_checkpointing: bool
    precision: str
    optimizer: str = "adamw"
    weight_precision: str = "mixed"
    offload_optimizer: bool = False
    ema_decay: float | None = None


BASE = "base"
"""What a stage starts from that takes the spec's own model."""


@dataclass(frozen=True)
class Stage:
    """One of several stages of a run. Without a method it only measures what it starts from."""

    name: str
    starts_from: str
    method: str | None
    lora: Lora
    options: Options
    data: tuple[DataFile, ...]
    hyperparameters: Hyperparameters
    evaluation: Evaluation | None


@dataclass(frozen=True)
class Resume:
    """The verified checkpoint to go on from."""

    uri: str
    step: int
    manifest_sha256: str | None


@dataclass(frozen=True)
class Control:
    """Where the control server listens; port 0 takes a free one and tells it in `port_file`."""

    host: str
    port: int
    token_file: Path
    port_file: Path | None


@dataclass(frozen=True)
class Card:
    """What the model card tells about the plan that was approved."""

    goal: str | None = None
    plan: str | None = None
    digest: str | None = None
    unit_price_per_hour: str | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Spec:
    """One attempt of one job."""

    job: str
    attempt: str
    modality: str
    model: Model
    method: str
    lora: Lora
    options: Options
    data: tuple[DataFile, ...]
    hyperparameters: Hyperparameters
    store: StorePlace
    resume: Resume | None
    outputs: tuple[str, ...]
    deadline: float | None
    control: Control | None
    card: Card
    evaluation: Evaluation | None = None
    stages: tuple[Stage, ...] = ()
    """In order, where there are several; then `method`, `data` and the like tell the one that decides."""
    consent: Consent | None = None
    parallelism: str = "replicated"
    """Whether each of several processes holds the whole model, or a shard of it."""
    deadline_seconds: float | None = None
    hung_after_seconds: float | None = None


def _model(fields: Fields) -> Model:
    source = fields.text("source", pattern=MODEL_SOURCE)
    return Model(
        id=fields.text("id"),
        source=source,
        revision=fields.text("revision", None),
        parameters=fields.integer("parameters", 0, default=None),
        license=fields.text("license", None),
    )


def _lora(fields: Fields | None) -> Lora:
    given = fields or Fields({}, "method.lora")
    rank = given.integer("r", 1, 1024, default=16)
    return Lora(
        r=rank,
        alpha=given.decimal("alpha", "0.001", "4096", str(2 * rank)),
        dropout=given.decimal("dropout", "0", "0.9", "0"),
        targets=given.texts("targets", ("all-linear",)),
    )


def _data(fields: Fields) -> DataFile:
    return DataFile(
        uri=fields.text("uri"),
        format=fields.choice("format", ("jsonl", "csv", "parquet", "hub", "folder")),
        split=fields.text("split", None),
        revision=fields.text("revision", None),
        sha256=fields.text("sha256", None, SHA256),
    )


def _hyperparameters(fields: Fields) -> Hyperparameters:
    return Hyperparameters(
        epochs=fields.decimal("epochs", "0.01", "1000", "3"),
        max_steps=fields.integer("maxSteps", 1, default=None),
        batch_size=fields.integer("batchSize", 1, 4096, default=1),
        gradient_accumulation=fields.integer("gradientAccumulation", 1, 4096, default=1),
        learning_rate=fields.decimal("learningRate", "0.000000001", "1", "0.0002"),
        warmup_ratio=fields.decimal("warmupRatio", "0", "1", "0.03"),
        scheduler=fields.choice("scheduler", SCHEDULERS, "cosine"),
        max_length=fields.integer("maxLength", 8, 1 << 20, default=512),
        seed=fields.integer("seed", 0, (1 << 32) - 1, default=7),
        checkpoint_every_steps=fields.integer("checkpointEverySteps", 1, default=50),
        gradient_checkpointing=fields.flag("gradientCheckpointing", False),
        precision=fields.choice("precision", ("fp32", "bf16", "fp16"), "fp32"),
        optimizer=fields.choice("optimizer", OPTIMIZERS, "adamw"),
        weight_precision=fields.choice("weightPrecision", WEIGHT_PRECISIONS, "mixed"),
        offload_optimizer=fields.flag("offloadOptimizer", False),
        ema_decay=fields.decimal("emaDecay", "0", "0.999999", "0") or None,
    )


def _resume(fields: Fields | None) -> Resume | None:
    if fields is None:
        return None
    return Resume(
        uri=fields.text("uri"),
        step=fields.integer("step", 0),
        manifest_sha256=fields.text("manifestSha256", None, SHA256),
    )


def _control(fields: Fields | None) -> Control | None:
    if fields is None:
        return None
    port_file = fields.text("portFile", None)
    return Control(
        host=fields.text("host", "127.0.0.1"),
        port=fields.integer("port", 0, 65535, default=0),
        token_file=Path(fields.text("tokenFile")),
        port_file=None if port_file is None else Path(port_file),
    )


def _card(fields: Fields | None) -> Card:
    if fields is None:
        return Card()
    return Card(
        goal=fields.text("goal", None),
        plan=fields.text("plan", None),
        digest=fields.text("digest", None),
        unit_price_per_hour=fields.text("unitPricePerHour", None),
        currency=fields.text("currency", None),
    )


def _stage(fields: Fields, usual: Evaluation | None) -> Stage:
    method = fields.optional_child("method")
    return Stage(
        name=fields.text("name", pattern=r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?"),
        starts_from=fields.text("startsFrom", BASE),
        method=None if method is None else method.choice("name", METHODS),
        lora=_lora(None if method is None else method.optional_child("lora")),
        options=parse_options(None if method is None else method.optional_child("options")),
        data=tuple(_data(child) for child in fields.children("data")),
        hyperparameters=_hyperparameters(
            fields.optional_child("hyperparameters") or Fields({}, "hyperparameters")
        ),
        evaluation=parse_evaluation(fields.optional_child("evaluation")) or usual,
    )


def _stages(fields: Fields, usual: Evaluation | None) -> tuple[Stage, ...]:
    """Raises TrainerError for an order in which they cannot be trained."""
    made: list[Stage] = []
    methods: dict[str, str] = {}
    for index, child in enumerate(fields.children("stages", at_least=0)):
        stage = _stage(child, usual)
        if stage.name in {BASE, *(one.name for one in made)}:
            raise fields.refuse(f"stages[{index}].name", f"is {stage.name!r}, which is taken")
        if stage.starts_from != BASE and stage.starts_from not in methods:
            raise fields.refuse(
                f"stages[{index}].startsFrom",
                f"is {stage.starts_from!r}, which is no earlier stage that trains",
                f"Name {BASE} or the stage before whose result it begins with.",
            )
        if methods.get(stage.starts_from) in WITHOUT_MERGED:
            raise fields.refuse(
                f"stages[{index}].startsFrom",
                f"is a stage of {methods[stage.starts_from]}, which makes no whole model",
                "Let it start from another stage or from the base.",
            )
        made.append(stage)
        if stage.method is not None:
            methods[stage.name] = stage.method
    if made and not methods:
        raise fields.refuse("stages", "train nothing", "Give one of them a method.")
    return tuple(made)


def _outputs(fields: Fields, method: str) -> tuple[str, ...]:
    outputs = fields.choices("outputs", ("adapter", "merged"))
    if method in WITHOUT_ADAPTER and "adapter" in outputs:
        raise fields.refuse(
            "outputs",
            "asks for an adapter, which a full fine-tune does not have",
            'Ask for "merged", or take the method "lora".',
        )
    if method in WITHOUT_MERGED and "merged" in outputs:
        raise fields.refuse(
            "outputs",
            f"asks for merged weights, which {method} does not make",
            'Ask for "adapter": a small file to load beside the base model.',
        )
    return outputs


def parse_spec(value: Any) -> Spec:
    """Validates a decoded spec. Raises TrainerError `invalidSpec` or `unsupportedProtocol`."""
    fields = Fields(value)
    version = fields.integer("protocol", 0)
    if version != PROTOCOL:
        raise TrainerError(
            "unsupportedProtocol",
            f"the spec is of protocol {version}; this trainer speaks {PROTOCOL}",
            "protocol",
            "Use an operator and a trainer of the same release.",
        )
    method = fields.child("method")
    name = method.choice("name", METHODS)
    evaluation = parse_evaluation(fields.optional_child("evaluation"))
    stages = _stages(fields, evaluation)
    trained = [stage.method for stage in stages if stage.method is not None] or [name]
    consent = parse_consent(fields.optional_child("consent"))
    if "voice-clone" in trained and consent is None:
        raise fields.refuse(
            "consent",
            "is missing: a voice is cloned only with the recorded consent of its owner",
            "Give speaker, statement, and the file and SHA-256 of the recorded statement.",
        )
    return Spec(
        job=fields.text("job"),
        attempt=fields.text("attempt", pattern=r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"),
        modality=fields.choice("modality", MODALITIES, "llm"),
        model=_model(fields.child("model")),
        method=name,
        lora=_lora(method.optional_child("lora")),
        options=parse_options(method.optional_child("options")),
        data=tuple(_data(child) for child in fields.children("data")),
        hyperparameters=_hyperparameters(
            fields.optional_child("hyperparameters") or Fields({}, "hyperparameters")
        ),
        store=parse_store(fields.child("store")),
        resume=_resume(fields.optional_child("resume")),
        outputs=_outputs(fields, trained[-1]),
        deadline=fields.time("deadline"),
        control=_control(fields.optional_child("control")),
        card=_card(fields.optional_child("card")),
        evaluation=evaluation,
        stages=stages,
        consent=consent,
        parallelism=fields.choice("parallelism", PARALLELISMS, "replicated"),
        deadline_seconds=fields.number("deadlineSeconds"),
        hung_after_seconds=fields.number("hungAfterSeconds"),
    )


def load_spec(path: Path) -> Spec:
    """Reads spec.json. Raises TrainerError with the file, the line or the field."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TrainerError(
            "specUnreadable",
            f"the spec cannot be read: {error}",
            str(path),
            "Name a readable spec file with --spec.",
        ) from error
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise TrainerError(
            "specNotJson",
            f"the spec is not JSON: {error.msg}",
            f"{path} line {error.lineno} column {error.colno}",
            "Write the spec as one JSON object.",
        ) from error
    return parse_spec(value)
