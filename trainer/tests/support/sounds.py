"""Tiny models that make music and speech, and data for them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy
import soundfile
import torch
from diffusers import (
    AceStepPipeline,
    AceStepTransformer1DModel,
    AutoencoderOobleck,
    CosineDPMSolverMultistepScheduler,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    StableAudioDiTModel,
    StableAudioPipeline,
    StableAudioProjectionModel,
)
from diffusers.pipelines.ace_step.modeling_ace_step import AceStepConditionEncoder
from peft import PeftModel
from transformers import (
    EncodecConfig,
    EncodecFeatureExtractor,
    EncodecModel,
    MusicgenConfig,
    MusicgenDecoderConfig,
    MusicgenForConditionalGeneration,
    MusicgenProcessor,
    Qwen3Config,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
)

from support.methods import Case
from support.tiny import build_tokenizer

WIDTH = 32
RATE = 8000


def ace_step(root: Path) -> Path:
    """ACE-Step 1.5, tiny."""
    torch.manual_seed(11)
    words = build_tokenizer()
    common = {
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
    }
    encoder = AceStepConditionEncoder(
        **common,
        text_hidden_dim=WIDTH,
        timbre_hidden_dim=8,
        num_lyric_encoder_hidden_layers=1,
        num_timbre_encoder_hidden_layers=1,
    )
    torch.nn.init.normal_(encoder.silence_latent)
    pipeline = AceStepPipeline(
        # 25 latents a second, as in the real model: half a minute of them is attended to for each row.
        vae=_oobleck([16, 20]),
        text_encoder=Qwen3Model(
            Qwen3Config(
                vocab_size=len(words),
                hidden_size=WIDTH,
                intermediate_size=2 * WIDTH,
                num_hidden_layers=1,
                num_attention_heads=2,
                num_key_value_heads=1,
                head_dim=16,
            )
        ),
        tokenizer=words,
        transformer=AceStepTransformer1DModel(
            **common, num_hidden_layers=2, in_channels=24, audio_acoustic_hidden_dim=8
        ),
        condition_encoder=encoder,
        scheduler=FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0),
    )
    pipeline.save_pretrained(root / "ace")
    return root / "ace"


def _oobleck(ratios: list[int]) -> AutoencoderOobleck:
    return AutoencoderOobleck(
        encoder_hidden_size=16,
        downsampling_ratios=ratios,
        channel_multiples=[1, 2],
        decoder_channels=8,
        decoder_input_channels=8,
        audio_channels=2,
        sampling_rate=RATE,
    )


def stable_audio(root: Path) -> Path:
    """Stable Audio, tiny: half a second."""
    torch.manual_seed(11)
    words = build_tokenizer()
    words.model_max_length = 16
    text = T5Config(
        vocab_size=len(words), d_model=WIDTH, d_kv=8, d_ff=64, num_layers=1, num_heads=4
    )
    pipeline = StableAudioPipeline(
        vae=_oobleck([4, 8]),
        text_encoder=T5EncoderModel(text),
        projection_model=StableAudioProjectionModel(WIDTH, WIDTH, 0, 512),
        tokenizer=words,
        transformer=StableAudioDiTModel(
            sample_size=128,
            in_channels=8,
            out_channels=8,
            num_layers=2,
            attention_head_dim=16,
            num_attention_heads=2,
            num_key_value_attention_heads=2,
            cross_attention_dim=WIDTH,
            time_proj_dim=32,
            global_states_input_dim=2 * WIDTH,
            cross_attention_input_dim=WIDTH,
        ),
        scheduler=CosineDPMSolverMultistepScheduler(),
    )
    pipeline.save_pretrained(root / "stable-audio")
    return root / "stable-audio"


def musicgen(root: Path) -> Path:
    """MusicGen, tiny."""
    torch.manual_seed(11)
    words = build_tokenizer()
    codec = EncodecConfig(
        target_bandwidths=[1.0],
        sampling_rate=RATE,
        audio_channels=1,
        num_filters=4,
        hidden_size=16,
        codebook_size=32,
        codebook_dim=16,
        upsampling_ratios=[8, 8],
        num_lstm_layers=1,
        norm_type="weight_norm",
        normalize=False,
    )
    audio = EncodecModel(codec)
    text = T5Config(
        vocab_size=len(words), d_model=WIDTH, d_kv=8, d_ff=64, num_layers=1, num_heads=4
    )
    decoder = MusicgenDecoderConfig(
        vocab_size=32,
        hidden_size=WIDTH,
        ffn_dim=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_codebooks=codec.num_quantizers,
        pad_token_id=32,
        bos_token_id=32,
        max_position_embeddings=512,
        dropout=0.0,
    )
    config = MusicgenConfig(
        text_encoder=text.to_dict() | {"model_type": "t5"},
        audio_encoder=codec.to_dict(),
        decoder=decoder.to_dict(),
    )
    model = MusicgenForConditionalGeneration(config)
    model.audio_encoder.load_state_dict(audio.state_dict())
    assert isinstance(model.text_encoder, T5EncoderModel)
    model.generation_config.pad_token_id = 32
    model.generation_config.decoder_start_token_id = 32
    model.save_pretrained(root / "musicgen")
    extractor = EncodecFeatureExtractor(sampling_rate=RATE)
    MusicgenProcessor(extractor, words).save_pretrained(root / "musicgen")
    return root / "musicgen"


def song_data(root: Path) -> Path:
    """Short tones with captions and lyrics."""
    rows = []
    for index in range(8):
        time = numpy.arange(RATE // 2) / RATE
        tone = 0.4 * numpy.sin(2 * numpy.pi * (220 + 40 * (index % 2)) * time)
        soundfile.write(root / f"{index}.wav", numpy.stack([tone, tone], 1), RATE)
        row = {"audio": f"{index}.wav", "caption": f"a tone {index % 2}", "lyrics": "la la"}
        rows.append(row)
    path = root / "songs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def reload_song(base: Path, exported: Path) -> None:
    """Adapter and merged pipeline make the same music, and not the base's."""

    def made(pipeline: DiffusionPipeline) -> torch.Tensor:
        pipeline.set_progress_bar_config(disable=True)
        generator = torch.Generator().manual_seed(5)
        options = {"audio_duration": 0.5, "num_inference_steps": 2, "generator": generator}
        return pipeline("a tone", lyrics="la", **options).audios

    plain = DiffusionPipeline.from_pretrained(base)
    before = made(plain)
    if exported.name == "adapter":
        plain.load_lora_weights(exported)
        after = made(plain)
        other = made(DiffusionPipeline.from_pretrained(exported.with_name("merged")))
        torch.testing.assert_close(after, other, atol=1e-3, rtol=1e-3)
    else:
        after = made(DiffusionPipeline.from_pretrained(exported))
    assert (after - before).abs().max() > 1e-5


def reload_stable_audio(base: Path, exported: Path) -> None:
    """Adapter and merged pipeline make the same sound with the plain libraries, and not the base's."""

    def made(pipeline: DiffusionPipeline) -> torch.Tensor:
        pipeline.set_progress_bar_config(disable=True)
        generator = torch.Generator().manual_seed(5)
        options = {"audio_end_in_s": 0.5, "num_inference_steps": 3, "generator": generator}
        return pipeline("a tone", **options).audios

    plain = DiffusionPipeline.from_pretrained(base)
    before = made(plain)
    if exported.name == "adapter":
        tuned = PeftModel.from_pretrained(plain.transformer, exported)
        plain.transformer = tuned.merge_and_unload()
        after = made(plain)
        other = made(DiffusionPipeline.from_pretrained(exported.with_name("merged")))
        torch.testing.assert_close(after, other, atol=1e-3, rtol=1e-3)
    else:
        after = made(DiffusionPipeline.from_pretrained(exported))
    assert (after - before).abs().max() > 1e-5


def reload_musicgen(base: Path, exported: Path) -> None:
    """The plain library loads it and makes sound; what it expects is not what the base expects."""
    plain = MusicgenForConditionalGeneration.from_pretrained(base)
    words = torch.tensor([[5, 6, 7]])
    books = plain.config.decoder.num_codebooks
    start = torch.full((books, 3), 1)

    def seen(model: torch.nn.Module) -> torch.Tensor:
        with torch.no_grad():
            return model.eval()(input_ids=words, decoder_input_ids=start).logits

    before = seen(plain)
    if exported.name == "adapter":
        tuned = PeftModel.from_pretrained(plain, exported)
    else:
        tuned = MusicgenForConditionalGeneration.from_pretrained(exported)
    assert (seen(tuned) - before).abs().max() > 1e-4
    with torch.no_grad():
        assert tuned.generate(input_ids=words, max_new_tokens=6).shape[-1] > 0


SHORT = {"seconds": "0.5", "sampleSteps": 2}
SOUNDS = (
    Case(
        "LoRA, ACE-Step 1.5",
        "audio",
        "lora",
        ace_step,
        song_data,
        reload_song,
        options=SHORT,
        changes={"evaluation__maxRows": 2},
    ),
    Case(
        "full, ACE-Step 1.5",
        "audio",
        "full",
        ace_step,
        song_data,
        reload_song,
        outputs=("merged",),
        options=SHORT,
        changes={"evaluation__maxRows": 2, "hyperparameters__learningRate": "0.001"},
    ),
    Case(
        "LoRA, Stable Audio",
        "audio",
        "lora",
        stable_audio,
        song_data,
        reload_stable_audio,
        options=SHORT,
        changes={"evaluation__maxRows": 2},
    ),
    Case(
        "full, Stable Audio",
        "audio",
        "full",
        stable_audio,
        song_data,
        reload_stable_audio,
        outputs=("merged",),
        options=SHORT,
        changes={"evaluation__maxRows": 2, "hyperparameters__learningRate": "0.001"},
    ),
    Case(
        "full, MusicGen",
        "audio",
        "full",
        musicgen,
        song_data,
        reload_musicgen,
        outputs=("merged",),
        options=SHORT,
        changes={"evaluation__maxRows": 2},
    ),
    Case(
        "LoRA, MusicGen",
        "audio",
        "lora",
        musicgen,
        song_data,
        reload_musicgen,
        options=SHORT,
        changes={"evaluation__maxRows": 2},
    ),
)
