"""Utterances of VoxCeleb as they lie on the disk, indexed by their names alone: a million of them take no more than their names.

    dev/aac/id00012/21Uxsk56VDQ/00001.m4a            sound; VOXT's conversion leaves 00001.wav beside it
    wav/id10270/5r0dWxy17C8/00004.wav                sound of VoxCeleb1
    faces/id00012/21Uxsk56VDQ/00001/0000002.jpg      aligned faces, two a second, jpg or png
    id00012#21Uxsk56VDQ#00001.txt#000.mp4/...        the same in the folders of MMCosine's script; of several tracks the first

An utterance is speaker/video/number wherever that stands below a raw folder. Pictures are not listed here, only their folders.
"""

from __future__ import annotations

import os
import re
from array import array
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from datasets_prep import lists
from datasets_prep.dataset import Item
from mmbench.errors import UserError

UTTERANCE = re.compile(r"((?:.*/)?)(id\d{5})([/#])([^/#]+)\3(\d{5})((?<=/\d{5})(?:\.m4a|\.wav|/)|(?<=#\d{5})\.txt#\d{3}\.mp4/)", re.DOTALL)
FACES = re.compile(r"(?:.*/)?(?:id\d{5}/[^/#]+/\d{5}|id\d{5}#[^/#]+#\d{5}\.txt#\d{3}\.mp4)", re.DOTALL)
SPEAKER = len("id00012")
FACES_AT, INDEX_AT, MOST = 16, 32, 1 << 16  # of the bits of a code


def names(root: str, below: str = "") -> Iterator[str]:
    """Every file below root, as a path from there; a folder of faces as itself, with "/" at its end. Hidden ones are left out."""
    with os.scandir(os.path.join(root, below)) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            name = below + entry.name
            if not entry.is_dir():
                yield name
            elif FACES.fullmatch(name):
                yield name + "/"
            else:
                yield from names(root, name + "/")


@dataclass
class Index:
    """Key -> where its sound and its faces are, as numbers of `places`: sound + 1 in the lower 16 bits, faces + 1 above, 0 for none.

    A place is what stands before the speaker, between the three parts, and after them. strange: sounds without an utterance's name;
    others: sounds of speakers that were not asked for; clips: video files.
    """

    known: dict[str, int] = field(default_factory=dict)
    places: list[tuple[str, str, str]] = field(default_factory=list)
    numbers: dict[tuple[str, str, str], int] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    clips: int = 0

    def add(self, root: str, found: Iterable[str], speakers: Container[str], ending: str) -> None:
        """The utterances of these speakers; `found` as `names` gives them, `ending` that of their official names. UserError where two
        files are one utterance."""
        twice: list[str] = []
        for name in found:
            match = UTTERANCE.fullmatch(name)
            if match is None:
                self.strange += [name] if name.endswith((".m4a", ".wav")) else []
                self.clips += name.endswith(".mp4")
                continue
            before, speaker, between, video, number, after = match.groups()
            if speaker not in speakers:
                self.others[speaker] += not after.endswith("/")
            elif not self._put(f"{speaker}/{video}/{number}{ending}", (f"{root}/{before}", between, after)):
                twice.append(name)
        if twice:
            raise UserError(f"{root}: two files are one utterance: {lists.few(twice)} lie there a second time: remove one of each")

    def has_sound(self, key: str) -> bool:
        return bool(self.known.get(key, 0) % MOST)

    def _put(self, key: str, place: tuple[str, str, str]) -> bool:
        """False where the key has another such place that is as good. An m4a goes before its wav, the first track before others."""
        code, shift = self.known.get(key, 0), FACES_AT if place[2].endswith("/") else 0
        if taken := (code >> shift) % MOST:
            before, between, after = self.places[taken - 1]
            if (before, between) != place[:2] or after == place[2]:
                return False
            if after < place[2]:
                return True
        if place not in self.numbers:
            if len(self.places) == MOST - 1:
                raise UserError(f"{place[0]}: speakers lie in more than {MOST - 1:,} folders; expected them side by side")
            self.numbers[place] = len(self.places)
            self.places.append(place)
        self.known[key] = (code & ~((MOST - 1) << shift)) | ((self.numbers[place] + 1) << shift)
        return True


class Utterances(Sequence[Item]):
    """The items of an index that have sound, sorted by key; each is made when it is asked for."""

    def __init__(self, *indexes: Index):
        self.places = [index.places for index in indexes]
        every = sorted((key, i) for i, index in enumerate(indexes) for key, code in index.known.items() if code % MOST)
        self.keys = [key for key, _ in every]
        self.codes = array("Q", (indexes[i].known[key] | i << INDEX_AT for key, i in every))

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, row: int) -> Item: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Item]: ...
    def __getitem__(self, row: int | slice) -> Item | Sequence[Item]:
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(len(self)))]
        key, code = self.keys[row], self.codes[row]
        places, stem = self.places[code >> INDEX_AT], key.rpartition(".")[0]
        files = {"sound": _path(places, code % MOST, stem)}
        if faces := (code >> FACES_AT) % MOST:
            files["faces"] = _path(places, faces, stem)
        return Item(key, key[:SPEAKER], files)

    def faceless(self) -> Iterator[str]:
        """Keys of utterances that have no folder of faces."""
        return (key for key, code in zip(self.keys, self.codes, strict=True) if not (code >> FACES_AT) % MOST)


def _path(places: Sequence[tuple[str, str, str]], number: int, stem: str) -> str:
    before, between, after = places[number - 1]
    return f"{before}{stem.replace('/', between)}{after}".rstrip("/")
