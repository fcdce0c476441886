"""Proof, on your own machine and weights: finite differences, identities, and PyTorch beside them if it is there."""

from .checks import Verdict, verify

__all__ = ["Verdict", "verify"]
