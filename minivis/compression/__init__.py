"""Compression: how much of a network's weights can go, and what that costs in accuracy."""

from .deep import decompress, deep_compress
from .huffman import huffman
from .pruning import pruned, pruning_curve
from .sharing import shared_values

__all__ = ["decompress", "deep_compress", "huffman", "pruned", "pruning_curve", "shared_values"]
