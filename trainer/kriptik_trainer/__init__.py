"""Trains a model under a deadline: control protocol, verified checkpoints, exact resume."""

PROTOCOL = 1
"""Version of the control protocol and of spec.json."""

__version__ = "0.1.0"
