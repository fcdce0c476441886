"""A stand-in for CuPy's RawKernel: the CUDA source, compiled for the host, run thread by thread.

What a kernel computes can be tested so; that threads do not get into each other's way, or that it is fast, cannot.
Needs a C++ compiler (`g++`, or what CXX names); without one there is no RawKernel, as in an old CuPy.
"""

import ctypes
import functools
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

PRELUDE = """
#define __global__
struct Index { unsigned x, y, z; };
static Index blockIdx, threadIdx, blockDim, gridDim;
"""
DRIVER = """
extern "C" void run_{name}(unsigned grid, unsigned block, void** a) {{
    gridDim.x = grid;
    blockDim.x = block;
    for (blockIdx.x = 0; blockIdx.x < grid; blockIdx.x++)
        for (threadIdx.x = 0; threadIdx.x < block; threadIdx.x++)
            {name}({arguments});
}}
"""
SCALARS = {"long long": np.int64, "int": np.int32, "float": np.float32, "double": np.float64}
NAMES = {"float": "float32", "double": "float64", "unsigned char": "uint8"}


def compiler():
    return shutil.which(os.environ.get("CXX", "g++"))


@functools.cache
def _folder():
    return tempfile.TemporaryDirectory(prefix="fakekernel")


@functools.cache
def compiled(code, name):
    """Return the parameters' types, and the function that runs a whole grid."""
    found = re.search(rf"__global__\s+void\s+{name}\s*\((.*?)\)\s*{{", code, re.S)
    types = [re.sub(r"\s*\w+$", "", parameter.strip()) for parameter in found[1].split(",")]
    arguments = ", ".join(f"({t})a[{i}]" if "*" in t else f"*({t}*)a[{i}]" for i, t in enumerate(types))
    source = Path(_folder().name) / f"{name}{abs(hash(code))}.cpp"
    source.write_text(PRELUDE + code + DRIVER.format(name=name, arguments=arguments))
    library = source.with_suffix(".so")
    command = [compiler(), "-O1", "-shared", "-fPIC", "-Wno-unknown-pragmas", str(source), "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} does not compile: {done.stderr}")
    return types, getattr(ctypes.CDLL(str(library)), f"run_{name}")


class RawKernel:
    """As CuPy's, for grids and blocks of one dimension."""

    def __init__(self, code, name, options=()):
        self.code, self.name = code, name
        typedefs = {new: old for old, new in re.findall(r"typedef ([\w ]+) (\w+);", code)}
        self.arrays = {**NAMES, **{new: NAMES[old] for new, old in typedefs.items() if old in NAMES}}
        self.scalars = {**SCALARS, **{new: SCALARS[old] for new, old in typedefs.items() if old in SCALARS}}

    def __call__(self, grid, block, args):
        from fakecupy import ndarray

        types, run = compiled(self.code, self.name)
        if len(types) != len(args):
            raise TypeError(f"{self.name} takes {len(types)} arguments, got {len(args)}")
        pointers, kept = (ctypes.c_void_p * len(args))(), []
        for i, (declared, arg) in enumerate(zip(types, args, strict=True)):
            if "*" in declared:
                element = self.arrays[declared.removeprefix("const ").rstrip("* ")]
                if not isinstance(arg, ndarray):
                    raise TypeError(f"argument {i} of {self.name} is no device array but {type(arg)}")
                if arg._host.dtype != element or not arg._host.flags.c_contiguous:  # a device would read nonsense
                    raise TypeError(f"argument {i} of {self.name} is {arg._host.dtype}, or not in one piece")
                pointers[i] = arg._host.ctypes.data
            else:
                if type(arg) is not self.scalars[declared]:
                    raise TypeError(f"argument {i} of {self.name} is {type(arg)}, declared as {declared}")
                kept.append(np.array(arg))
                pointers[i] = kept[-1].ctypes.data
        run(int(grid[0]), int(block[0]), pointers)
