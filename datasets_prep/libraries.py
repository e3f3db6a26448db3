"""Which libraries made a store: their versions change bits, so they stand in its meta.json."""

from __future__ import annotations

import importlib.metadata

NAMES = ("numpy", "scipy", "soxr", "av", "soundfile", "h5py", "pillow", "opencv-contrib-python-headless")


def versions() -> dict[str, str]:
    """Of those that are installed, and of the FFmpeg and libsndfile inside them."""
    import av
    import soundfile

    found = {}
    for name in NAMES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    found |= {name: ".".join(map(str, version)) for name, version in av.library_versions.items() if name in ("libavcodec", "libswscale")}
    return found | {"libsndfile": soundfile.__libsndfile_version__}
