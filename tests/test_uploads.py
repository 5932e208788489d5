"""Scans that are taken in: what the clerk sees is kept, and nothing that acts, hides, tells or bursts."""

from __future__ import annotations

import hashlib
import io
import struct
import subprocess
import zipfile
import zlib

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, String
from PIL import Image, ImageDraw, PngImagePlugin

from exports import notices, uploadchild
from exports.uploads import FAULTS, checked_upload, named
from models.words import Refusal

MARK = b"XYZZY-4711"  # stands wherever something is hidden
SCRIPT = b"<html><script>alert('XYZZY-4711')</script></html>"
MB = 1 << 20


def picture(kind="PNG", size=(60, 40), mode="RGB", colour="white", **options):
    image, out = Image.new(mode, size, colour), io.BytesIO()
    ImageDraw.Draw(image).rectangle((2, 2, size[0] // 2, size[1] // 2), fill=0 if mode in ("1", "L") else "red")
    image.save(out, kind, **options)
    return out.getvalue()


def exif(**more):
    data = Image.Exif()
    data[0x010E], data[0x9286] = MARK.decode(), MARK
    data.get_ifd(0x8825).update({1: "N", 2: (37.0, 33.0, 5.0), 3: "E", 4: (112.0, 9.0, 30.0), 0x1B: MARK})
    for tag, value in more.items():
        data[int(tag[1:], 16)] = value
    return data.tobytes()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_with(*chunks, image=None):
    """A PNG with chunks of its own put before the picture."""
    image = image or picture()
    return image[:33] + b"".join(chunks) + image[33:]


def png_saying(width, height, body=b""):
    """A PNG that claims a size, with hardly a picture behind it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


def noted():
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", SCRIPT.decode())
    notes.add_itxt("XML:com.adobe.xmp", SCRIPT.decode())
    return picture(pnginfo=notes)


def zip_of(body):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.html", body)
    return out.getvalue()


def paper(change=None, pages=1, **options):
    """A PDF of so many pages, changed before it is written; each shows a red rectangle."""
    pdf = pikepdf.new()
    for _ in range(pages):
        pdf.add_blank_page(page_size=(200, 200))
        pdf.pages[-1].Contents = pdf.make_stream(b"1 0 0 rg 20 20 100 60 re f")
    if change:
        change(pdf)
    out = io.BytesIO()
    pdf.save(out, **options)
    return out.getvalue()


def act(kind, **more):
    return Dictionary(Type=Name.Action, S=Name("/" + kind), JS=String("app.alert('XYZZY-4711')"),
                      F=String("XYZZY-4711.exe"), URI=String("http://XYZZY-4711.example/"), **more)


def root(**entries):
    def change(pdf):
        for key, value in entries.items():
            pdf.Root[Name("/" + key)] = value(pdf) if callable(value) else value
    return lambda: paper(change)


def on_page(**entries):
    def change(pdf):
        for key, value in entries.items():
            pdf.pages[0].obj[Name("/" + key)] = value(pdf) if callable(value) else value
    return lambda: paper(change)


def drawn(**entries):
    """A form that the page draws, with entries of its own."""
    def change(pdf):
        form = pdf.make_stream(b"0 1 0 rg 0 0 30 30 re f", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 30, 30]))
        for key, value in entries.items():
            form[Name("/" + key)] = value(pdf) if callable(value) else value
        pdf.pages[0].Resources = Dictionary(XObject=Dictionary(A=form))
        pdf.pages[0].Contents = pdf.make_stream(b"/A Do")
    return lambda: paper(change)


def attached(pdf):
    pdf.attachments["XYZZY-4711.exe"] = b"MZ" + MARK


def annotation(**entries):
    return on_page(Annots=lambda pdf: Array([pdf.make_indirect(Dictionary(
        Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 50, 50]), **entries))]))


def form(pdf):
    field = pdf.make_indirect(Dictionary(
        Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("XYZZY-4711"), V=String("x"), Rect=Array([0, 0, 9, 9]),
        AA=Dictionary(K=act("JavaScript"))))
    pdf.pages[0].Annots = Array([field])
    return Dictionary(Fields=Array([field]), XFA=pdf.make_stream(b"<xdp>XYZZY-4711</xdp>"))


def spread(pdf, packed, **entries):
    pdf.pages[0].Resources = Dictionary(XObject=Dictionary(A=pikepdf.Stream(pdf, packed, Dictionary(
        Type=Name.XObject, Subtype=Name.Image, Width=9, Height=9, ColorSpace=Name.DeviceGray, BitsPerComponent=8, **entries))))


def burst(size, times=1):
    packed = b"\0" * size
    for _ in range(times):
        packed = zlib.compress(packed)
    return packed


def bomb(size, times=1, **entries):
    filters = Name.FlateDecode if times == 1 else Array([Name.FlateDecode] * times)
    return lambda: paper(lambda pdf: spread(pdf, burst(size, times), Filter=filters, **entries), compress_streams=False,
                         stream_decode_level=pikepdf.StreamDecodeLevel.none)


def huge(pdf):
    spread(pdf, burst(100), Filter=Name.FlateDecode)
    image = pdf.pages[0].Resources.XObject.A
    image.Width = image.Height = 99_999


def circle(pdf):
    form = pdf.make_stream(b"/A Do", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 9, 9]))
    form.Resources = Dictionary(XObject=Dictionary(A=form))
    return form.Resources


def nested(levels):
    """Arrays within arrays, by hand: no library writes such a file."""
    return b"%PDF-1.4\n1 0 obj " + b"[" * levels + b"]" * levels + b" endobj\ntrailer <</Root 1 0 R>>\n%%EOF"


# What comes in, and either the fault it is told or None: then it is kept, and harmless.
HOSTILE = {
    "nothing": (lambda: b"", "empty"),
    "10 MB and a byte": (lambda: b"\xff\xd8\xff" + bytes(10 * MB), "large"),
    "HTML": (lambda: SCRIPT, "foreign"),
    "SVG": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "foreign"),
    "XML with a PNG's name": (lambda: b"<?xml version='1.0'?><x/>", "foreign"),
    "a program": (lambda: b"MZ\x90\0" + MARK, "foreign"),
    "a zip": (lambda: zip_of(SCRIPT), "foreign"),
    "a GIF": (lambda: picture("GIF"), "foreign"),
    "a TIFF": (lambda: picture("TIFF"), "foreign"),
    "a WebP": (lambda: picture("WEBP"), "foreign"),
    "PostScript": (lambda: b"%!PS-Adobe-3.0\n(XYZZY-4711) run", "foreign"),
    "HTML before a PDF": (lambda: SCRIPT + paper(), "foreign"),
    "a JPEG's start and HTML": (lambda: b"\xff\xd8\xff\xe0" + SCRIPT, "damaged"),
    "a PNG's start and HTML": (lambda: b"\x89PNG\r\n\x1a\n" + SCRIPT, "damaged"),
    "a PDF's start and HTML": (lambda: b"%PDF-1.7\n" + SCRIPT, "damaged"),
    "half a JPEG": (lambda: picture("JPEG", (900, 900))[:2000], "damaged"),
    "half a PNG": (lambda: picture(size=(900, 900))[:900], "damaged"),
    "half a PDF": (lambda: paper()[:150], "damaged"),
    "a PNG of 3.6 thousand million pixels": (lambda: png_saying(60_000, 60_000), "pixels"),
    "a PNG of one line, a million long": (lambda: png_saying(1_000_000, 1), "pixels"),
    "a PNG whose picture bursts": (lambda: png_saying(9, 9, bytes(200 * MB)), None),
    "a PNG whose note bursts": (lambda: png_with(chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200 * MB)))), "damaged"),
    "a PNG whose profile bursts": (lambda: png_with(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(200 * MB)))), "damaged"),
    "a JPEG of 65,500 by 65,500": (lambda: picture("JPEG").replace(struct.pack(">HH", 40, 60), b"\xff\xdc\xff\xdc", 1), "pixels"),
    "a JPEG with the place it was taken at": (lambda: picture("JPEG", exif=exif()), None),
    "a JPEG with a note": (lambda: picture("JPEG", comment=SCRIPT), None),
    "a JPEG with a profile": (lambda: picture("JPEG", icc_profile=b"x" * 128 + MARK), None),
    "a JPEG with a PDF behind it": (lambda: picture("JPEG") + paper(attached), None),
    "a JPEG with a zip behind it": (lambda: picture("JPEG") + zip_of(SCRIPT), None),
    "a JPEG with a wrong note of its camera": (lambda: picture("JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"), None),
    "a PNG with HTML for a note": (noted, None),
    "a PNG with HTML behind it": (lambda: picture() + SCRIPT, None),
    "a PNG with the place it was taken at": (lambda: picture(exif=exif()), None),
    "a PNG that moves": (lambda: picture(save_all=True, append_images=[Image.new("RGB", (60, 40))] * 3), None),
    "a PNG with a chunk of a stranger": (lambda: png_with(chunk(b"meTa", SCRIPT)), None),
    "a PDF that acts when opened": (root(OpenAction=act("JavaScript")), None),
    "a PDF that goes to an address when opened": (root(OpenAction=act("URI")), None),
    "a PDF that starts a program": (root(OpenAction=act("Launch")), None),
    "a PDF that sends itself": (root(OpenAction=act("SubmitForm")), None),
    "a PDF that acts when closed": (root(AA=Dictionary(WC=act("JavaScript"))), None),
    "a PDF with scripts by name": (root(Names=Dictionary(JavaScript=Dictionary(
        Names=Array([String("x"), act("JavaScript")])))), None),
    "a PDF with a file in it": (lambda: paper(attached), None),
    "a PDF with files of its own": (root(AF=Array([Dictionary(Type=Name.Filespec, F=String("XYZZY-4711.exe"))])), None),
    "a PDF with a form and XFA": (root(AcroForm=form), None),
    "a PDF with notes of who made it": (root(Metadata=lambda pdf: pdf.make_stream(SCRIPT)), None),
    "a PDF with chapters that act": (root(Outlines=Dictionary(First=Dictionary(Title=String("x"), A=act("URI")))), None),
    "a page that acts when shown": (on_page(AA=Dictionary(O=act("JavaScript"))), None),
    "a page with thoughts of a program": (on_page(PieceInfo=Dictionary(X=String("XYZZY-4711"))), None),
    "a page whose contents lie elsewhere": (on_page(Contents=lambda pdf: pdf.make_stream(
        b"", F=String("file:///etc/XYZZY-4711"))), None),
    "a link to a program": (annotation(A=act("Launch")), None),
    "a link to an address": (annotation(A=act("URI")), None),
    "a link into another file": (annotation(A=act("GoToR")), None),
    "a film": (annotation(Movie=Dictionary(F=String("XYZZY-4711"))), None),
    "a drawing of another file": (drawn(Ref=Dictionary(F=String("XYZZY-4711.pdf"), Page=0)), None),
    "a drawing with a file": (drawn(AF=Array([Dictionary(Type=Name.Filespec, F=String("XYZZY-4711"))])), None),
    "a drawing for another printer": (drawn(OPI=Dictionary(F=String("XYZZY-4711"))), None),
    "a drawing with an action under another name": (drawn(Harmless=act("Launch")), None),
    "a drawing with a file under another name": (drawn(Harmless=lambda pdf: pdf.make_stream(
        MARK, Type=Name.EmbeddedFile)), None),
    "a PDF with a password": (lambda: paper(encryption=pikepdf.Encryption(owner="x", user="y")), "locked"),
    "a PDF locked without a password": (lambda: paper(encryption=pikepdf.Encryption(owner="x", user="")), "locked"),
    "a PDF of 51 pages": (lambda: paper(pages=51), "pages"),
    "a PDF of no page": (lambda: paper(lambda pdf: pdf.pages.__delitem__(0)), "damaged"),
    "a PDF with a stream of 200 MB": (bomb(200 * MB), "too_much"),
    "a PDF with a stream of 2 GB, packed twice": (lambda: bomb(600 * MB, 2)(), "too_much"),
    "a PDF with a packed picture that bursts": (bomb(200 * MB, 1, DecodeParms=Dictionary()), "too_much"),
    "a PDF with a picture of ten thousand million pixels": (lambda: paper(huge), "pixels"),
    "a PDF that goes in circles": (on_page(Resources=circle), None),
    "a PDF nested 100,000 deep": (lambda: nested(100_000), "damaged"),
}


def kept(data, name="扫描.pdf"):
    """(upload, content) as it is kept."""
    files = {}

    def put(content):
        sha256 = hashlib.sha256(content).hexdigest()
        files[sha256] = content
        return sha256
    upload = checked_upload("other", data, name, put)
    assert list(files) == [upload.sha256]
    return upload, files[upload.sha256]


def faults(content: bytes) -> list[str]:
    """What a kept file still has that it should not."""
    if content.startswith(b"%PDF-"):
        out = io.BytesIO()
        with pikepdf.open(io.BytesIO(content)) as pdf:
            assert set(pdf.Root.keys()) == {"/Type", "/Pages"}
            assert len(pdf.docinfo) == 0
            pdf.save(out, qdf=True, stream_decode_level=pikepdf.StreamDecodeLevel.all)
        plain = out.getvalue()
        return [word for word in WORDS if word in plain] + [word for word in (MARK, b"alert", b"MZ") if word in plain]
    with Image.open(io.BytesIO(content)) as image:
        image.load()
        left = [str(entry) for entry in image.getexif().items()] + sorted(set(image.info) - JFIF)
        left += ["more than one picture"] * (getattr(image, "n_frames", 1) > 1)
    end = {b"\x89": b"IEND\xaeB`\x82", b"\xff": b"\xff\xd9"}[content[:1]]
    left += ["something behind it"] * (not content.endswith(end))
    return left + [word for word in (MARK, b"script", b"PK") if word in content]


WORDS = (b"/JavaScript", b"/JS", b"/Launch", b"/OpenAction", b"/AA", b"/EmbeddedFile", b"/URI", b"/SubmitForm", b"/GoToR",
         b"/XFA", b"/AcroForm", b"/Annots", b"/Filespec", b"/AF", b"/OPI", b"/Ref ", b"/Metadata", b"/PieceInfo",
         b"/F (", b"/Action")
JFIF = {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"}


def test_the_table_is_long_and_the_watch_sees_what_it_looks_for():
    print(f"\n{len(HOSTILE)} hostile uploads")
    assert len(HOSTILE) >= 60
    for kind in ("a link to a program", "a PDF with a form and XFA", "a JPEG with a note", "a PNG with HTML behind it",
                 "a JPEG with the place it was taken at", "a PNG that moves"):
        content = HOSTILE[kind][0]()
        with pytest.raises(AssertionError):
            assert faults(content) == [], kind


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_comes_in_is_refused_in_a_sentence_or_kept_and_harmless(kind):
    make, fault = HOSTILE[kind]
    if fault:
        with pytest.raises(Refusal) as refusal:
            kept(make())
        assert refusal.value.message.id == FAULTS[fault]
        assert "扫描.pdf" in str(refusal.value)
    else:
        upload, content = kept(make())
        assert faults(content) == []
        assert (upload.size, upload.media_type.partition("/")[2].replace("jpeg", "jpg")) == (
            len(content), upload.name.rpartition(".")[2])


# What the clerk sees stays

def grey(data: bytes, page: int = 1) -> Image.Image:
    """A page of a PDF as it is seen."""
    done = subprocess.run(["pdftoppm", "-r", "60", "-gray", "-f", str(page), "-l", str(page), "-"], input=data, check=True,
                          capture_output=True)
    return Image.open(io.BytesIO(done.stdout))


@pytest.mark.parametrize("key", sorted(notices.NOTICES))
def test_a_paper_looks_and_reads_as_before(key):
    before = notices.draw(key, notices.example(key))
    _, after = kept(before)
    assert grey(after).tobytes() == grey(before).tobytes()
    read = [subprocess.run(["pdftotext", "-", "-"], input=data, check=True, capture_output=True).stdout
            for data in (before, after)]
    assert read[0] == read[1]
    assert len(after) < 1.2 * len(before)


def test_a_seal_that_was_put_on_a_page_stays_on_it():
    def sealed(pdf):
        look = pdf.make_stream(b"0 0 1 rg 0 0 40 40 re f", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 40, 40]))
        seal = pdf.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name.Stamp, Rect=Array([140, 140, 180, 180]), F=4,
                                            AP=Dictionary(N=look), A=act("Launch")))
        pdf.pages[0].Annots = Array([seal])
    _, after = kept(paper(sealed))
    assert faults(after) == []
    assert grey(after).tobytes() == grey(paper(sealed)).tobytes() != grey(paper()).tobytes()


def test_pages_keep_what_they_inherit_and_the_names_of_their_fonts():
    def change(pdf):
        pdf.Root.Pages.Rotate, pdf.Root.Pages.MediaBox = 90, Array([0, 0, 300, 100])
        pdf.Root.Pages.Resources = Dictionary(Font=Dictionary({"/AA": Dictionary(
            Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica), "/F": Dictionary(
                Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Courier)}))
        del pdf.pages[0].obj[Name.MediaBox], pdf.pages[0].obj[Name.Resources]
        pdf.pages[0].Contents = pdf.make_stream(b"BT /AA 20 Tf 20 20 Td (seen) Tj /F 20 Tf (too) Tj ET")
    before = paper(change)
    _, after = kept(before)
    assert grey(after).size == (84, 250)
    assert grey(after).tobytes() == grey(before).tobytes()


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_photograph_is_kept_as_it_is_seen(turned):
    data = picture("JPEG", exif=exif(_0112=turned), quality=95)
    upload, content = kept(data, "照片.JPG")
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == ((60, 40) if turned < 5 else (40, 60))
        corner = {1: (8, 8), 2: (51, 8), 3: (51, 31), 4: (8, 31), 5: (8, 8), 6: (31, 8), 7: (31, 51), 8: (8, 51)}[turned]
        red, green, _ = image.getpixel(corner)
        assert (red > 200, green < 80) == (True, True)
    assert (upload.name, upload.media_type) == ("照片.JPG", "image/jpeg")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_picture_of_any_kind_keeps_its_pixels(mode):
    before = Image.linear_gradient("L").convert("I" if mode == "I;16" else mode)
    out = io.BytesIO()
    (before.convert("I;16") if mode == "I;16" else before).save(out, "PNG")
    upload, content = kept(out.getvalue(), "a.png")
    with Image.open(io.BytesIO(content)) as after:
        assert after.convert("L").tobytes() == before.convert("L").tobytes()
    assert kept(content, "a.png")[1] == content
    assert upload.media_type == "image/png"


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_huge_photograph_is_kept_smaller(mode):
    _, content = kept(picture("JPEG", (7700, 7700), mode, 200))
    with Image.open(io.BytesIO(content)) as image:
        assert 24_000_000 < image.width * image.height <= 25_000_000


def test_a_png_that_would_grow_too_large_becomes_a_jpeg(monkeypatch):
    data = picture(size=(400, 400))
    monkeypatch.setattr(uploadchild, "LARGEST", 300)
    kind, content = uploadchild.picture(data, "image/png")
    assert (kind, content[:3]) == ("image/jpeg", b"\xff\xd8\xff")


@pytest.mark.parametrize(("name", "media_type", "kept_as"), [
    ("a.PDF", "application/pdf", "a.PDF"), ("a.html", "application/pdf", "a.pdf"), ("a", "image/png", "a.png"),
    ("a.jpeg", "image/jpeg", "a.jpeg"), ("a.b.exe", "image/jpeg", "a.b.jpg"), ("n" * 120, "image/png", "n" * 110 + ".png"),
    (".png", "image/jpeg", ".jpg"), ("证明.扫描", "image/png", "证明.png")])
def test_the_ending_follows_the_content(name, media_type, kept_as):
    assert named(name, media_type) == kept_as
