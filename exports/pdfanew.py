"""A PDF made anew: its pages as they are seen, and nothing that acts, hides or points elsewhere."""

from __future__ import annotations

import io
import zlib

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from exports.confinement import Fault

MOST_PAGES, MOST_OBJECTS = 50, 200_000
UNPACKED, ALL_UNPACKED = 128 << 20, 1536 << 20  # bytes: of one stream; of all, fifty pages scanned in colour
# What a page is drawn from. Actions, annotations, threads, metadata and attachments are not in the list.
OF_A_PAGE = ("/MediaBox", "/CropBox", "/Rotate", "/Contents", "/Resources", "/UserUnit", "/Group")
OF_RESOURCES = ("/Font", "/XObject", "/ExtGState", "/ColorSpace", "/Pattern", "/Shading", "/Properties", "/ProcSet")
# What no drawing needs, wherever it stands, and what could lead out of the file or hide something in it.
NEVER = ("/AA", "/AF", "/Annots", "/OpenAction", "/JS", "/JavaScript", "/EF", "/Metadata", "/PieceInfo", "/StructParent",
         "/StructParents", "/OPI", "/Alternates", "/Ref", "/XFA", "/AcroForm", "/URI", "/Launch", "/LastModified", "/Outlines")
ELSEWHERE = ("/F", "/FFilter", "/FDecodeParms")  # of a stream whose bytes lie in another file
ACTIONS = {"/JavaScript", "/Launch", "/URI", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/GoTo", "/Rendition", "/Movie",
           "/RichMediaExecute", "/Sound", "/Thread", "/Named", "/ResetForm", "/Hide", "/SetOCGState"}
TYPES = {"/Action", "/Annot", "/Filespec", "/F", "/EmbeddedFile", "/Catalog", "/Sig", "/Metadata"}


def rebuilt(data: bytes, most_pixels: int) -> bytes:
    """The PDF made anew; the same file gives the same bytes. Raises Fault: locked, pages, pixels, damaged, too_much."""
    try:
        with pikepdf.open(io.BytesIO(data)) as old:
            if old.is_encrypted:
                raise Fault("locked")
            if not 1 <= len(old.pages) <= MOST_PAGES:
                raise Fault("pages" if len(old.pages) else "damaged")
            # A seal or a filled-in field is drawn into its page, before all that could act is left behind.
            if "/AcroForm" in old.Root:
                old.generate_appearance_streams()
            old.flatten_annotations("all")
            return _copied(old, most_pixels)
    except pikepdf.PasswordError as error:
        raise Fault("locked") from error
    except (pikepdf.PdfError, ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, ArithmeticError,
            zlib.error) as error:
        raise Fault("damaged") from error


def _copied(old: pikepdf.Pdf, most_pixels: int) -> bytes:
    new, out = pikepdf.new(), io.BytesIO()
    for page in old.pages:
        kept = {key: value for key in OF_A_PAGE if (value := _of_page(page.obj, key)) is not None}
        own = kept.get("/Resources", {})
        kept["/Resources"] = Dictionary({key: own[key] for key in OF_RESOURCES if key in own})
        copy = new.copy_foreign(old.make_indirect(Dictionary({"/Type": Name.Page} | kept)))
        new.pages.append(pikepdf.Page(copy))
    _Cleaning(most_pixels).clean([page.obj for page in new.pages])
    new.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def _of_page(page: Dictionary, key: str) -> object:
    """A page's own value or the one it inherits."""
    for _ in range(MOST_PAGES):
        if key in page:
            return page[key]
        if "/Parent" not in page:
            break
        page = page["/Parent"]
    return None


class _Cleaning:
    """A walk over everything the pages are drawn from."""

    def __init__(self, most_pixels: int):
        self.most_pixels, self.unpacked, self.met, self.seen = most_pixels, 0, 0, set()

    def clean(self, pages: list[Dictionary]) -> None:
        ahead = [(page, "") for page in pages]
        while ahead:
            thing, role = ahead.pop()
            if self._is_new(thing, role):
                self._strip(thing, role)
                ahead += self._children(thing, role)

    def _is_new(self, thing: object, role: str) -> bool:
        self.met += 1
        if self.met > MOST_OBJECTS:
            raise Fault("too_much")
        place = (thing.objgen, role)
        if thing.is_indirect and place in self.seen:
            return False
        self.seen.add(place)
        return True

    def _children(self, thing: object, role: str) -> list[tuple[object, str]]:
        if isinstance(thing, Array):
            return [(part, "") for part in thing if isinstance(part, Array | Dictionary | Stream)]
        inside = {"/Resources": "resources", "/CharProcs": "names"}
        return [(thing[key], "names" if role == "resources" else inside.get(key, "")) for key in thing.keys()  # noqa: SIM118
                if key != "/Parent" and isinstance(thing[key], Array | Dictionary | Stream)]

    def _strip(self, thing: object, role: str) -> None:
        """*role* "names": the keys are names that the file chose for its fonts and images, and say nothing."""
        if isinstance(thing, Array) or role == "names":
            return
        acts = str(thing.get("/S")) in ACTIONS or str(thing.get("/Type")) in TYPES
        for key in list(thing.keys()):
            if key != "/Length" and (acts or key in NEVER or (isinstance(thing, Stream) and key in ELSEWHERE)):
                del thing[key]
        if isinstance(thing, Stream):
            if acts:
                thing.write(b"")
            self._weigh(thing)

    def _weigh(self, stream: Stream) -> None:
        """Refuse what is small here and would be vast where it is shown."""
        if int(stream.get("/Width", 0)) * int(stream.get("/Height", 0)) > self.most_pixels:
            raise Fault("pixels")
        try:
            size = len(stream.read_bytes())
        except pikepdf.PdfError:  # a picture, packed once more at most
            size = _unpacked(stream)
        self.unpacked += size
        if size > UNPACKED or self.unpacked > ALL_UNPACKED:
            raise Fault("too_much")


def _unpacked(stream: Stream) -> int:
    filters = stream.get("/Filter")
    filters = [str(one) for one in filters] if isinstance(filters, Array) else [str(filters)]
    raw = stream.read_raw_bytes()
    if len(filters) > 2 or (len(filters) == 2 and filters[0] != "/FlateDecode"):
        raise Fault("damaged")
    return len(raw if len(filters) < 2 else zlib.decompressobj().decompress(raw, UNPACKED + 1))
