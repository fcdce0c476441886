"""A second set of hostile files, made for this loader and on nobody's list: to be held to the same."""

import json
import pickle
import re
import struct
import zipfile
import zlib

import h5py
import numpy as np
from bad_files import BIAS_NPY, Payload, archive, edited, header, linked, npy, raw, replaced
from weight_files import (
    BIAS,
    MAGIC,
    WEIGHTS,
    caffe_npz,
    dump,
    flaxmodels,
    keras_0,
    keras_1,
    keras_3,
    pickled,
    pickled_tensor,
    pth_old,
    safetensors,
    text,
    torch_state,
    write_pth_old,
    write_pth_zip,
    write_safetensors,
)

from minivis.weights import save_weights

CASES = {}  # name -> (function, part of the message, or None if it must load)


def case(message=None):
    def register(write):
        CASES[write.__name__] = (write, message)
        return write

    return register


# -- HDF5 ----------------------------------------------------------------------------------------------------------


def chunk_of(folder, data, mask=0, **options):
    """The first bias as one chunk, the bytes of which are given."""

    def edit(f):
        del f[BIAS]
        f.create_dataset(BIAS, (4,), "f4", chunks=(4,), **options).id.write_direct_chunk((0,), data, mask)

    return edited(folder, edit)


@case("a cycle?")
def h_root_as_a_member_of_itself(folder):
    return edited(folder, lambda f: f["block1_conv1"].__setitem__("up", f["/"]))


@case("link that leads elsewhere")
def h_soft_link_to_the_root(folder):
    return edited(folder, lambda f: f.__setitem__("block9", h5py.SoftLink("/")))


@case("link that leads elsewhere")
def h_external_link_to_itself(folder):
    return linked(folder, "fc1", h5py.ExternalLink("net.h5", "/fc1"))


@case("HDF5 filters [6]")
def h_scale_offset_filter(folder):
    return replaced(folder, BIAS, data=np.ones(4, "f4"), chunks=(4,), scaleoffset=2)


@case("HDF5 filters [32000]")
def h_lzf_filter(folder):
    return replaced(folder, BIAS, data=np.ones(4, "f4"), chunks=(4,), compression="lzf")


@case("HDF5 filters [1, 1]")
def h_gzip_twice(folder):
    def edit(f):
        del f[BIAS]
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((4,))
        plan.set_deflate(9)
        plan.set_deflate(9)
        h5py.h5d.create(f.id, BIAS.encode(), h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((4,)), plan)

    return edited(folder, edit)


@case("bytes is stored, 16 are declared")
def h_chunk_that_is_stored_too_long(folder):
    return chunk_of(folder, bytes(1 << 20))


@case("a chunk of 8 bytes is stored, 16 are declared")
def h_chunk_that_is_stored_too_short(folder):
    """HDF5 2.0 fills the rest with what lies behind it in memory (CVE-2025-44904)."""
    return chunk_of(folder, bytes(8))


@case("cannot be read")
def h_gzip_chunk_of_noise(folder):
    return chunk_of(folder, b"\xff" * 30, compression="gzip")


@case("holds 0 bytes or more")
def h_gzip_chunk_that_ends_early(folder):
    return chunk_of(folder, zlib.compress(bytes(16))[:2], compression="gzip")


@case("bytes is stored, 16 are declared")
def h_gzip_chunk_marked_as_not_packed(folder):
    return chunk_of(folder, zlib.compress(bytes(1 << 16)), mask=1, compression="gzip")


@case("cannot be read")
def h_checksum_of_a_shuffled_chunk(folder):
    return chunk_of(folder, bytes(range(16)) + b"sum!", fletcher32=True, shuffle=True)


@case("expected floats")
def h_long_double(folder):
    return replaced(folder, BIAS, data=np.ones(4, np.longdouble))


@case("expected 'bias', 'kernel', found 'kernel'")
def h_enumeration(folder):
    return replaced(folder, BIAS, shape=(4,), dtype=h5py.enum_dtype({"a": 1}))


@case("expected floats")
def h_opaque(folder):
    return replaced(folder, BIAS, data=np.zeros(4, "V4"))


@case("expected floats")
def h_array_type(folder):
    return replaced(folder, BIAS, shape=(4,), dtype=np.dtype(("f4", (2, 2))))


@case("a tensor of 32 axes")
def h_axes(folder):
    return replaced(folder, BIAS, data=np.ones((1,) * 32, "f4"))


@case("rows have 629145600 numbers; at most")
def h_one_tensor_under_many_names(folder):
    """4 MiB of zeros, packed to 4 kB, which 600 rows would read in turn."""
    path = folder / "net.h5"
    (folder / "expected.json").write_text("null")
    with h5py.File(path, "w") as f:
        options = {"chunks": (1024, 1024), "compression": "gzip"}
        kernel = f.create_dataset("layers/dense/vars/0", data=np.zeros((1024, 1024), "f4"), **options)
        for k in range(1, 600):
            f[f"layers/dense_{k}/vars/0"] = kernel
    return path


@case("too many members: 5000")
def h_many_empty_layers(folder):
    path = keras_0(folder / "net.h5")
    with h5py.File(path, "r+") as f:
        for k in range(100, 5100 - len(f)):
            f.create_group(f"layer_{k}")
    return path


@case("go by their order, and 'conv2d' cannot be told")
def h_layer_of_three_tensors(folder):
    path = keras_3(folder / "net.h5")
    with h5py.File(path, "r+") as f:
        f["layers/conv2d/vars/2"] = np.ones(4, "f4")
    return path


@case("reads 23 numbers, which is no square map")
def h_dense_layer_that_fits_no_map(folder):
    path = flaxmodels(folder / "net.h5")
    with h5py.File(path, "r+") as f:
        del f["fc6/weight"]
        f["fc6/weight"] = np.ones((23, 8), "f4")
    return path


@case("does not read")
def h_name_of_sixty_thousand_letters(folder):
    path = folder / "net.h5"
    with h5py.File(path, "w") as f:
        f["\x1b[31m" + "x" * 60_000] = np.ones(4, "f4")
    return path


@case("is neither HDF5")
def h_signature_far_behind_the_start(folder):
    return raw(folder, bytes(4 << 20) + keras_1(folder / "whole.h5").read_bytes())


@case("cannot be read")
def h_nothing_but_the_signature(folder):
    return raw(folder, keras_1(folder / "whole.h5").read_bytes()[:16])


def own(folder, name, value):
    path = save_weights(folder / "net.h5", WEIGHTS)
    with h5py.File(path, "r+") as f:
        f.attrs[name] = value
    return path


@case("expected a plain path")
def h_rows_that_climb_out(folder):
    return own(folder, "rows", np.array([b"conv1_1", b"../../secret"]))


@case("entries of")
def h_rows_by_the_thousand(folder):
    return own(folder, "rows", np.full(5000, b"conv1_1"))


@case("version nan of the minivis layout")
def h_version_nan(folder):
    return own(folder, "version", np.nan)


@case("more than 4096 attributes")
def h_attributes_by_the_thousand(folder):
    path = save_weights(folder / "net.h5", WEIGHTS)
    with h5py.File(path, "r+", libver="latest") as f:
        space = h5py.h5s.create(h5py.h5s.SCALAR)
        for k in range(4200):
            h5py.h5a.create(f.id, b"a%d" % k, h5py.h5t.IEEE_F32LE, space)
    return path


@case("expected colour_order")
def h_preprocessing_with_infinity(folder):
    path = own(folder, "colour_order", np.bytes_("RGB"))
    with h5py.File(path, "r+") as f:
        f.attrs["mean"] = np.array([np.inf, 1, 1])
    return path


# -- npz -----------------------------------------------------------------------------------------------------------


@case("zip compression 14")
def n_lzma(folder):
    return archive(folder, {}, zipfile.ZIP_LZMA)


@case(".npy version (3, 0)")
def n_version_3(folder):
    return archive(folder, {BIAS_NPY: b"\x93NUMPY\x03\x00" + npy(np.ones(4, "f4"))[8:]})


@case("a tensor of 3000 axes")
def n_axes(folder):
    text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + "1," * 3000 + "), }\n"
    return archive(folder, {BIAS_NPY: header(text) + bytes(4)})


@case("expected floats")
def n_dates(folder):
    return archive(folder, {BIAS_NPY: npy(np.zeros(4, "M8[s]"))})


@case("expected floats")
def n_structured(folder):
    return archive(folder, {BIAS_NPY: npy(np.zeros(4, [("re", "f4"), ("im", "f4")]))})


@case("object array")
def n_structured_with_an_object_inside(folder):
    text = "{'descr': [('a', '<f4'), ('b', '|O')], 'fortran_order': False, 'shape': (4,), }\n"
    return archive(folder, {BIAS_NPY: header(text) + pickle.dumps(Payload(folder))})


@case("cannot be read")
def n_descr_that_is_no_type(folder):
    return archive(
        folder, {BIAS_NPY: header("{'descr': {'a': 1}, 'fortran_order': False, 'shape': (4,), }\n") + bytes(16)}
    )


@case("cannot be read")
def n_name_that_differs_before_the_member(folder):
    data = archive(folder, {}).read_bytes()
    return raw(folder, data.replace(b"conv1_1/bias.npy", b"conv1_1/bigs.npy", 1))


@case("two members have this name")
def n_the_same_name_twice_in_the_table(folder):
    data = archive(folder, {}).read_bytes()
    return raw(folder, data.replace(b"conv1_2/bias.npy", b"conv1_1/bias.npy"))


@case("truncated, or not an .npz")
def n_something_behind_the_table(folder):
    return raw(folder, caffe_npz(folder / "whole.npz").read_bytes() + bytes(100))


@case("is neither HDF5")
def n_something_before_the_archive(folder):
    return raw(folder, b"#!/bin/sh\n" + caffe_npz(folder / "whole.npz").read_bytes())


@case("cannot be read")
def n_table_that_is_not_there(folder):
    data = bytearray(caffe_npz(folder / "whole.npz").read_bytes())
    data[-10:-6] = struct.pack("<L", 1 << 21)
    return raw(folder, bytes(data))


@case("two end records that disagree")
def n_two_end_records(folder):
    data = caffe_npz(folder / "whole.npz").read_bytes()
    end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 50, 0)
    return raw(folder, data[:-22] + end + struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1) + data[-22:])


@case()
def n_names_that_climb_out(folder):
    """Nothing is ever unpacked, so that nothing can land anywhere."""
    return archive(folder, {"../../../outside.npy": npy(np.ones(4)), "/absolute.npy": npy(np.ones(4))})


# -- safetensors ---------------------------------------------------------------------------------------------------


def tensors(folder, table, data=b""):
    path = folder / "net.safetensors"
    content = table if isinstance(table, bytes) else json.dumps(table).encode()
    path.write_bytes(struct.pack("<Q", len(content)) + content + data)
    return path


def entry(shape, start, end, dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


@case()
def s_good(folder):
    return safetensors(folder / "net.safetensors")


@case("cannot be read")
def s_table_of_brackets(folder):
    return tensors(folder, b'{"a":' + b"[" * (1 << 19))


@case("cannot be read")
def s_table_of_spaces(folder):
    return tensors(folder, b"{" + b" " * ((1 << 20) - 1))


@case("a table of 1099511627775 bytes")
def s_table_of_a_terabyte(folder):
    return raw(folder, b"\xff" * 5 + bytes(3) + b"{}")


@case("a tensor may have")
def s_huge_shape(folder):
    return tensors(folder, {"features.0.weight": entry([1 << 40], 0, 16)}, bytes(16))


@case("at least one number")
def s_no_numbers(folder):
    return tensors(folder, {"features.0.weight": entry([0, 1 << 40], 0, 0)})


@case("a tensor of 100000 axes")
def s_axes(folder):
    return tensors(folder, {"features.0.weight": entry([1] * 100_000, 0, 4)}, bytes(4))


@case("expected from 0 on")
def s_gap_before_the_first(folder):
    return tensors(folder, {"features.0.weight": entry([4], 1 << 62, (1 << 62) + 16)}, bytes(16))


@case("expected from 16 on")
def s_one_place_for_all(folder):
    return tensors(folder, {f"features.{k}.weight": entry([4], 0, 16) for k in range(2000)}, bytes(16))


@case("a name twice")
def s_name_twice(folder):
    return tensors(folder, b'{"a":' + json.dumps(entry([4], 0, 16)).encode() + b',"a":1}', bytes(16))


@case("whole numbers from 0 on")
def s_whole_numbers_that_are_not(folder):
    return tensors(folder, {"features.0.weight": entry([4], 0, 16.0)}, bytes(16))


@case("does not read")
def s_names_of_another_network(folder):
    return write_safetensors(folder / "net.safetensors", {"\x1b[2Jstem.weight": np.ones(4, "f4")})


@case("truncated: ")
def s_truncated(folder):
    return raw(folder, safetensors(folder / "whole").read_bytes()[:-1])


# -- pth -----------------------------------------------------------------------------------------------------------

STATE = torch_state()


def pth(folder, table, storages=None):
    return write_pth_zip(folder / "net.pth", table, storages or {})


@case()
def t_old_format(folder):
    return pth_old(folder / "net.pth")


@case("'posix system', which is refused, and nothing was run")
def t_system(folder):
    return pth(folder, b"\x80\x02cposix\nsystem\n" + text(f"touch {folder}/executed") + b"\x85R.")


@case("'builtins exec', which is refused")
def t_exec_in_the_old_format(folder):
    return write_pth_old(folder / "net.pth", b"\x80\x02cbuiltins\nexec\n" + text("1/0") + b"\x85R.", {})


@case("'io open', which is refused")
def t_code_in_the_list_of_storages(folder):
    good = pth_old(folder / "whole.pth").read_bytes()
    return raw(folder, good.replace(dump([str(k) for k in range(14)]), dump(Payload(folder))))


@case("a tuple as the key of a dict")
def t_key_whose_hash_takes_for_ever(folder):
    return pth(folder, b"\x80\x02}K\x00" + b"q\x01h\x01\x86" * 200 + b"K\x01s.")


@case("cannot be read")
def t_half_a_million_opcodes(folder):
    return pth(folder, b"\x80\x02" + b"}" * (600 << 10) + b".")


@case("expected tensors by name")
def t_deep_nesting(folder):
    return pth(folder, b"\x80\x02)" + b"\x85" * (400 << 10) + b".")


@case("cannot be read")
def t_memo_of_four_billion(folder):
    return pth(folder, b"\x80\x02}r\xff\xff\xff\xffj\xfe\xff\xff\xff.")


@case("cannot be read")
def t_text_of_four_gigabytes(folder):
    return pth(folder, b"\x80\x02X\xff\xff\xff\xff.")


@case("a whole number of unreasonable size")
def t_number_of_thousands_of_digits(folder):
    return pth(folder, b"\x80\x02\x8a\xff" + b"\x7f" * 255 + b".")


@case("its pickle has the opcode PERSID")
def t_old_opcodes(folder):
    return pth(folder, b"Pstorage\n.")


def changed(folder, **options):
    tensor = pickled_tensor("1", **({"shape": (4,)} | options))
    return pth(folder, *pickled(STATE, tensors={"features.0.bias": tensor}))


@case("is not all of its storage")
def t_strides_of_zero(folder):
    return changed(folder, shape=(4, 1 << 20), strides=(0, 0), numbers=1)


@case("is not all of its storage")
def t_storage_of_gigabytes(folder):
    return changed(folder, numbers=1 << 30)


@case("needs 1000000000 bytes, 'archive/data/1' has 16")
def t_tensor_of_a_gigabyte(folder):
    return changed(folder, shape=(250_000_000,))


@case("is not all of its storage")
def t_negative_offset(folder):
    return changed(folder, offset=-4)


@case("found Long")
def t_whole_numbers(folder):
    return changed(folder, kind="LongStorage")


@case("Bad CRC-32")
def t_storage_that_inflates(folder):
    """Its place in the table says 16 bytes; it holds 256 MiB."""
    table, storages = pickled(STATE)
    path = folder / "net.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as z:
        z.writestr("archive/data.pkl", table)
        for key, data in storages.items():
            z.writestr(f"archive/data/{key}", bytes(256 << 20) if key == "1" else data)
    data = bytearray(path.read_bytes())
    place = [found.start() for found in re.finditer(b"archive/data/1", data)][-5] - 46  # 1, 10, 11, 12, 13
    assert data[place : place + 4] == b"PK\x01\x02"
    data[place + 24 : place + 28] = struct.pack("<L", 16)
    return raw(folder, bytes(data))


@case("expected one <name>/data.pkl")
def t_two_tables(folder):
    return write_pth_zip(folder / "net.pth", *pickled(STATE), {"other/data.pkl": dump({})})


@case("was written on a big-endian machine")
def t_big_endian(folder):
    table, storages = pickled(STATE)
    with zipfile.ZipFile(folder / "net.pth", "w") as z:
        z.writestr("a/data.pkl", table)
        z.writestr("a/byteorder", b"big")
        for key, data in storages.items():
            z.writestr(f"a/data/{key}", data)
    return folder / "net.pth"


@case("cannot be read")
def t_nothing_but_the_magic_number(folder):
    return raw(folder, MAGIC)


@case("truncated or damaged: storage '0' has")
def t_storage_with_another_length(folder):
    table, storages = pickled(STATE)
    return write_pth_old(folder / "net.pth", table, storages, itemsize=2)


@case("two storages of the name '1'")
def t_one_storage_for_two_tensors_of_other_shapes(folder):
    return pth(folder, *pickled(STATE, tensors={"features.2.bias": pickled_tensor("1", (2, 2), numbers=5)}))


@case("expected (3, 3, 3, 4), found (2, 2, 3, 4)")
def t_another_kernel(folder):
    state = STATE | {"features.0.weight": np.ones((4, 3, 2, 2), "f4")}
    return pth(folder, *pickled(state))


@case("does not read")
def t_names_that_are_no_numbers(folder):
    return pth(folder, *pickled({"features.²²²²²²²²².weight": np.ones((4, 3, 3, 3), "f4")}))


@case("expected tensors by name")
def t_cycle(folder):
    return pth(folder, b"\x80\x02}q\x00" + text("a") + b"h\x00s.")


@case("is refused, and nothing was run")
def t_whole_model(folder):
    return pth(folder, b"\x80\x02ctorchvision.models.vgg\nVGG\n)\x81.")
