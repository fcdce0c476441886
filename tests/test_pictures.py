"""Pictures: what comes in, what is refused and in which words, what goes out.

The numbers in the names are those of the list of bad inputs that the readers are held to.
"""

import io
import os
import struct
import subprocess
import sys
import textwrap
import warnings
import zlib

import numpy as np
import pytest
from conftest import shared_path
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from minivis import pixels
from minivis.errors import ImageFileError, InputError
from minivis.pictures import centre_crop, fit, for_net, picture_files, read_picture, resize_short_side, save_picture

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture
def photo(rng) -> np.ndarray:
    """Smooth and many-coloured, uint8, (40, 56, 3)."""
    noise = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(noise).resize((56, 40), Image.Resampling.BICUBIC))


def refuses(source, *words: str) -> None:
    """Check that `source` is refused in words that hold all of `words`, with no other warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ImageFileError) as error:
            read_picture(source)
    for word in words:
        assert word in str(error.value)


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    """Write a PNG by hand: Pillow cannot write the odd ones."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def in_child(code: str, *arguments) -> str:
    """Run `code` in a process of its own, which is killed if it hangs; return what it prints."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


# What comes in


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".ppm", ".webp"])
def test_a_lossless_file_a_pil_image_and_an_array_are_the_same_picture(tmp_path, photo, suffix):
    path = tmp_path / f"a photo{suffix}"
    Image.fromarray(photo).save(path, lossless=True)
    for source in (path, str(path), Image.fromarray(photo), photo, photo.astype(np.float64), photo.astype(np.int64)):
        picture = read_picture(source)
        assert (picture.dtype, picture.shape) == (np.float32, (40, 56, 3))
        assert np.array_equal(picture, photo)


def test_81_content_and_not_the_name_says_what_a_file_is(tmp_path, photo):
    path = tmp_path / "really a JPEG.png"
    Image.fromarray(photo).save(path, "JPEG", quality=95)
    assert np.abs(read_picture(path) - photo).mean() < 3


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_85_grey_and_palette_become_three_channels(tmp_path, mode):
    image = Image.fromarray(np.array([[0, 255, 0], [255, 255, 0]], np.uint8)).convert(mode)
    image.save(tmp_path / "a.png")
    expected = np.repeat(np.array([[0, 255, 0], [255, 255, 0]])[..., None], 3, 2)
    assert np.array_equal(read_picture(tmp_path / "a.png"), expected)


def test_84_alpha_is_laid_on_white(tmp_path):
    rgba = np.array([[[10, 20, 30, 0], [10, 20, 30, 255], [100, 3, 200, 51]]], np.uint8)
    expected = np.array([[WHITE, (10, 20, 30), (224, 204.6, 244)]])  # the last by 255 + (colour - 255) / 5
    Image.fromarray(rgba).save(tmp_path / "a.png")
    for source in (tmp_path / "a.png", rgba):
        assert np.array_equal(read_picture(source), np.rint(expected))
    assert np.allclose(read_picture(rgba.astype(float)), expected, rtol=1e-6)
    grey = Image.fromarray(np.array([[[7, 0], [7, 255]]], np.uint8), "LA")
    assert np.array_equal(read_picture(grey), np.array([[WHITE, (7, 7, 7)]]))


def test_85_a_transparent_palette_entry_is_white(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *GREEN])
    image.putdata([0, 1])
    image.save(tmp_path / "a.png", transparency=0)
    assert np.array_equal(read_picture(tmp_path / "a.png"), np.array([[WHITE, GREEN]]))


def test_86_cmyk_becomes_rgb(tmp_path):
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(read_picture(tmp_path / "a.jpg") - np.array(RED)).max() <= 3


RAMP = np.array([[0, 255, 256, 32768, 65535]], np.uint16)


@pytest.mark.parametrize("name", ["ramp.png", "ramp.tif", "ramp.pgm", "ramp of 32 bits.tif"])
def test_82_83_16_bit_grey_is_scaled_not_clipped(tmp_path, name):
    if name.endswith(".pgm"):
        (tmp_path / name).write_bytes(b"P5 5 1 65535\n" + RAMP.astype(">u2").tobytes())
    else:
        Image.fromarray(RAMP.astype(np.int32) if "32" in name else RAMP).save(tmp_path / name)
    picture = read_picture(tmp_path / name)
    assert np.allclose(picture[0, :, 0], RAMP[0] / 65535 * 255, rtol=1e-6)
    assert (picture == picture[:, :, :1]).all()


def test_16_bit_colour_is_scaled_to_its_high_byte(tmp_path):
    rows = b"\0" + np.repeat(RAMP[..., None], 3, 2).astype(">u2").tobytes()
    (tmp_path / "a.png").write_bytes(png(5, 1, 16, 2, rows))
    assert np.array_equal(read_picture(tmp_path / "a.png")[0, :, 1], [0, 0, 1, 128, 255])


def test_83_numbers_without_a_range_are_refused(tmp_path):
    Image.fromarray(np.array([[0, 70000]], np.int32)).save(tmp_path / "i.tif")
    refuses(tmp_path / "i.tif", "i.tif", "0..70000", "16 bits")
    Image.fromarray(np.array([[0.0, 1.0]], np.float32)).save(tmp_path / "f.tif")
    refuses(tmp_path / "f.tif", "f.tif", "no agreed range")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_87_exif_orientation_is_applied(tmp_path, orientation, suffix):
    upright = np.zeros((32, 48, 3), np.uint8)
    upright[:16, :24], upright[:16, 24:], upright[16:, :24] = RED, GREEN, BLUE
    stored = {  # how a camera held that way writes the scene (EXIF 2.3, table of tag 0x0112)
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.swapaxes(0, 1), 6: np.rot90(upright), 7: np.rot90(upright, 2).swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    image = Image.fromarray(np.ascontiguousarray(stored))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{suffix}"
    image.save(path, exif=exif, lossless=True, quality=100)
    picture = read_picture(path)
    assert picture.shape == upright.shape
    assert np.abs(picture - upright)[4:12].mean() < 4  # JPEG blurs the edges of the colours
    assert np.array_equal(read_picture(Image.open(path)), picture)


def test_88_of_an_animation_the_first_frame_is_read(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN, BLUE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert np.array_equal(read_picture(tmp_path / "a.gif"), np.broadcast_to(np.array(RED), (4, 4, 3)))


def test_92_a_hundred_thousand_text_chunks_are_skipped(tmp_path):
    texts = (chunk(b"tEXt", b"k%d\0text" % i) for i in range(100_000))
    (tmp_path / "a.png").write_bytes(png(1, 1, 8, 2, b"\0\1\2\3", *texts))
    assert np.array_equal(read_picture(tmp_path / "a.png"), np.array([[[1, 2, 3]]]))


# Arrays


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize("shape", [(4, 5, 3), (4, 5, 4), (4, 5), (4, 5, 1)])
def test_91_an_array_is_neither_changed_nor_shared(rng, shape, dtype):
    source = np.asfortranarray(rng.integers(0, 256, shape).astype(dtype))[::-1]
    before = source.copy()
    source.setflags(write=False)
    picture = read_picture(source)
    assert (picture.shape, picture.dtype, picture.flags.c_contiguous) == ((4, 5, 3), np.float32, True)
    assert not np.shares_memory(picture, source)
    picture[:] = -1
    assert np.array_equal(source, before)


@pytest.mark.parametrize("function", [fit, lambda p: for_net(p, 4), lambda p: resize_short_side(p, 4)])
def test_nor_where_there_is_nothing_to_resize(function):
    source = np.full((4, 4, 3), 9, np.float32)
    function(source)[:] = -1
    centre_crop(source, 4)[:] = -1
    assert (source == 9).all()


def test_floats_are_taken_as_they_are_and_grey_is_tripled():
    assert read_picture(np.array([[-3.5, 300.25]])).tolist() == [[[-3.5] * 3, [300.25] * 3]]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.zeros((3, 8, 9)), ["channels first", "(3, 8, 9)", "transpose(1, 2, 0)"]),
        (np.zeros((1, 8, 9, 3)), ["batch[0]", "(1, 8, 9, 3)"]),
        (np.zeros((8, 9, 2)), ["(H, W, 3)", "(8, 9, 2)"]),
        (np.zeros(8), ["(8,)"]),
        (np.float32(3), ["()"]),
        (np.zeros((0, 8, 3)), ["no pixels"]),
        (np.full((2, 2, 3), np.nan), ["12 values", "not finite", "(0, 0, 0)"]),
        (np.array([[0, 1], [np.inf, 3]]), ["1 values", "(1, 0)"]),
        (np.full((2, 2), 1e300), ["not finite"]),
        (np.array([[0, 256]]), ["integers in 0..255", "0..256"]),
        (np.array([[-1, 0]], np.int8), ["-1..0"]),
        (np.array([[None, 1]]), ["array of object"]),
        (np.array([["a"]]), ["array of <U1"]),
        (np.zeros((2, 2), complex), ["array of complex128"]),
        (np.zeros((2, 2), bool), ["array of bool"]),
        ([[1, 2], [3]], ["list"]),
        (None, ["NoneType", "a path, a PIL image or an array"]),
        (b"a.png", ["bytes"]),
        (Image.new("RGB", (0, 3)), ["0 x 3"]),
        (Image.new("La", (2, 2)), ["PIL image", "La"]),
    ],
    ids=repr,
)
def test_91_what_is_no_picture_is_refused_with_a_hint(source, words):
    refuses(source, *words)


# Files that are refused


def test_paths_that_are_no_files(tmp_path):
    refuses(tmp_path / "none.png", "there is no picture file", "none.png")
    refuses(tmp_path, "a folder")
    refuses("a\0b.png", "null")
    refuses("a" * 5000, "cannot be opened")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_90_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    code = """
        import sys
        from minivis.errors import ImageFileError
        from minivis.pictures import read_picture
        try:
            read_picture(sys.argv[1])
        except ImageFileError as error:
            print(error)
    """
    assert "no regular file" in in_child(code, tmp_path / "pipe.png")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><html><body>404 <svg></svg></body></html>", "a web page"),
        (b"\xef\xbb\xbf<html>", "a web page"),
        (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "git lfs pull"),
        (b"%PDF-1.7\n", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"just text", "expected an undamaged PNG"),
        (png(0, 8, 8, 2, b""), "undamaged PNG"),
    ],
)
def test_79_80_what_is_no_picture_file_is_named(tmp_path, content, words):
    (tmp_path / "a.png").write_bytes(content)
    refuses(tmp_path / "a.png", "a.png", words)


def test_80_an_eps_never_reaches_pillows_eps_reader(tmp_path, monkeypatch):
    from PIL import EpsImagePlugin

    Image.new("RGB", (4, 4)).save(tmp_path / "a.eps")
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: pytest.fail("Ghostscript was called"))
    refuses(tmp_path / "a.eps", "PostScript")


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM"])
def test_77_a_truncated_file_is_refused(tmp_path, photo, image_format):
    file = io.BytesIO()
    Image.fromarray(photo).save(file, image_format)
    (tmp_path / "a").write_bytes(file.getvalue()[: len(file.getvalue()) // 2])
    refuses(tmp_path / "a", str(tmp_path / "a"))


def test_78_a_png_with_a_wrong_checksum_is_refused(tmp_path):
    content = bytearray(png(2, 1, 8, 2, b"\0" + bytes(6)))
    content[content.index(b"IDAT") + 5] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    refuses(tmp_path / "a.png", "damaged")


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (12_000, 9_000), (8_193, 8_192)])
def test_75_76_too_many_pixels_are_refused_before_decoding(tmp_path, width, height):
    (tmp_path / "a.png").write_bytes(png(width, height, 8, 2, b""))
    code = """
        import resource, sys, warnings
        from PIL import Image, PngImagePlugin
        from minivis.errors import ImageFileError
        from minivis.pictures import read_picture

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                read_picture(sys.argv[1])
            except ImageFileError as error:
                kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
                print(kibibytes, len(caught), error)
    """
    kibibytes, warned, message = in_child(code, tmp_path / "a.png").split(" ", 2)
    assert "67,108,864" in message
    assert int(warned) == 0
    assert int(kibibytes) < 50 * 1024


def test_the_ceiling_is_below_pillows_and_is_allowed_itself(tmp_path, monkeypatch):
    assert pixels.MAX_PIXELS < Image.MAX_IMAGE_PIXELS
    monkeypatch.setattr(pixels, "MAX_PIXELS", 12)
    assert read_picture(Image.new("RGB", (4, 3))).shape == (3, 4, 3)
    refuses(Image.new("RGB", (13, 1)), "13 x 1")


VALID = {}
for _format in pixels.FORMATS:
    _file = io.BytesIO()
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(_file, _format)
    VALID[_format] = _file.getvalue()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow's remarks on damaged metadata
@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(pixels.FORMATS), st.data())
def test_a_damaged_file_is_read_or_refused_and_nothing_else(tmp_path, image_format, data):
    content = bytearray(VALID[image_format])
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    (tmp_path / "a").write_bytes(content)
    try:
        picture = read_picture(tmp_path / "a")
    except ImageFileError:
        return
    assert picture.dtype == np.float32
    assert np.isfinite(picture).all()


# Sizes


def test_for_net_is_pillows_bicubic_and_a_centre_crop(tmp_path, photo):
    Image.fromarray(photo).save(tmp_path / "a.png")
    for size, short, long, left in [(21, 24, 34, 6), (28, 32, 45, 8), (64, 73, 102, 19)]:  # long: 33.6, 44.8, 102.2
        top = (short - size) // 2
        resized = Image.fromarray(photo).resize((long, short), Image.Resampling.BICUBIC)
        expected = np.asarray(resized.crop((left, top, left + size, top + size)))[None]
        for source in (tmp_path / "a.png", photo, photo.astype(np.float32)):
            picture = for_net(source, size)
            assert picture.dtype == np.float32
            assert np.array_equal(picture, expected)


def test_a_tall_picture_is_treated_as_a_wide_one(photo):
    turned = for_net(photo.swapaxes(0, 1), 28)
    assert np.abs(turned.swapaxes(1, 2) - for_net(photo, 28)).max() <= 1  # 8-bit rounding between the two passes


def test_floats_are_resized_in_float_and_clipped(photo):
    half = photo.astype(np.float32)
    half[0, 0, 0] += 0.5  # no longer of 8 bits
    resized = resize_short_side(half, 16)
    assert not np.array_equal(resized, np.rint(resized))
    assert np.abs(resized - resize_short_side(photo, 16)).max() <= 1.5
    edge = np.zeros((8, 8, 3))
    edge[:, 4:] = 254.75
    resized = resize_short_side(edge, 32)
    assert (resized.min(), resized.max()) == (0, 255)


@pytest.mark.parametrize(
    ("shape", "size", "expected"), [((1, 1), 8, (8, 8)), ((3, 7), 5, (5, 12)), ((90, 30), 20, (60, 20))]
)
def test_89_the_short_side_is_exact_and_the_aspect_kept(shape, size, expected):
    resized = resize_short_side(np.full((*shape, 3), 77, np.uint8), size)
    assert resized.shape == (*expected, 3)
    assert (resized == 77).all()


def test_89_an_extreme_shape_is_refused_before_it_explodes():
    sliver = np.zeros((1, 4000, 3), np.uint8)
    with pytest.raises(ImageFileError, match="4000 x 1 would become 1024000 x 256"):
        for_net(sliver, 224)
    assert fit(sliver).shape == (1, 1, 4000, 3)
    assert fit(sliver, 100).shape == (1, 1, 100, 3)


def test_centre_crop_leaves_the_odd_one_at_the_end():
    ramp = np.arange(35, dtype=np.uint8).reshape(5, 7)
    assert np.array_equal(centre_crop(ramp, 2)[:, :, 0], [[9, 10], [16, 17]])
    assert np.array_equal(centre_crop(ramp, 5)[:, :, 0], ramp[:, 1:6])
    with pytest.raises(ImageFileError, match="7 x 5 is too small for a crop of 6 x 6"):
        centre_crop(ramp, 6)


def test_fit_keeps_the_whole_picture(photo):
    assert np.array_equal(fit(photo), photo[None])
    assert fit(photo, 28).shape == (1, 20, 28, 3)
    assert fit(photo.swapaxes(0, 1), 112).shape == (1, 112, 80, 3)


@pytest.mark.parametrize("size", [0, -1, 2.0, "8", True, None])
def test_a_size_is_a_whole_number(photo, size):
    for function in (for_net, resize_short_side, centre_crop):
        with pytest.raises(InputError, match="whole number of pixels"):
            function(photo, size)


def test_real_photographs_are_prepared_for_a_net():
    for name in ("cat_dog.jpg", "imagenet/281_tabby.jpg"):
        picture = for_net(shared_path(f"images/{name}"), 224)
        assert picture.shape == (1, 224, 224, 3)
        assert picture.std() > 20


# What goes out


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".ppm", ".webp", ".PNG"])
def test_what_is_saved_comes_back(tmp_path, photo, suffix):
    path = tmp_path / f"a{suffix}"
    for picture in (photo, photo.astype(np.float32), photo[None], photo[:, :, 0]):
        save_picture(path, picture)
        expected = photo if picture.ndim > 2 else np.repeat(photo[:, :, :1], 3, 2)
        assert np.array_equal(read_picture(path), expected)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg"])
def test_a_saved_jpeg_stays_close(tmp_path, photo, suffix):
    save_picture(tmp_path / f"a{suffix}", photo)
    assert np.abs(read_picture(tmp_path / f"a{suffix}") - photo).mean() < 2  # Pillow's own settings: 4.5


def test_saving_rounds_and_clips_and_never_wraps(tmp_path):
    picture = np.array([[-1.0, -300.0, 256.0, 1e9, 0.4, 0.6, 254.6]])
    save_picture(tmp_path / "a.png", picture)
    assert read_picture(tmp_path / "a.png")[0, :, 0].tolist() == [0, 0, 255, 255, 0, 1, 255]
    save_picture(tmp_path / "a.png", np.array([[-1, 256, 511]]))
    assert read_picture(tmp_path / "a.png")[0, :, 0].tolist() == [0, 255, 255]


@pytest.mark.parametrize(
    ("name", "picture", "words"),
    [
        ("a.xyz", np.zeros((2, 2)), "must end in one of .png"),
        ("a", np.zeros((2, 2)), "must end in one of"),
        ("a.gif", np.zeros((2, 2)), "must end in one of"),
        ("none/a.png", np.zeros((2, 2)), "there is no folder"),
        ("a.png", np.array([[np.nan]]), "not finite"),
        ("a.png", np.zeros((2, 2, 3, 3)), "batch[0]"),
        ("a.png", np.zeros((3, 8, 8)), "channels first"),
        ("a.png", np.zeros((2, 2, 4)), "(2, 2, 4)"),
        ("a.png", None, "NoneType"),
        ("folder.png", np.zeros((2, 2)), "cannot be written"),
        ("a" * 300 + ".png", np.zeros((2, 2)), "cannot be written"),
        ("a.jpg", np.zeros((1, 70_000)), "cannot be written"),
    ],
)
def test_what_cannot_be_saved_leaves_nothing_behind(tmp_path, name, picture, words):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ImageFileError) as error:
        save_picture(tmp_path / name, picture)
    assert words in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_a_failed_write_keeps_the_old_file(tmp_path, photo, monkeypatch):
    save_picture(tmp_path / "a.png", photo)

    def full_disk(self, file, *args, **options):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full_disk)
    with pytest.raises(ImageFileError, match="No space left"):
        save_picture(tmp_path / "a.png", np.zeros((2, 2)))
    assert np.array_equal(read_picture(tmp_path / "a.png"), photo)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_picture_files_go_by_suffix_and_come_in_order(tmp_path):
    for name in ("b.JPG", "a/z.png", "a/b/c.webp", "notes.txt", "._b.jpg", ".cache/x.png", "a.png/inside.tif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"not opened")
    found = [path.relative_to(tmp_path).as_posix() for path in picture_files(tmp_path)]
    assert found == ["a.png/inside.tif", "a/b/c.webp", "a/z.png", "b.JPG"]
    with pytest.raises(ImageFileError, match="no folder"):
        picture_files(tmp_path / "none")


def test_importing_pictures_does_not_import_pillow():
    code = "import sys, minivis.pictures; print('PIL' in sys.modules)"
    assert in_child(code).strip() == "False"
