"""Files that must be refused, or loaded although they look odd: one function each, which writes into a folder.

The numbers are those of the list of bad inputs that the loader is held to.
"""

import functools
import io
import json
import os
import pickle
import socket
import struct
import warnings
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
from weight_files import (
    BIAS,
    KERNEL,
    WEIGHTS,
    caffe_npz,
    keras_0,
    keras_1,
    keras_3,
    keras_whole,
    numbers,
    pth_zip,
    without_top,
    write_pth_zip,
)

CASES = {}  # name -> (function, part of the message, or None if it must load)


def case(message=None):
    def register(write):
        CASES[write.__name__] = (write, message)
        return write

    return register


def edited(folder, edit, **options):
    """A good Keras 1 file, changed through h5py."""
    path = keras_1(folder / "net.h5", **options)
    with h5py.File(path, "r+") as f:
        edit(f)
    return path


def replaced(folder, where, **options):
    """A good Keras 1 file, one dataset of which is created anew."""

    def edit(f):
        del f[where]
        f.create_dataset(where, **options)

    return edited(folder, edit)


def raw(folder, data):
    path = folder / "net.h5"
    path.write_bytes(data)
    return path


# -- paths ---------------------------------------------------------------------------------------------------------


@case("no such file")
def h01_missing(folder):
    return folder / "missing.h5"


@case("is a folder")
def h02_folder(folder):
    return folder


@case("not a regular file")
def h03_fifo(folder):
    os.mkfifo(folder / "fifo")
    return folder / "fifo"


@case("not a regular file")
def h04_device(folder):
    return Path("/dev/zero")


@case("not a regular file")
def h04_socket(folder):
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(folder / "s"))
    server.close()
    return folder / "s"


@case("is empty")
def h05_empty(folder):
    return raw(folder, b"")


@case("looks like a web page")
def h06_web_page(folder):
    return raw(folder, b"\n <!DOCTYPE html><html><body>Sign in</body></html>")


@case("git lfs pull")
def h07_lfs_pointer(folder):
    return raw(folder, b"version https://git-lfs.github.com/spec/v1\noid sha256:57b0\nsize 553467096\n")


@case(".keras archive")
def h08_keras_archive(folder):
    with zipfile.ZipFile(folder / "net.h5", "w") as z:
        z.writestr("metadata.json", "{}")
        z.writestr("model.weights.h5", "")
    return folder / "net.h5"


@case("pickle")
def h09_pickle(folder):
    return raw(folder, pickle.dumps({"conv1_1": [1.0]}, protocol=2))


@case("expected tensors by name, as torch.save(")
def h09_pytorch_zip(folder):
    with zipfile.ZipFile(folder / "net.pth", "w") as z:
        z.writestr("archive/data.pkl", pickle.dumps({}))
    return folder / "net.pth"


@case("'io open', which is refused, and nothing was run")
def h09_pytorch_zip_that_would_run_code(folder):
    return write_pth_zip(folder / "net.h5", pickle.dumps(Payload(folder), protocol=2), {})


@case()
def h09_pytorch_renamed(folder):
    return pth_zip(folder / "net.h5")


@case("truncated: ")
def h10_truncated_half(folder):
    data = keras_1(folder / "whole.h5").read_bytes()
    return raw(folder, data[: len(data) // 2])


@case("truncated: ")
def h11_truncated_last(folder):
    return raw(folder, keras_1(folder / "whole.h5").read_bytes()[:-10])


@case("cannot be read")
def h12_superblock_version(folder):
    data = bytearray(keras_1(folder / "whole.h5").read_bytes())
    data[8] = 77
    return raw(folder, bytes(data))


@case()
def h13_user_block(folder):
    return keras_1(folder / "net.h5", userblock_size=512)


# -- links and other files -----------------------------------------------------------------------------------------


def secret(folder):
    path = folder / "secret"
    path.write_bytes(np.float32(WEIGHTS["conv1_1"]["bias"]).tobytes())
    return path


def linked(folder, where, link):
    def edit(f):
        del f[where]
        f[where] = link

    return edited(folder, edit)


@case("link that leads elsewhere")
def h14_external_link_to_tensor(folder):
    return linked(folder, BIAS, h5py.ExternalLink(str(keras_1(folder / "other.h5")), BIAS))


@case("link that leads elsewhere")
def h15_external_link_to_group(folder):
    return linked(folder, "block1_conv1", h5py.ExternalLink(str(keras_1(folder / "other.h5")), "block1_conv1"))


@case("link that leads elsewhere")
def h16_external_link_to_fifo(folder):
    os.mkfifo(folder / "fifo")
    return linked(folder, "block1_conv1", h5py.ExternalLink(str(folder / "fifo"), "x"))


@case("link that leads elsewhere")
def h17_soft_link(folder):
    return linked(folder, BIAS, h5py.SoftLink("/block1_conv2/block1_conv2_b_1:0"))


@case("link that leads elsewhere")
def h18_soft_link_loop(folder):
    return linked(folder, BIAS, h5py.SoftLink("/" + BIAS))


@case("link that leads elsewhere")
def h19_soft_link_dangling(folder):
    return linked(folder, "block1_conv1", h5py.SoftLink("/nowhere"))


@case("a cycle?")
def h20_hard_link_cycle(folder):
    return edited(folder, lambda f: f["block1_conv1"].__setitem__("self", f["block1_conv1"]))


@case("a cycle?")
def h20_hard_link_cycle_with_branches(folder):
    def edit(f):
        for k in range(8):
            f[f"block1_conv1/{k}"] = f["block1_conv1"]

    return edited(folder, edit)


@case("a cycle?")
def h20_hard_link_cycle_keras_3(folder):
    path = keras_3(folder / "net.h5")
    with h5py.File(path, "r+") as f:
        f["layers/conv2d/layers"] = f["layers"]
    return path


@case("external storage")
def h21_external_storage(folder):
    return replaced(folder, BIAS, shape=(4,), dtype="f4", external=[(str(secret(folder)), 0, 16)])


@case("external storage")
def h22_external_storage_fifo(folder):
    os.mkfifo(folder / "fifo")
    return replaced(folder, BIAS, shape=(4,), dtype="f4", external=[(str(folder / "fifo"), 0, 16)])


@case("virtual dataset")
def h23_virtual_dataset(folder):
    other = keras_1(folder / "other.h5")

    def edit(f):
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource(str(other), BIAS, (4,))
        del f[BIAS]
        f.create_virtual_dataset(BIAS, layout)

    return edited(folder, edit)


@case("members were looked at")
def h20_the_same_group_under_many_names(folder):
    def edit(f):
        many = f.create_group("many0")
        for k in range(3000):
            many[str(k)] = f[BIAS]
        for k in range(1, 40):
            f[f"many{k}"] = many

    return edited(folder, edit)


# -- declared and stored -------------------------------------------------------------------------------------------


@case("needs 4398046511104 bytes")
def h24_huge_shape(folder):
    return replaced(folder, BIAS, shape=(1 << 40,), dtype="f4")


@case("bytes; a tensor may have")
def h25_overflowing_shape(folder):
    return replaced(folder, BIAS, shape=(1 << 60,), dtype="f8", chunks=(1,))


@case("no data stored")
def h26_never_written(folder):
    return replaced(folder, KERNEL, shape=(3, 3, 3, 4), dtype="f4")


@case("no data stored")
def h27_fill_value_nan(folder):
    return replaced(folder, BIAS, shape=(4,), dtype="f4", fillvalue=np.nan)


@case("no data stored: 1 of 2 chunks")
def h27_one_chunk_of_two_written(folder):
    def edit(f):
        del f[BIAS]
        f.create_dataset(BIAS, (4,), "f4", chunks=(2,))[:2] = 1

    return edited(folder, edit)


@functools.cache
def packed_zeros(mebibytes):
    packer = zlib.compressobj(1)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(mebibytes)), packer.flush()])


def chunk_bomb(folder, chunk, size):
    """A tensor of 4 numbers in one chunk, declared to hold `chunk` numbers, that inflates to `size` MiB of zeros."""

    def edit(f):
        del f[BIAS]
        d = f.create_dataset(BIAS, (4,), "f4", maxshape=(None,), chunks=(chunk,), compression="gzip")
        d.id.write_direct_chunk((0,), packed_zeros(size))

    return edited(folder, edit)


@case("a chunk of 268435456 bytes")
def h28_huge_chunk(folder):
    return chunk_bomb(folder, 64 << 20, 256)


@case("bytes is stored")
def h28_chunk_that_inflates(folder):
    return chunk_bomb(folder, 4, 256)


@case("holds 4194309 bytes or more")
def h28_plausible_chunk_that_inflates(folder):
    return chunk_bomb(folder, 1 << 20, 256)


@case("a chunk of 2 bytes is stored, 20 are declared")
def h28_chunk_shorter_than_its_checksum(folder):
    def edit(f):
        del f[BIAS]
        d = f.create_dataset(BIAS, (4,), "f4", chunks=(4,), fletcher32=True)
        d.id.write_direct_chunk((0,), b"ab")

    return edited(folder, edit)


@case("chunks; at most")
def h28_too_many_chunks(folder):
    return replaced(folder, BIAS, shape=(1 << 20,), dtype="f4", chunks=(1,))


@case("cannot be read")
def h30_fletcher32(folder):
    data = np.arange(4, dtype="f4") + 7
    path = replaced(folder, BIAS, data=data, chunks=(4,), fletcher32=True)
    content = bytearray(path.read_bytes())
    content[content.index(data.tobytes())] ^= 1
    return raw(folder, bytes(content))


@case()
def h29_zeros_in_one_gzip_chunk(folder):
    """As many zeros as the dataset declares are no bomb."""
    weights = {"fc7": {"kernel": np.zeros((2000, 2000), "f4"), "bias": np.zeros(2000, "f4")}}
    (folder / "expected.json").write_text(json.dumps({"fc7": {"kernel": [2000, 2000], "bias": [2000]}}))
    (folder / "zeros").touch()
    path = keras_1(folder / "net.h5", weights)
    with h5py.File(path, "r+") as f:
        del f["fc2/fc2_W_1:0"]
        f.create_dataset("fc2/fc2_W_1:0", data=weights["fc7"]["kernel"], chunks=(2000, 2000), compression="gzip")
    return path


@case("loads, with other numbers")
def h31_bit_flip_in_an_unknown_file(folder):
    data = bytearray(keras_1(folder / "whole.h5").read_bytes())
    data[data.index(WEIGHTS["conv1_1"]["bias"].tobytes())] ^= 1
    return raw(folder, bytes(data))


def with_value(value, row="conv1_2", index=(0, 1, 2, 3)):
    weights = {r: {n: t.copy() for n, t in tensors.items()} for r, tensors in WEIGHTS.items()}
    weights[row]["kernel"][index] = value
    return weights


@case("'conv1_2': kernel[0, 1, 2, 3] is nan")
def h32_nan(folder):
    return keras_1(folder / "net.h5", with_value(np.nan))


@case("'fc7': kernel[7, 7] is -inf")
def h33_infinity(folder):
    return keras_1(folder / "net.h5", with_value(-np.inf, "fc7", (7, 7)))


# -- types ---------------------------------------------------------------------------------------------------------


@case("expected floats")
def h34_int64(folder):
    return replaced(folder, KERNEL, data=np.ones((3, 3, 3, 4), "i8"))


@case("expected IEEE floats")
def h34_bfloat16(folder):
    kind = h5py.h5t.IEEE_F32LE.copy()
    kind.set_fields(15, 7, 8, 0, 7)
    kind.set_size(2)

    def edit(f):
        del f[BIAS]
        space = h5py.h5s.create_simple((4,))
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_layout(h5py.h5d.COMPACT)
        h5py.h5d.create(f.id, BIAS.encode(), kind, space, plan)

    return edited(folder, edit)


@case("expected floats")
def h35_complex(folder):
    return replaced(folder, KERNEL, data=np.ones((3, 3, 3, 4), "c8"))


@case("expected floats")
def h36_strings(folder):
    return replaced(folder, BIAS, data=["a", "b", "c", "d"])


@case("expected floats")
def h36_variable_length(folder):
    def edit(f):
        del f[BIAS]
        f.create_dataset(BIAS, (4,), h5py.vlen_dtype("f4"))[0] = [1.0, 2.0]

    return edited(folder, edit)


@case("expected floats")
def h37_compound(folder):
    return replaced(folder, BIAS, data=np.zeros(4, [("re", "f4"), ("im", "f4")]))


@case("expected floats")
def h38_object_references(folder):
    return replaced(folder, BIAS, shape=(4,), dtype=h5py.ref_dtype)


@case()
def h39_big_endian(folder):
    return replaced(folder, BIAS, data=WEIGHTS["conv1_1"]["bias"].astype(">f4"))


@case()
def h40_float64(folder):
    return replaced(folder, BIAS, data=WEIGHTS["conv1_1"]["bias"].astype("f8"))


@case("no data stored")
def h41_h5py_empty(folder):
    return replaced(folder, BIAS, data=h5py.Empty("f4"))


@case("at least one number")
def h42_scalar(folder):
    return replaced(folder, BIAS, data=np.float32(1))


@case("at least one number")
def h42_no_numbers(folder):
    return replaced(folder, BIAS, shape=(0,), dtype="f4")


@case("expected a dataset, found a datatype")
def h43_named_type(folder):
    return linked(folder, BIAS, np.dtype("f4"))


@case("expected a group, found a dataset")
def h44_dataset_for_group(folder):
    return linked(folder, "block1_conv1", np.ones(4, "f4"))


# -- layers and attributes -----------------------------------------------------------------------------------------


@case("missing rows: 'conv1_2', 'fc7'")
def h45_missing_in_the_middle(folder):
    return keras_1(folder / "net.h5", {r: t for r, t in WEIGHTS.items() if r not in ("conv1_2", "fc7")})


@case()
def h45_last_rows_missing(folder):
    return keras_1(folder / "net.h5", without_top())


@case("16 convolutions found, 13 expected: VGG19?")
def h54_vgg19(folder):
    shapes = {"kernel": (3, 3, 2, 2), "bias": (2,)}
    blocks = {1: 2, 2: 2, 3: 4, 4: 4, 5: 4}
    rows = [f"conv{block}_{layer}" for block, layers in blocks.items() for layer in range(1, layers + 1)]
    vgg16 = {row: shapes for row in rows if row not in ("conv3_4", "conv4_4", "conv5_4")}
    (folder / "expected.json").write_text(json.dumps(vgg16))
    return keras_3(folder / "net.h5", numbers(dict.fromkeys(rows, shapes)), {row: row for row in rows})


@case()
def h46_extra_layers(folder):
    def edit(f):
        f["bn1/bn1/gamma:0"], f["bn1/bn1/beta:0"] = np.ones(4, "f4"), np.ones(4, "f4")
        f["bn1/bn1/moving_mean:0"], f["dropout/count"] = np.ones(4, "f4"), np.int64(3)
        f["head/head_W_1:0"], f["head/head_b_1:0"] = np.ones((8, 2), "f4"), np.ones(2, "f4")

    return edited(folder, edit)


@case()
def h47_layer_names_scalar(folder):
    return edited(folder, lambda f: f.attrs.__setitem__("layer_names", np.bytes_(b"block1_conv1")))


@case()
def h48_layer_names_invalid_utf8(folder):
    return edited(folder, lambda f: f.attrs.__setitem__("layer_names", np.array([b"\xff\xfe"])))


@case()
def h49_layer_names_by_the_million(folder):
    path = folder / "net.h5"
    keras_1(path, libver="latest")
    with h5py.File(path, "r+", libver="latest") as f:
        f.attrs.create("layer_names", np.zeros(1_000_000, "S8"))
    return path


@case()
def h50_split_layer_names(folder):
    def edit(f):
        names = f.attrs["layer_names"]
        del f.attrs["layer_names"]
        f.attrs["layer_names0"], f.attrs["layer_names1"] = names[:3], names[3:]

    return edited(folder, edit)


@case()
def h51_weight_names_with_odd_paths(folder):
    names = [b"../../secret", b"/absolute", b"", b"a//b"]
    return edited(folder, lambda f: f["block1_conv1"].attrs.__setitem__("weight_names", names))


@case()
def h52_bias_first(folder):
    flipped = {row: {"bias": t["bias"], "kernel": t["kernel"]} for row, t in WEIGHTS.items()}
    return keras_3(folder / "net.h5", flipped)


@case("OIHW")
def h53_oihw(folder):
    return replaced(folder, KERNEL, data=WEIGHTS["conv1_1"]["kernel"].transpose(3, 2, 0, 1))


@case()
def h57_nb_layers(folder):
    """Keras 0.x: groups layer_0, layer_1, ..., most of them empty; kernels OIHW and flipped."""
    return keras_0(folder / "net.h5")


@case()
def h58_whole_model(folder):
    return keras_whole(folder / "net.h5", suffix=":0")


@case("HDF5 filters [32001]")
def h59_unknown_filter(folder):
    def edit(f):
        del f[BIAS]
        d = f.create_dataset(BIAS, (4,), "f4", chunks=(4,), compression=32001, allow_unknown_filter=True)
        d.id.write_direct_chunk((0,), bytes(16))

    return edited(folder, edit)


@case("too many members")
def h_too_many_groups(folder):
    def edit(f):
        for k in range(5000):
            f.create_group(f"block1_conv1/{k}")

    return edited(folder, edit)


@case()
def h62_odd_name(folder):
    path = Path(os.fsdecode(os.fsencode(folder) + b"/a b\xff\n.h5"))
    keras_1(folder / "net.h5").rename(path)
    return path


@case("cannot be opened")
def h62_very_long_name(folder):
    return folder / ("x" * 300)


@case("cannot be opened")
def h62_nul_in_name(folder):
    return Path(str(folder) + "/a\0b")


# -- npz -----------------------------------------------------------------------------------------------------------


class Payload:
    """A pickle that leaves a trace where it is opened."""

    def __init__(self, folder):
        self.path = str(folder / "executed")

    def __reduce__(self):
        return open, (self.path, "w")


def npy(array):
    out = io.BytesIO()
    np.lib.format.write_array(out, np.asarray(array))
    return out.getvalue()


def header(text, version=b"\x01\x00"):
    size = struct.pack("<H" if version == b"\x01\x00" else "<I", len(text))
    return b"\x93NUMPY" + version + size + text.encode()


def archive(folder, members, compression=zipfile.ZIP_STORED):
    """A good Caffe archive, with members replaced or added."""
    with zipfile.ZipFile(caffe_npz(folder / "good.npz")) as good:
        content = {name: good.read(name) for name in good.namelist()}
    with zipfile.ZipFile(folder / "net.npz", "w", compression, compresslevel=1) as z:
        for name, data in (content | members).items():
            z.writestr(name, data)
    return folder / "net.npz"


BIAS_NPY = "conv1_1/bias.npy"


@case("object array")
def n64_object_array(folder):
    path = folder / "net.npz"
    np.savez(path, **{"conv1_1/weight": np.array([Payload(folder)], dtype=object)})
    return path


@case("pickle")
def n65_raw_pickle(folder):
    return raw(folder, pickle.dumps(Payload(folder), protocol=2))


@case("bytes; a tensor may have")
def n66_declared_terabyte(folder):
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (274877906944,), }\n"
    return archive(folder, {BIAS_NPY: header(text) + bytes(16)})


@case("needs 16 bytes, the archive has 10")
def n67_short_payload(folder):
    return archive(folder, {BIAS_NPY: npy(np.ones(4, "f4"))[:-6]})


@case("needs 16 bytes, the archive has 20")
def n67_long_payload(folder):
    return archive(folder, {BIAS_NPY: npy(np.ones(4, "f4")) + bytes(4)})


@case("cannot be read")
def n68_long_header(folder):
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }" + " " * 20_000 + "\n"
    return archive(folder, {BIAS_NPY: header(text) + bytes(16)})


@case("cannot be read")
def n68_header_claims_four_gigabytes(folder):
    data = b"\x93NUMPY\x02\x00" + struct.pack("<I", 0xFFFFFFF0) + bytes(64 << 20)
    return archive(folder, {BIAS_NPY: data}, zipfile.ZIP_DEFLATED)


@case("cannot be read")
def n69_code_in_header(folder):
    text = f"{{'descr': open({str(folder / 'executed')!r}, 'w'), 'fortran_order': False, 'shape': (4,), }}\n"
    return archive(folder, {BIAS_NPY: header(text) + bytes(16)})


@case("cannot be read")
def n69_nested_header(folder):
    text = "{'descr': " + "(" * 5000 + ")" * 4000 + "}"
    return archive(folder, {BIAS_NPY: header(text) + bytes(16)})


@case("at least one number")
def n69_negative_shape(folder):
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (-2, -2), }\n"
    return archive(folder, {BIAS_NPY: header(text) + bytes(16)})


@case("two members have this name")
def n70_duplicate_members(folder):
    path = archive(folder, {})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "a") as z:
            z.writestr(BIAS_NPY, npy(np.ones(4, "f4")))
    return path


@case()
def n71_other_members(folder):
    return archive(folder, {"README.txt": b"hello", "labels": b"cat\ndog"})


@case("encrypted")
def n72_encrypted(folder):
    path = archive(folder, {})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1  # bit 0 of the flags in the archive's table
    path.write_bytes(data)
    return path


@case("needs 16 bytes, the archive has")
def n73_deflate_bomb(folder):
    return archive(folder, {BIAS_NPY: npy(np.ones(4, "f4")) + bytes(160 << 20)}, zipfile.ZIP_DEFLATED)


@case()
def n74_fortran_and_big_endian(folder):
    kernel = np.asfortranarray(WEIGHTS["conv1_2"]["kernel"].transpose(3, 2, 0, 1).astype(">f8"))
    assert kernel.flags.f_contiguous
    assert not kernel.flags.c_contiguous
    return archive(folder, {"conv1_2/weight.npy": npy(kernel)})


@case("truncated, or not an .npz")
def n75_truncated(folder):
    return raw(folder, caffe_npz(folder / "whole.npz").read_bytes()[:-100])


@case("Bad CRC-32")
def n75_bit_flip(folder):
    data = bytearray(caffe_npz(folder / "whole.npz").read_bytes())
    data[data.index(WEIGHTS["conv1_1"]["bias"].tobytes())] ^= 1
    return raw(folder, bytes(data))


@case("without .npy members")
def n75_other_zip(folder):
    with zipfile.ZipFile(folder / "net.npz", "w") as z:
        z.writestr("a.txt", "a")
    return folder / "net.npz"


@case("not an .npz as NumPy writes it")
def n75_too_many_members(folder):
    with zipfile.ZipFile(folder / "net.npz", "w") as z:
        for k in range(5000):
            z.writestr(f"{k}.npy", b"")
    return folder / "net.npz"
