"""Families of diffusion models: how a row becomes tensors, and what the network has to foresee."""
