"""Tiny models of voices, and recordings of a speaker with their consent."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy
import soundfile
import torch
from tokenizers import Tokenizer, models, pre_tokenizers

from support.methods import Case

os.environ.setdefault("COQUI_TOS_AGREED", "1")
RATE = 22_050


def vocabulary(path: Path) -> None:
    """Letters and the marks that XTTS knows."""
    marks = ["[STOP]", "[UNK]", "[SPACE]", "[START]", "[en]"]
    letters = [*"abcdefghijklmnopqrstuvwxyz.,?!'"]
    vocab = {word: index for index, word in enumerate([*marks, *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[], unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(marks)
    tokenizer.save(str(path))


def xtts(root: Path) -> Path:
    """XTTS with a small language model; its vocoder and codec have one size only."""
    from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig  # noqa: PLC0415 - ten seconds
    from TTS.tts.layers.xtts.dvae import DiscreteVAE  # noqa: PLC0415
    from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer  # noqa: PLC0415
    from TTS.tts.models.xtts import Xtts  # noqa: PLC0415

    torch.manual_seed(11)
    folder = root / "xtts"
    folder.mkdir()
    vocabulary(folder / "vocab.json")
    arguments = XttsArgs(
        gpt_layers=2,
        gpt_n_model_channels=64,
        gpt_n_heads=4,
        gpt_max_audio_tokens=60,
        gpt_max_text_tokens=60,
        gpt_num_audio_tokens=130,
        gpt_start_audio_token=128,
        gpt_stop_audio_token=129,
        gpt_use_perceiver_resampler=True,
        decoder_input_dim=64,
    )
    config = XttsConfig(model_args=arguments)
    model = Xtts(config)
    model.tokenizer = VoiceBpeTokenizer(folder / "vocab.json")
    model.init_models()
    config.save_json(str(folder / "config.json"))
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    codec = DiscreteVAE(
        channels=80,
        normalization=None,
        positional_dims=1,
        num_tokens=128,
        codebook_dim=512,
        hidden_dim=512,
        num_resnet_blocks=3,
        kernel_size=3,
        num_layers=2,
        use_transposed_convs=False,
    )
    torch.save(codec.state_dict(), folder / "dvae.pth")
    torch.save(torch.ones(80), folder / "mel_stats.pth")
    return folder


def voice(seconds: float, pitch: float) -> numpy.ndarray[Any, Any]:
    """A hum with overtones."""
    time = numpy.arange(int(RATE * seconds)) / RATE
    return sum(0.2 / n * numpy.sin(2 * numpy.pi * pitch * n * time) for n in (1, 2, 3))


def consent(root: Path) -> dict[str, str]:
    """A recorded statement."""
    path = root / "consent.wav"
    soundfile.write(path, voice(3, 130), RATE)
    return {
        "speaker": "Ada",
        "statement": "I allow the use of my voice.",
        "recording": str(path),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def recordings(root: Path) -> Path:
    """Recordings with what is said in them."""
    consent(root)
    rows = []
    for index in range(7):
        soundfile.write(root / f"{index}.wav", voice(0.8 + 0.1 * (index % 3), 120 + index), RATE)
        rows.append({"audio": f"{index}.wav", "text": f"hello {'again ' * (index % 3)}there"})
    path = root / "recordings.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def reload_voice(base: Path, exported: Path) -> None:
    """The plain library loads the merged folder and speaks; its weights are not the base's."""
    from TTS.tts.configs.xtts_config import XttsConfig  # noqa: PLC0415 - ten seconds
    from TTS.tts.models.xtts import Xtts  # noqa: PLC0415

    if exported.name == "adapter":
        return
    config = XttsConfig()
    config.load_json(str(exported / "config.json"))
    model = Xtts(config)
    model.load_checkpoint(config, checkpoint_dir=str(exported), eval=True)
    before = torch.load(base / "model.pth", weights_only=True)["model"]
    name = "gpt.gpt.h.0.attn.c_attn.weight"
    assert not torch.equal(model.state_dict()[name], before[name])
    latents, speaker = model.get_conditioning_latents([str(base.parent / "0.wav")])
    wav = model.inference("hello", "en", latents, speaker)["wav"]
    assert numpy.isfinite(numpy.asarray(wav)).all()
    assert "I allow the use of my voice" in (exported / "README.md").read_text()


VOICES = (
    Case(
        "voice clone, XTTS",
        "audio",
        "voice-clone",
        xtts,
        recordings,
        reload_voice,
        changes={"evaluation__maxRows": 1, "evaluation__everySteps": None},
        consent=consent,
    ),
)
