"""The other side of `test_pipeline`: training as released code of this field does it, written for the benchmark from its description.

Every sample is made where it is asked for, in DataLoader workers: its wav is read, repeated, cut and turned into a spectrogram by
scipy, its jpg decoded and sent through torchvision's transforms. Batches are float32 in NCHW, moved when they are needed; each
step asks for its loss as a number; a test counts hits in a Python loop over each batch, for the fused output and for each modality.
Nothing is slow on purpose: workers stay alive and fetch ahead, memory is pinned where there is a GPU, tests keep no graph.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from PIL import Image
from scipy.signal import spectrogram
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, linear
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms
from torchvision.models import resnet18

SAMPLES, WINDOW, OVERLAP = 48_000, 512, 353  # 3 s at 16 kHz
STATISTICS = transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@dataclass(frozen=True)
class Clip:
    wav: Path
    jpg: Path
    label: int


class Clips(Dataset):
    """Clips as (spectrogram 1 x 257 x 299, picture 3 x 224 x 224, label)."""

    def __init__(self, clips: Sequence[Clip], training: bool):
        self.clips = clips
        size = [transforms.RandomResizedCrop(224), transforms.RandomHorizontalFlip()] if training else [transforms.Resize((224, 224))]
        self.transform: Callable[[Image.Image], Any] = transforms.Compose([*size, transforms.ToTensor(), STATISTICS])

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor, int]:
        clip = self.clips[i]
        with Image.open(clip.jpg) as picture:
            seen = self.transform(picture.convert("RGB"))
        return torch.from_numpy(heard(clip.wav))[None], seen, clip.label


def heard(wav: Path) -> np.ndarray:
    """257 x 299 float32: the log of the power spectral density, standardised."""
    sound, rate = soundfile.read(wav, dtype="float32")
    sound = np.clip(np.tile(sound, 3)[:SAMPLES], -1, 1)
    found = np.log(spectrogram(sound, rate, nperseg=WINDOW, noverlap=OVERLAP)[2] + 1e-7)
    return np.asarray((found - found.mean()) / (found.std() + 1e-9), np.float32)


def loader(clips: Sequence[Clip], batch: int, training: bool, workers: int, pin: bool = False) -> DataLoader:
    return DataLoader(Clips(clips, training), batch, shuffle=training, num_workers=workers, pin_memory=pin, persistent_workers=workers > 0)


class Pair(nn.Module):
    """A ResNet-18 per modality, one linear layer on both features."""

    def __init__(self, classes: int):
        super().__init__()
        self.audio, self.visual = trunk(1), trunk(3)
        self.classifier = nn.Linear(1024, classes)

    def forward(self, sound: Tensor, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Both features, B x 512, and the logits."""
        a, v = self.audio(sound), self.visual(picture)
        return a, v, self.classifier(torch.cat([a, v], 1))


def trunk(channels: int) -> nn.Module:
    net = resnet18()
    net.conv1 = nn.Conv2d(channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
    net.fc = nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]
    return net


def train(model: Pair, optimiser: torch.optim.Optimizer, batches: DataLoader, device: torch.device) -> float:
    """One epoch; the mean loss."""
    model.train()
    total = 0.0
    for sound, picture, label in batches:
        sound, picture, label = sound.to(device), picture.to(device), label.to(device)
        optimiser.zero_grad()
        loss = cross_entropy(model(sound, picture)[2], label)
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total / len(batches)


@torch.no_grad()
def evaluate(model: Pair, batches: DataLoader, device: torch.device, classes: int) -> Mapping[str, float]:
    """Accuracies of the fused output and of each modality's part of it."""
    model.eval()
    counts, hits = np.zeros(classes), {name: np.zeros(classes) for name in ("fused", "audio", "visual")}
    half, bias = model.classifier.weight.split(512, 1), model.classifier.bias / 2
    for sound, picture, label in batches:
        sound, picture, label = sound.to(device), picture.to(device), label.to(device)
        a, v, fused = model(sound, picture)
        outputs = {"fused": fused.softmax(1), "audio": linear(a, half[0], bias), "visual": linear(v, half[1], bias)}
        for i in range(len(label)):
            truth = int(label[i])
            counts[truth] += 1
            for name, output in outputs.items():
                hits[name][truth] += int(np.argmax(output[i].cpu().numpy())) == truth
    return {name: float(found.sum() / counts.sum()) for name, found in hits.items()}
