"""Probes: each goes one step and gives facts, of success and of failure alike."""
