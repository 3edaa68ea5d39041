"""Everything that can be trained, for the tests that go through all of it."""

from __future__ import annotations

from support.clips import CLIPS
from support.language import LANGUAGE
from support.pictures import PICTURES
from support.seeing import SEEING
from support.sounds import SOUNDS
from support.speech import SPEECH
from support.voices import VOICES

CASES = (*LANGUAGE, *PICTURES, *CLIPS, *SOUNDS, *SEEING, *VOICES, *SPEECH)
