"""Which fonts a paper may use, and which characters they can print.

GB 18030-2022 asks government systems for 87,887 hanzi. Noto Serif CJK has a third of them, Hanazono and BabelStone Han
the rest. A county's own licensed 仿宋_GB2312, 楷体_GB2312, 黑体 and 方正小标宋 (GB/T 9704) stand before them all.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from pathlib import Path

from exports import everyday

FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".local/share/fonts")

# What a county may own, by the names inside the files; first found, first used.
ROLES = {
    "fang": ("FangSong_GB2312", "仿宋_GB2312", "FangSong", "仿宋", "FandolFang"),
    "kai": ("KaiTi_GB2312", "楷体_GB2312", "KaiTi", "楷体", "FandolKai"),
    "hei": ("SimHei", "黑体", "FandolHei"),
    "title": ("FZXiaoBiaoSong-B05S", "方正小标宋简体", "方正小标宋_GBK", "FZXiaoBiaoSong-B05"),
}


@dataclass(frozen=True)
class SystemFont:
    """A font of the machine: the name CSS calls it by, its file, where it comes from, its place in a collection."""

    family: str
    file: str
    package: str
    face: int = 0
    bold: str = ""


SERIF = SystemFont("Noto Serif CJK SC", "NotoSerifCJK-Regular.ttc", "fonts-noto-cjk", 2, "NotoSerifCJK-Bold.ttc")
SANS = SystemFont("Noto Sans CJK SC", "NotoSansCJK-Regular.ttc", "fonts-noto-cjk", 2, "NotoSansCJK-Bold.ttc")
RARE = (SystemFont("HanaMinA", "HanaMinA.ttf", "fonts-hanazono"),
        SystemFont("HanaMinB", "HanaMinB.ttf", "fonts-hanazono"),
        SystemFont("BabelStone Han", "BabelStoneHan.ttf", "fonts-babelstone-han"))


@dataclass(frozen=True)
class Stack:
    """The fonts of one machine.

    *css* names them, *files* reads what stands behind its `app:` addresses, *characters* are the code points they have.
    """

    css: str
    files: dict[str, Callable[[], bytes]]
    characters: frozenset[int]

    def missing(self, text: str) -> str:
        """The characters of *text* that would come out as an empty box, each once, in order."""
        return "".join(dict.fromkeys(c for c in text if not self._prints(c)))

    def _prints(self, character: str) -> bool:
        # Fonts do hold private-use glyphs, but each its own: what would be printed is not what was meant.
        # Format characters print nothing and can turn the order of an amount's digits round.
        return (character in "\n\r\t" or ord(character) in self.characters) and \
            unicodedata.category(character) not in ("Co", "Cf", "Cs")


@lru_cache(maxsize=8)
def stack(font_dir: Path | None = None, folders: tuple[Path, ...] = FOLDERS) -> Stack:
    """The stack of a machine whose county keeps its own fonts in *font_dir*; read once.

    Without Debian's Noto it is the fonts of the package pylopdf-fonts-zh-cn: 28,000 hanzi, not the rarest names.
    """
    faces = _Faces()
    for path, family in _county(font_dir):
        # 小标宋 is drawn bold and has one weight: declared bold, nothing thickens it a second time.
        faces.add(family, path.read_bytes, "bold" if family in ROLES["title"] else "normal")
        faces.characters |= _cmap(path, 0)
    families = {kind: _chinese(faces, kind, font, folders) for kind, font in (("serif", SERIF), ("sans", SANS))}
    rare = [font for font in RARE if _find(font.file, folders)]
    for font in rare:
        faces.characters |= _cmap(_find(font.file, folders), font.face)
    css = "\n".join([*faces.rules, _variables(families, [font.family for font in rare])])
    return Stack(css, faces.files, frozenset(faces.characters))


class _Faces:
    """@font-face rules in the making."""

    def __init__(self) -> None:
        self.rules: list[str] = []
        self.files: dict[str, Callable[[], bytes]] = {}
        self.characters: set[int] = set()

    def add(self, family: str, read: Callable[[], bytes], weight: str = "normal") -> None:
        address = f"app:fonts/{len(self.files)}"
        self.files[address] = read
        self.rules.append(f'@font-face {{ font-family: "{family}"; font-weight: {weight}; src: url("{address}") }}')


def _chinese(faces: _Faces, kind: str, font: SystemFont, folders: tuple[Path, ...]) -> list[str]:
    """The families of the serif or the sans font: its everyday part, then the whole."""
    path, face = _find(font.file, folders), font.face
    part, whole = f"Noto {kind.title()} SC", font.family
    if not path:
        path, face, whole = _packaged(kind), 0, f"Noto {kind.title()} SC Regular"
        faces.add(whole, path.read_bytes)
    faces.characters |= _cmap(path, face)
    if not everyday.possible():
        return [whole]
    for file, weight in ((path, "normal"), (font.bold and _find(font.bold, folders), "bold")):
        if file:
            faces.add(part, partial(everyday.cut, file, face), weight)
    return [part, whole]


def lacking(folders: tuple[Path, ...] = FOLDERS) -> list[str]:
    """Debian packages whose fonts are not on this machine, each once."""
    return list(dict.fromkeys(font.package for font in (SERIF, SANS, *RARE) if not _find(font.file, folders)))


def _variables(families: dict[str, list[str]], rare: Iterable[str]) -> str:
    """CSS variables, one for each typeface that GB/T 9704 names, and --song for forms."""
    kinds = {"fang": "serif", "kai": "serif", "title": "serif", "song": "serif", "hei": "sans"}
    names = {role: (*ROLES.get(role, ()), *families[kind], *rare) for role, kind in kinds.items()}
    return ":root { " + " ".join(f"--{role}: {', '.join(map(_quoted, all_))};" for role, all_ in names.items()) + " }"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _county(font_dir: Path | None) -> list[tuple[Path, str]]:
    """The county's files that bear a name of ROLES, with that name; others would never be used."""
    wanted = [name for names in ROLES.values() for name in names]
    found = []
    for path in sorted(font_dir.iterdir()) if font_dir and font_dir.is_dir() else ():
        if path.suffix.lower() in (".ttf", ".otf"):
            found += [(path, name) for name in wanted if name in _names(path)][:1]
    return found


def _names(path: Path) -> set[str]:
    from fontTools.ttLib import TTFont, TTLibError
    try:
        with TTFont(path, lazy=True) as font:
            return {record.toUnicode() for record in font["name"].names if record.nameID in (1, 4, 6, 16)}
    except (TTLibError, UnicodeDecodeError):
        return set()


@cache
def _cmap(path: Path, face: int) -> frozenset[int]:
    from fontTools.ttLib import TTFont
    with TTFont(path, fontNumber=face, lazy=True) as font:
        return frozenset(font.getBestCmap())


@cache
def _find(file: str, folders: tuple[Path, ...]) -> Path | None:
    return next((path for folder in folders for path in sorted(folder.rglob(file))), None)


def _packaged(kind: str) -> Path:
    import pylopdf_fonts_zh_cn
    return getattr(pylopdf_fonts_zh_cn, f"{kind}_path")()
