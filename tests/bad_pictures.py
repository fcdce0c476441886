"""Pictures that must be refused, or read although they look odd: one function each, which writes into a folder.

Those that begin with p and a number are on the list of bad inputs that the readers are held to; the others, with q,
are a second set, made for these readers and on nobody's list.
"""

import functools
import io
import os
import struct
import zlib

import numpy as np
from PIL import Image

CASES = {}  # name -> (function, part of the message, or None if it must be read)
RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)


def case(message=None):
    def register(write):
        CASES[write.__name__] = (write, message)
        return write

    return register


def png(width, height, depth, colour, rows, *extra):
    """Write a PNG by hand: Pillow cannot write the odd ones."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


@functools.cache
def bomb(mebibytes):
    packer = zlib.compressobj(1)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(mebibytes)), packer.flush()])


def raw(folder, data, name="a.png"):
    (folder / name).write_bytes(data)
    return folder / name


def expect(folder, pixels):
    np.save(folder / "expected.npy", np.asarray(pixels, np.float32))


def saved(folder, image, name, **options):
    image.save(folder / name, **options)
    return folder / name


def photo():
    ramp = np.linspace(0, 255, 40 * 56 * 3).reshape(40, 56, 3)
    return Image.fromarray(ramp.astype(np.uint8))


# -- the list ------------------------------------------------------------------------------------------------------


@case("67,108,864")
def p75_sixty_thousand_by_sixty_thousand(folder):
    return raw(folder, png(60_000, 60_000, 8, 2, b""))


@case("67,108,864")
def p76_in_the_zone_of_pillows_warning(folder):
    return raw(folder, png(12_000, 9_000, 8, 2, b""))


def truncated(folder, image_format):
    file = io.BytesIO()
    photo().save(file, image_format)
    return raw(folder, file.getvalue()[: len(file.getvalue()) // 2])


@case("cannot be read")
def p77_truncated_jpeg(folder):
    return truncated(folder, "JPEG")


@case("cannot be read")
def p77_truncated_png(folder):
    return truncated(folder, "PNG")


@case("damaged")
def p78_wrong_checksum(folder):
    content = bytearray(png(2, 1, 8, 2, b"\0" + bytes(6)))
    content[content.index(b"IDAT") + 5] ^= 1
    return raw(folder, bytes(content))


@case("undamaged PNG")
def p79_no_width(folder):
    return raw(folder, png(0, 8, 8, 2, b""))


@case("is empty (0 bytes)")
def p79_no_bytes(folder):
    return raw(folder, b"")


@case("SVG")
def p80_svg(folder):
    return raw(folder, b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>")


@case("a web page")
def p80_web_page(folder):
    return raw(folder, b"\n<!DOCTYPE html><html><body>404</body></html>")


@case("PDF")
def p80_pdf(folder):
    return raw(folder, b"%PDF-1.7\n")


@case("PostScript")
def p80_eps_that_would_write_a_file(folder):
    code = f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n({folder}/executed) (w) file closefile\nshowpage\n"
    return raw(folder, code.encode(), "a.eps")


@case()
def p81_jpeg_with_the_name_of_a_png(folder):
    return saved(folder, photo(), "a.png", format="JPEG")


@case()
def p82_ramp_of_16_bits(folder):
    ramp = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    expect(folder, np.repeat(ramp[..., None] / 257, 3, 2))
    return saved(folder, Image.fromarray(ramp), "a.png")


@case()
def p83_whole_numbers_of_32_bits_up_to_65535(folder):
    ramp = np.array([[0, 256, 65535]], np.int32)
    expect(folder, np.repeat(ramp[..., None] / 257, 3, 2))
    return saved(folder, Image.fromarray(ramp), "a.tif")


@case("no agreed range")
def p83_floats(folder):
    return saved(folder, Image.fromarray(np.array([[0.0, 1.0]], np.float32)), "a.tif")


@case()
def p84_transparent(folder):
    expect(folder, [[WHITE, (10, 20, 30)]])
    return saved(folder, Image.fromarray(np.array([[[10, 20, 30, 0], [10, 20, 30, 255]]], np.uint8)), "a.png")


@case()
def p85_palette_with_a_transparent_entry(folder):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *GREEN])
    image.putdata([0, 1])
    expect(folder, [[WHITE, GREEN]])
    return saved(folder, image, "a.png", transparency=0)


@case()
def p85_grey_with_alpha(folder):
    expect(folder, [[WHITE, (7, 7, 7)]])
    return saved(folder, Image.fromarray(np.array([[[7, 0], [7, 255]]], np.uint8), "LA"), "a.png")


@case()
def p85_one_bit(folder):
    expect(folder, [[(0, 0, 0), WHITE]])
    return saved(folder, Image.fromarray(np.array([[0, 255]], np.uint8)).convert("1"), "a.png")


@case()
def p86_cmyk(folder):
    expect(folder, np.broadcast_to(np.array(RED), (8, 8, 3)))
    return saved(folder, Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "a.jpg", quality=95)


@case()
def p87_turned_by_exif(folder):
    upright = np.zeros((32, 64, 3), np.uint8)
    upright[:16] = RED
    exif = Image.Exif()
    exif[0x0112] = 6
    expect(folder, upright)
    return saved(folder, Image.fromarray(np.ascontiguousarray(np.rot90(upright))), "a.png", exif=exif)


@case()
def p88_animation(folder):
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN)]
    expect(folder, np.broadcast_to(np.array(RED), (4, 4, 3)))
    return saved(folder, frames[0], "a.gif", save_all=True, append_images=frames[1:])


@case()
def p89_one_pixel(folder):
    expect(folder, [[(1, 2, 3)]])
    return saved(folder, Image.new("RGB", (1, 1), (1, 2, 3)), "a.png")


@case()
def p89_a_sliver(folder):
    expect(folder, np.zeros((1, 4000, 3)))
    return saved(folder, Image.new("RGB", (4000, 1)), "a.png")


@case("no regular file")
def p90_fifo(folder):
    os.mkfifo(folder / "a.png")
    return folder / "a.png"


@case()
def p92_a_hundred_thousand_text_chunks(folder):
    expect(folder, [[(1, 2, 3)]])
    return raw(folder, png(1, 1, 8, 2, b"\0\1\2\3", chunk(b"tEXt", b"k\0text") * 100_000))


# -- a second set --------------------------------------------------------------------------------------------------


@case("a.png")
def q_text_that_inflates(folder):
    return raw(folder, png(1, 1, 8, 2, b"\0\1\2\3", chunk(b"zTXt", b"k\0\0" + bomb(200))))


@case("a.png")
def q_many_texts_that_inflate(folder):
    texts = [chunk(b"zTXt", b"k%d\0\0" % k + bomb(1)) for k in range(200)]
    return raw(folder, png(1, 1, 8, 2, b"\0\1\2\3", *texts))


@case("a.png")
def q_colour_profile_that_inflates(folder):
    return raw(folder, png(1, 1, 8, 2, b"\0\1\2\3", chunk(b"iCCP", b"profile\0\0" + bomb(200))))


@case()
def q_pixels_that_inflate(folder):
    """The decoder takes the one row that is declared, and no more."""
    expect(folder, [[(0, 0, 0)]])
    content = png(1, 1, 8, 2, b"")
    good = chunk(b"IDAT", zlib.compress(b""))
    return raw(folder, content.replace(good, chunk(b"IDAT", bomb(200))))


@case("cannot be read")
def q_pixels_that_are_not_there(folder):
    return raw(folder, png(8000, 8, 8, 2, b""))


@case("a.png")
def q_chunk_of_four_gigabytes(folder):
    return raw(folder, png(1, 1, 8, 2, b"\0\1\2\3")[:33] + struct.pack(">I", 0xFFFFFFF0) + b"tEXt" + bytes(50))


@case("a.png")
def q_png_of_negative_height(folder):
    return raw(folder, png(1, 0x80000001, 8, 2, b""))


@case("67,108,864")
def q_jpeg_of_65535_by_65535(folder):
    file = io.BytesIO()
    photo().save(file, "JPEG")
    content = file.getvalue()
    frame = content.index(b"\xff\xc0")
    return raw(folder, content[: frame + 5] + b"\xff\xff\xff\xff" + content[frame + 9 :])


@case("more than 200,000 parts")
def q_jpeg_of_markers_only(folder):
    return raw(folder, b"\xff\xd8" + b"\xff\xe0\x00\x02" * 5_000_000)


@case("more than 200,000 parts")
def q_png_of_texts_only(folder):
    return raw(folder, png(1, 1, 8, 2, b"\0\1\2\3", chunk(b"tEXt", b"k\0") * 1_500_000))


@case("67,108,864")
def q_gif_of_65535_by_65535(folder):
    content = bytearray(gif())
    content[6:10] = b"\xff\xff\xff\xff"
    return raw(folder, bytes(content))


def gif():
    file = io.BytesIO()
    Image.new("RGB", (4, 4), RED).save(file, "GIF")
    return file.getvalue()


@case()
def q_gif_with_a_million_comments(folder):
    content = gif()
    place = content.index(b",\0\0\0\0")
    return raw(folder, content[:place] + b"!\xfe\x01x\x00" * 100_000 + content[place:])


@case("a.png")
def q_gif_that_ends_after_its_header(folder):
    return raw(folder, gif()[:13])


def bmp(width, height, bits=24, offset=54, compression=0):
    head = struct.pack("<2sIHHI", b"BM", 60, 0, 0, offset)
    return head + struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0) + bytes(16)


@case("a.png")
def q_bmp_of_the_smallest_height(folder):
    return raw(folder, bmp(1, -(1 << 31)))


@case("67,108,864")
def q_bmp_of_the_largest_size(folder):
    return raw(folder, bmp((1 << 31) - 1, (1 << 31) - 1))


@case("a.png")
def q_bmp_whose_pixels_lie_behind_its_end(folder):
    return raw(folder, bmp(2, 2, offset=0xFFFFFFF0))


@case("a.png")
def q_bmp_of_runs_that_do_not_end(folder):
    return raw(folder, bmp(1000, 1000, bits=8, compression=1) + b"\x00\x02\x00\x00" * 100_000)


def tiff(*entries, first=8, data=b""):
    table = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return struct.pack("<2sHI", b"II", 42, first) + table + struct.pack("<I", 8) + data  # the next table is this one


GREY = ((258, 3, 1, 8), (262, 3, 1, 1), (277, 3, 1, 1), (278, 4, 1, 1))


@case("a.png")
def q_tiff_whose_tables_go_in_a_circle(folder):
    return raw(folder, tiff((256, 4, 1, 1), (257, 4, 1, 1), *GREY))


@case("67,108,864")
def q_tiff_of_the_largest_size(folder):
    return raw(folder, tiff((256, 4, 1, 0x7FFFFFFF), (257, 4, 1, 0x7FFFFFFF), *GREY, (273, 4, 1, 0), (279, 4, 1, 1)))


@case("a.png")
def q_tiff_with_four_billion_strips(folder):
    strips = ((273, 4, 0xFFFFFFFF, 8), (279, 4, 0xFFFFFFFF, 8))
    return raw(folder, tiff((256, 4, 1, 8), (257, 4, 1, 8), *GREY, *strips))


@case("a.png")
def q_tiff_whose_table_is_elsewhere(folder):
    return raw(folder, tiff((256, 4, 1, 8), first=0xFFFFFFF0))


@case("a.png")
def q_tiff_strip_that_inflates(folder):
    """Deflate, one pixel declared, 200 MiB in the strip."""
    data = bomb(200)
    entries = ((256, 4, 1, 4000), (257, 4, 1, 4000), (259, 3, 1, 8), *GREY)
    place = 8 + 2 + 12 * (len(entries) + 2) + 4
    return raw(folder, tiff(*entries, (273, 4, 1, place), (279, 4, 1, len(data) // 1000), data=data))


@case("a.png")
def q_ppm_of_digits(folder):
    return raw(folder, b"P6 " + b"9" * 100_000 + b" 1 255\n")


@case("a.png")
def q_ppm_of_comments(folder):
    return raw(folder, b"P6 #" + b"x" * (20 << 20))


@case("a.png")
def q_ppm_with_no_largest_value(folder):
    return raw(folder, b"P6 1 1 0\n" + bytes(3))


@case("a.png")
def q_ppm_of_text_that_is_no_number(folder):
    return raw(folder, b"P3 2 2 255\n" + b"a" * 100)


@case("a.png")
def q_webp_of_another_length(folder):
    file = io.BytesIO()
    photo().save(file, "WEBP", lossless=True)
    return raw(folder, file.getvalue()[:8] + b"XXXX" + file.getvalue()[12:])


@case("a.png")
def q_webp_that_claims_to_be_large(folder):
    head = struct.pack("<4sI4s4sI", b"RIFF", 30, b"WEBP", b"VP8X", 10) + bytes(4) + b"\xff" * 6
    return raw(folder, head)


@case("expected an undamaged PNG")
def q_formats_that_are_not_read(folder):
    return saved(folder, photo(), "a.ico")


@case("expected an undamaged PNG")
def q_photoshop(folder):
    return raw(folder, b"8BPS\0\1" + bytes(6) + b"\0\3\xff\xff\xff\xff\xff\xff\xff\xff\0\10\0\3" + bytes(100))


@case("no regular file")
def q_link_to_a_device(folder):
    (folder / "a.png").symlink_to("/dev/zero")
    return folder / "a.png"


@case("cannot be opened")
def q_link_to_itself(folder):
    (folder / "a.png").symlink_to("a.png")
    return folder / "a.png"


@case()
def q_name_that_is_no_text(folder):
    return saved(folder, photo(), os.fsdecode(b"a\xff\n\x1b[31m.png"))


@case()
def q_sixteen_bits_of_colour_and_alpha(folder):
    expect(folder, [[WHITE, (255, 0, 0)]])
    pixels = struct.pack(">8H", 65535, 0, 0, 0, 65535, 0, 0, 65535)
    return raw(folder, png(2, 1, 16, 6, b"\0" + pixels))


@case()
def q_orientation_that_there_is_not(folder):
    exif = Image.Exif()
    exif[0x0112] = 99
    expect(folder, np.asarray(photo()))
    return saved(folder, photo(), "a.png", exif=exif)


@case()
def q_exif_of_noise(folder):
    expect(folder, [[(1, 2, 3)]])
    return raw(folder, png(1, 1, 8, 2, b"\0\1\2\3", chunk(b"eXIf", b"II*\0" + b"\xff" * 60)))
