"""UCF-101's classes and its three official splits; all names and counts are those of the official lists [V]."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from datasets_prep import lists
from datasets_prep.dataset import Expected, Found, Sources, Split
from mmbench.errors import UserError

# In the order of classInd.txt. It is not Python's: Hammering and HammerThrow, JumpingJack and JumpRope change places there.
_NAMES = """
ApplyEyeMakeup ApplyLipstick Archery BabyCrawling BalanceBeam BandMarching BaseballPitch Basketball BasketballDunk BenchPress Biking
Billiards BlowDryHair BlowingCandles BodyWeightSquats Bowling BoxingPunchingBag BoxingSpeedBag BreastStroke BrushingTeeth CleanAndJerk
CliffDiving CricketBowling CricketShot CuttingInKitchen Diving Drumming Fencing FieldHockeyPenalty FloorGymnastics FrisbeeCatch
FrontCrawl GolfSwing Haircut Hammering HammerThrow HandstandPushups HandstandWalking HeadMassage HighJump HorseRace HorseRiding HulaHoop
IceDancing JavelinThrow JugglingBalls JumpingJack JumpRope Kayaking Knitting LongJump Lunges MilitaryParade Mixing MoppingFloor
Nunchucks ParallelBars PizzaTossing PlayingCello PlayingDaf PlayingDhol PlayingFlute PlayingGuitar PlayingPiano PlayingSitar
PlayingTabla PlayingViolin PoleVault PommelHorse PullUps Punch PushUps Rafting RockClimbingIndoor RopeClimbing Rowing SalsaSpin
ShavingBeard Shotput SkateBoarding Skiing Skijet SkyDiving SoccerJuggling SoccerPenalty StillRings SumoWrestling Surfing Swing
TableTennisShot TaiChi TennisSwing ThrowDiscus TrampolineJumping Typing UnevenBars VolleyballSpiking WalkingWithDog WallPushups
WritingOnBoard YoYo
"""
NAMES = tuple(_NAMES.split())
CLASSES = {"official": NAMES, "sorted": tuple(sorted(NAMES))}  # torchvision and BalanceBenchmark sort

CLIPS = """
145 114 145 132 108 155 150 134 131 160 134 150 131 109 112 155 163 134 101 131 112 138 139 167 110 150 161 111 126 125 126 137 139 130
140 150 128 111 147 123 124 164 125 158 117 121 123 144 141 123 131 127 125 136 110 132 114 113 164 151 164 155 160 105 157 111 100 149
123 100 160 102 111 144 119 137 133 161 144 120 135 100 110 147 137 112 116 126 131 140 100 166 130 119 136 104 116 123 130 152 128
"""
TESTS = {
    "ucf01": """
44 32 41 35 31 43 43 35 37 48 38 40 38 33 30 43 49 37 28 36 33 39 36 49 33 45 45 34 40 36 37 37 39 33 33 45 28 34 41 37 35 49 34 46 31
40 37 38 36 34 39 37 33 45 34 35 37 33 44 41 49 48 43 28 44 31 28 40 35 28 39 30 28 41 34 36 43 43 46 32 40 28 31 39 41 32 34 33 42 39
28 49 38 32 43 28 35 36 35 45 36
""",
    "ucf02": """
39 29 41 35 29 45 39 33 36 44 36 46 40 30 32 43 41 40 28 34 33 41 39 49 31 44 43 33 37 35 34 38 33 37 41 46 37 28 40 34 33 44 36 42 33
34 36 39 36 36 42 39 36 44 28 40 33 29 45 41 48 42 46 28 43 32 28 39 34 28 48 28 33 39 33 44 39 43 42 35 37 28 29 39 40 30 33 38 34 33
28 48 37 35 46 28 37 35 36 37 35
""",
    "ucf03": """
37 33 38 39 31 43 40 42 40 42 40 42 34 28 30 43 45 37 29 34 30 38 42 43 28 38 48 28 30 37 37 39 40 35 42 36 42 31 41 31 36 44 35 42 33
28 31 43 46 34 34 33 37 31 32 37 28 29 47 45 41 42 48 33 46 31 28 45 35 28 45 28 34 37 35 37 33 48 35 34 38 28 34 43 35 31 33 39 36 40
28 45 36 34 31 32 28 34 42 42 36
""",
}


def _expected() -> dict[str, dict[str, dict[str, int]]]:
    every = dict(zip(NAMES, map(int, CLIPS.split()), strict=True))
    found = {}
    for split, text in TESTS.items():
        test = dict(zip(NAMES, map(int, text.split()), strict=True))
        found[split] = {"train": {name: every[name] - test[name] for name in NAMES}, "test": test}
    return found


EXPECTED = Expected(rows=13_320, counts=_expected(), evidence="counted in the official lists [V]")

# md5 after newline normalisation, capital S (official) and lower-cased (twostreamfusion's copies) [V]
KNOWN = {
    "trainlist01.txt": ("3ff224ca3a9f79cb9a09cb1330e08b4e", "c73c1e68f74b2b221dab50af6d9de11b"),
    "testlist01.txt": ("ade85c3b6739331defe40df78517fa0e", "6ccb1ea3a40d382a1552da43ccdbfa22"),
    "trainlist02.txt": ("fcbb418f31e74c2d59c9c637be312569", "99c569d420ee6957803fce05bd5fc867"),
    "testlist02.txt": ("2e29f87feea9179f5381a0bdd9965aaf", "feabe70d06e9df9e171de4a61dc466bd"),
    "trainlist03.txt": ("75922a17bb9821ecbab7c853fbf88779", "db5b732024acdcac4cb72ed78df30298"),
    "testlist03.txt": ("1657149a6af0ec923f555b64e0c7833b", "1627c48016fc2a7b49c76e3e149fae62"),
    "classInd.txt": ("f0c6e7db52e68099458cd38ae21a06f5",),
}
WHERE = "UCF101TrainTestSplits-RecognitionTask.zip from www.crcv.ucf.edu/data/UCF101.php"
BY_LOWER = {name.lower(): name for name in NAMES}


def splits(found: Found, sources: Sources) -> tuple[list[Split], dict[str, str]]:
    """The official splits whose lists are there, and `groups-01` to `groups-03`, which take the same groups by their numbers."""
    made, lacking = [], {}
    for number in (1, 2, 3):
        paths = _paths(sources, number)
        if len(paths) == 2:
            made.append(_official(number, paths))
        else:
            lacking[f"ucf0{number}"] = f"needs trainlist0{number}.txt and testlist0{number}.txt of {WHERE}: name their folder with --lists"
        made.append(_by_rule(number, [item.key for item in found.items]))
    return made, lacking


def _paths(sources: Sources, number: int) -> dict[str, Path]:
    places = [sources.lists, *sources.folders.values()]
    found = {name: lists.find(name, places) for name in (f"trainlist0{number}.txt", f"testlist0{number}.txt")}
    return {name: path for name, path in found.items() if path}


def listed(sources: Sources) -> set[str]:
    """Every clip that a list names."""
    return {key for number in (1, 2, 3) for path in _paths(sources, number).values() for key in _keys(path)}


@cache
def _lines(path: Path, stamp: int) -> tuple[str, ...]:
    return tuple(lists.lines(path))


def _keys(path: Path) -> Iterator[str]:
    """Lines `Class/v_Class_g01_c01.avi`, with or without ` 1` behind."""
    for number, line in enumerate(_lines(path, path.stat().st_mtime_ns), 1):
        match = re.fullmatch(r"(\w+)/v_(\w+)_g(\d+)_c(\d+)\.avi(?: (\d+))?", line)
        action = BY_LOWER.get(match.group(2).lower()) if match else None
        if not match or action is None or match.group(1).lower() != action.lower():
            raise UserError(f"{path}, line {number}: '{line[:80]}' is not 'Class/v_Class_g01_c01.avi' with a class of UCF-101")
        if match.group(5) and int(match.group(5)) != NAMES.index(action) + 1:
            raise UserError(f"{path}, line {number}: {action} has number {NAMES.index(action) + 1} in classInd.txt, not {match.group(5)}")
        yield f"v_{action}_g{int(match.group(3)):02}_c{int(match.group(4)):02}"


def _official(number: int, paths: dict[str, Path]) -> Split:
    parts = {}
    for part in ("train", "test"):
        path = paths[f"{part}list0{number}.txt"]
        keys = list(_keys(path))
        lists.twice(keys, str(path))
        parts[part] = (keys, [key.split("_")[1] for key in keys])
    md5, known = lists.checked(paths, KNOWN)
    return Split(f"ucf0{number}", parts, "official", lists=md5, known=known)


def _by_rule(number: int, keys: list[str]) -> Split:
    """Groups 1 to 7 are the first official test part, 8 to 14 the second, 15 to 21 the third [V]."""
    tests = range(7 * number - 6, 7 * number + 1)
    parts: dict[str, list[str]] = {"train": [], "test": []}
    for key in keys:
        parts["test" if int(key.split("_")[2][1:]) in tests else "train"].append(key)
    listed = {part: (mine, [key.split("_")[1] for key in mine]) for part, mine in parts.items()}
    return Split(f"groups-0{number}", listed, "official", rule=f"test: groups {tests[0]} to {tests[-1]}, as in the official list 0{number}")
