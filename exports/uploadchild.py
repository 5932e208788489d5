"""A limited child process that makes an uploaded scan anew: the file on standard input, a line of JSON and the new file out.

The line is `{"media_type": …}`, or `{"fault": code}` with nothing behind it. What the clerk sees stays: the picture, turned
as the camera was held; all else goes: the place it was taken at, notes, other files hidden behind or inside it.
"""

from __future__ import annotations

import io
import json
import sys

from exports.confinement import Fault, confine

MB = 1 << 20
LARGEST = 10 * MB          # bytes of the file, before and after
MOST_PIXELS = 60_000_000   # of an image, also of one inside a PDF
KEPT_PIXELS = 25_000_000   # of what is kept: A4 at 400 dots per inch is 15 million
LONGEST = 20_000           # pixels of a side
MEMORY, SECONDS = 512 * MB, 60
JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
STARTS = {b"%PDF-": PDF, b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG}


def main(parent: int) -> None:
    """Limit this process, then answer for the file on standard input."""
    confine(parent, MEMORY, SECONDS)
    try:
        media_type, content = made_anew(sys.stdin.buffer.read(LARGEST + 1))
        told = {"media_type": media_type}
    except MemoryError:
        told, content = {"fault": "too_much"}, b""
    except Fault as fault:
        told, content = {"fault": fault.code}, b""
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + content)


def made_anew(data: bytes) -> tuple[str, bytes]:
    """(media type, content) of a scan as it is kept, by what it is and not by what it is called. Raises Fault."""
    if not data:
        raise Fault("empty")
    if len(data) > LARGEST:
        raise Fault("large")
    kind = next((kind for start, kind in STARTS.items() if data.startswith(start)), None)
    if kind is None:
        raise Fault("foreign")
    if kind == PDF:
        from exports.pdfanew import rebuilt
        kind, content = PDF, rebuilt(data, MOST_PIXELS)
    else:
        kind, content = picture(data, kind)
    if len(content) > LARGEST:
        raise Fault("large")
    return kind, content


def picture(data: bytes, kind: str) -> tuple[str, bytes]:
    """The first frame of an image, turned upright, without anything that is no picture; a huge PNG becomes a JPEG."""
    from PIL import Image, ImageOps
    Image.MAX_IMAGE_PIXELS = None  # we look ourselves, before anything is unpacked
    try:
        with Image.open(io.BytesIO(data), formats=[kind.removeprefix("image/")]) as image:
            if image.width * image.height > MOST_PIXELS or max(image.size) > LONGEST:
                raise Fault("pixels")
            if image.width * image.height > KEPT_PIXELS:
                share = (KEPT_PIXELS / (image.width * image.height)) ** 0.5
                image.thumbnail((int(image.width * share), int(image.height * share)))
            upright = ImageOps.exif_transpose(image)
            upright.load()
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise Fault("damaged") from error
    content = written(upright, kind)
    if kind == PNG and len(content) > LARGEST:
        return JPEG, written(upright, JPEG)
    return kind, content


def written(image: object, kind: str) -> bytes:
    """An image's file, of its pixels alone."""
    out = io.BytesIO()
    mode = image.mode
    if kind == JPEG:
        mode = "L" if mode in ("1", "L", "LA") else "RGB"
    elif mode not in ("1", "L", "LA", "P", "RGB", "RGBA") or "transparency" in image.info:
        mode = "RGBA" if "transparency" in image.info else "L" if mode.startswith("I") or mode == "F" else "RGB"
    plain = image if image.mode == mode else image.convert(mode)
    plain.info = {}
    if kind == JPEG:
        plain.save(out, "JPEG", quality=90)
    else:
        plain.save(out, "PNG")
    return out.getvalue()


if __name__ == "__main__":
    main(int(sys.argv[1]))
