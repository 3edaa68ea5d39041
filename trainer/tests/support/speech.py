"""A tiny SpeechT5, and a tiny Whisper that listens to what it says."""

from __future__ import annotations

from pathlib import Path

import sentencepiece
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import (
    SpeechT5Config,
    SpeechT5FeatureExtractor,
    SpeechT5ForTextToSpeech,
    SpeechT5HifiGan,
    SpeechT5HifiGanConfig,
    SpeechT5Processor,
    SpeechT5Tokenizer,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizer,
)

from support.methods import Case
from support.tiny import build_tokenizer
from support.voices import consent, recordings

LETTERS = "abcdefghijklmnopqrstuvwxyz.,?!'"
WIDTH = 32


def letters(path: Path) -> Path:
    """A sentencepiece model of letters."""
    with path.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([" ".join(LETTERS), LETTERS]),
            model_writer=file,
            model_type="char",
            vocab_size=len(LETTERS) + 5,
            pad_id=1,
            bos_id=0,
            eos_id=2,
            unk_id=3,
            minloglevel=2,
        )
    return path


def speecht5(root: Path) -> Path:
    """SpeechT5 with its vocoder."""
    torch.manual_seed(11)
    folder = root / "speecht5"
    folder.mkdir()
    tokenizer = SpeechT5Tokenizer(str(letters(root / "letters.model")))
    config = SpeechT5Config(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=2 * WIDTH,
        decoder_ffn_dim=2 * WIDTH,
        speech_decoder_prenet_units=WIDTH,
        speech_decoder_postnet_units=WIDTH,
        speech_decoder_postnet_layers=2,
        speaker_embedding_dim=16,
        num_mel_bins=80,
        max_text_positions=100,
        encoder_max_relative_position=20,
        positional_dropout=0.0,
        encoder_layerdrop=0.0,
        decoder_layerdrop=0.0,
    )
    SpeechT5ForTextToSpeech(config).save_pretrained(folder)
    SpeechT5Processor(SpeechT5FeatureExtractor(), tokenizer).save_pretrained(folder)
    vocoder = SpeechT5HifiGanConfig(
        upsample_initial_channel=16,
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1]],
        initializer_range=0.3,
    )
    SpeechT5HifiGan(vocoder).save_pretrained(folder / "vocoder")
    return folder


def whisper(root: Path) -> Path:
    """Whisper that hears one second, in English only."""
    torch.manual_seed(11)
    folder = root / "whisper"
    folder.mkdir(exist_ok=True)
    marks = ["<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>", "<|0.00|>"]
    words = build_tokenizer(marks)
    words.save_pretrained(folder)
    tokenizer = WhisperTokenizer.from_pretrained(folder)
    ids = {mark: tokenizer.convert_tokens_to_ids(mark) for mark in marks}
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        num_mel_bins=80,
        d_model=WIDTH,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=2 * WIDTH,
        decoder_ffn_dim=2 * WIDTH,
        max_source_positions=50,
        max_target_positions=24,
        pad_token_id=ids["<|endoftext|>"],
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"],
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config.no_timestamps_token_id = ids["<|notimestamps|>"]
    model.generation_config.is_multilingual = False
    model.generation_config.max_length = 16
    model.save_pretrained(folder)
    WhisperProcessor(WhisperFeatureExtractor(chunk_length=1), tokenizer).save_pretrained(folder)
    return folder


def reload_speech(base: Path, exported: Path) -> None:
    """The plain library loads it and speaks in the trained voice; the sound is not the base's."""
    plain = SpeechT5ForTextToSpeech.from_pretrained(base)
    processor = SpeechT5Processor.from_pretrained(exported)
    speaker = load_file(exported / "speaker.safetensors")["speaker_embeddings"]
    ids = processor(text="hello there", return_tensors="pt")["input_ids"]

    def spoken(model: torch.nn.Module) -> torch.Tensor:
        torch.manual_seed(5)
        return model.eval().generate_speech(ids, speaker, minlenratio=2.0)

    before = spoken(plain)
    if exported.name == "adapter":
        plain = SpeechT5ForTextToSpeech.from_pretrained(base)
        tuned = PeftModel.from_pretrained(plain, exported)
    else:
        tuned = SpeechT5ForTextToSpeech.from_pretrained(exported)
        vocoder = SpeechT5HifiGan.from_pretrained(exported / "vocoder")
        assert torch.isfinite(vocoder(spoken(tuned))).all()
    after = spoken(tuned)
    assert after.shape != before.shape or (after - before).abs().max() > 1e-4
    assert "I allow the use of my voice" in (exported / "README.md").read_text()


SPEECH = (
    Case(
        "voice clone, SpeechT5",
        "audio",
        "voice-clone",
        speecht5,
        recordings,
        reload_speech,
        changes={"evaluation__maxRows": 2, "evaluation__everySteps": None},
        consent=consent,
    ),
    Case(
        "full, SpeechT5",
        "audio",
        "full",
        speecht5,
        recordings,
        reload_speech,
        outputs=("merged",),
        changes={
            "evaluation__maxRows": 2,
            "evaluation__everySteps": None,
            "hyperparameters__learningRate": "0.001",
        },
        consent=consent,
    ),
)
