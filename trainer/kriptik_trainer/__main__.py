"""`python -m kriptik_trainer`."""

from kriptik_trainer.cli import entry

entry()
