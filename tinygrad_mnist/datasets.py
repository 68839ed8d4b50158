"""A dataset is a numbered pile of examples: one by its number, or a whole batch at once.

    dataset[7]             one example: a picture and its label
    dataset[[7, 1, 3]]     a batch: the pictures and the labels of these three
    len(dataset)           how many examples there are

Asking for whole batches is what makes NumPy fast, so a DataLoader never asks for less.

`MNIST` reads the 70,000 handwritten digits that this project is about, from the files that
Yann LeCun, Corinna Cortes and Christopher Burges published. A file in their IDX format is a
short header and then nothing but bytes, one per pixel or label:

    0 0 8 3 | 60000 | 28 | 28 | pixels ...       8: each is a byte, 3: there are 3 dimensions

Every file's content is compared with its known sha256 before it is used, and a download gets
its final name only after that, so a digit is either as it was published or an error.

`TensorDataset` makes a dataset of any arrays of one length.
"""

from __future__ import annotations

import contextlib
import gzip
import math
import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import backend
from .tensor import Tensor

Transform = Callable[[np.ndarray], Any]
"""What becomes of a batch of pictures, uint8 (N, 28, 28), before it is handed out."""


class IdxFile(NamedTuple):
    """What one of the published files holds: bytes of this shape, with this checksum."""

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def header(self) -> bytes:
        """0, 0, 8 (for bytes), the number of dimensions; then each dimension in four bytes."""
        return struct.pack(f">4B{len(self.shape)}I", 0, 0, 8, len(self.shape), *self.shape)

    @property
    def size(self) -> int:
        """The length of the uncompressed file in bytes."""
        return len(self.header) + math.prod(self.shape)


FILES = {
    "train": (
        IdxFile("train-images-idx3-ubyte", (60000, 28, 28),
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        IdxFile("train-labels-idx1-ubyte", (60000,),
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5")),
    "test": (
        IdxFile("t10k-images-idx3-ubyte", (10000, 28, 28),
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        IdxFile("t10k-labels-idx1-ubyte", (10000,),
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2")),
}
"""The pictures and the labels of each part. The checksums are of the uncompressed content."""

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
    "https://yann.lecun.com/exdb/mnist/",
)
"""Where the files can be fetched, asked in this order."""

TIMEOUT = 20.0
"""After how many seconds of silence a mirror is given up."""

PIECE = 1024 * 1024
"""Files are read a mebibyte at a time: large enough to be fast, small enough for a cache."""


class Dataset:
    """What all datasets here are: they have a length, and end when looped over."""

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, index: Any) -> tuple:
        raise NotImplementedError

    def __iter__(self) -> Iterator[tuple]:
        """The examples, one after another."""
        return (self[index] for index in range(len(self)))


class MNIST(Dataset):
    """The handwritten digits 0 to 9, as white ink on black: 60,000 to train, 10,000 to test.

    root: the folder that holds the files, plain or .gz, in `mnist/` (this project's layout),
        in `MNIST/raw/` (torchvision's) or directly. Left out: what the environment variable
        TINYGRAD_MNIST_DATA says, else the `data/` of this project's clone, else `./data`.
    train: the 60,000 training pictures, else the 10,000 test pictures.
    transform: a function of a batch of pictures, uint8 (N, 28, 28), such as `ToTensor()`. For
        one example it is given a batch of one.
    download: fetch what is missing into `root/mnist`. An interrupted download goes on from
        where it stopped when it is run again.

    images: uint8 (N, 28, 28), 0 for paper and 255 for ink. labels: int64 (N,), 0 to 9.

    `dataset[i]` is (picture, label), the label a Python int; `dataset[indices]`, with a slice
    or integers, is (pictures, labels). Without a transform pictures are uint8 arrays.

    Raises FileNotFoundError, saying where it looked, if a file is missing and not to be
    downloaded; ValueError if a file is damaged; ConnectionError if no mirror has the file.
    """

    def __init__(self, root: str | os.PathLike | None = None, train: bool = True,
                 transform: Transform | None = None, download: bool = False):
        if transform is not None and not callable(transform):
            raise TypeError("transform must be a function of a batch of pictures, such as "
                            f"ToTensor(), not {transform!r}")
        self.root = default_root() if root is None else Path(root).expanduser()
        self.train = train
        self.transform = transform
        files = FILES["train" if train else "test"]
        pictures, labels = [_locate(file, self.root, download) for file in files]
        self.images: np.ndarray = _load(pictures, files[0])
        self.labels: np.ndarray = _load(labels, files[1]).astype(np.int64)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        index = _checked(index, len(self))
        if isinstance(index, int):
            pictures, labels = self[index:index + 1]
            return pictures[0], int(labels[0])
        pictures = self.images[index]
        return self.transform(pictures) if self.transform else pictures, self.labels[index]

    def __repr__(self) -> str:
        part = "train" if self.train else "test"
        return f"MNIST({len(self):,} {part} pictures from {self.root})"


class TensorDataset(Dataset):
    """Arrays or Tensors of one length, row by row: `dataset[indices]` is a tuple of their rows.

    Raises TypeError if something else than arrays and Tensors is given, ValueError if their
    lengths differ or there are none.
    """

    def __init__(self, *tensors: Any):
        for tensor in tensors:
            if not (isinstance(tensor, Tensor) or backend.is_array(tensor)):
                raise TypeError("a TensorDataset is made of arrays or Tensors, not "
                                f"{type(tensor).__name__}")
        shapes = [tensor.shape for tensor in tensors]
        if () in shapes or len({shape[0] for shape in shapes}) != 1:
            raise ValueError("a TensorDataset needs one or more arrays with equally many rows, "
                             f"not {' and '.join(map(str, shapes)) or 'nothing'}")
        self.tensors = tensors

    def __len__(self) -> int:
        return len(self.tensors[0])

    def __getitem__(self, index: Any) -> tuple:
        index = _checked(index, len(self))
        return tuple(tensor[index] for tensor in self.tensors)

    def __repr__(self) -> str:
        return f"TensorDataset({', '.join(str(tensor.shape) for tensor in self.tensors)})"


def default_root() -> Path:
    """The folder that holds `mnist/` when nobody names one.

    The environment variable TINYGRAD_MNIST_DATA; else the clone's `data/`, where the package
    lies in a clone (which, unlike the place where packages are installed, has a
    pyproject.toml); else `./data`.
    """
    named = os.environ.get("TINYGRAD_MNIST_DATA")
    return Path(named).expanduser() if named else _own_data()


def models_root() -> Path:
    """The folder of the trained weights that come with the project.

    `models/` beside `mnist/`; but who names another folder for MNIST, and has no weights there,
    still finds those of the clone.
    """
    beside = default_root() / "models"
    return beside if beside.is_dir() else _own_data() / "models"


def _own_data() -> Path:
    clone = Path(__file__).resolve().parent.parent
    return clone / "data" if (clone / "pyproject.toml").is_file() else Path("data")


def _checked(index: Any, length: int) -> int | slice | np.ndarray:
    """An index as a number from 0, a slice or an array of integers, none out of range."""
    if isinstance(index, slice):
        return index
    numbers = index.numpy() if isinstance(index, Tensor) else np.asarray(index)
    if numbers.size == 0 and isinstance(index, (list, tuple)):
        numbers = np.zeros(0, np.int64)  # to NumPy [] is a list of no floats
    if numbers.dtype.kind not in "iu" or numbers.ndim > 1:
        raise IndexError("an index is an integer, a slice or a row of integers, not "
                         f"{numbers.dtype} of shape {numbers.shape}")
    if numbers.size and not -length <= numbers.min() <= numbers.max() < length:
        wrong = numbers[(numbers < -length) | (numbers >= length)].flat[0]
        raise IndexError(f"there is no example {wrong}: the dataset has {length}")
    return numbers if numbers.ndim else int(numbers) % length


# --- reading and checking files ----------------------------------------------------------


class _DamageError(Exception):
    """What is wrong with a file's content, as a sentence about "it"."""


def _locate(file: IdxFile, root: Path, download: bool) -> Path:
    """The path of a file, fetched if it is missing and may be."""
    folders = [root / "mnist", root / "MNIST" / "raw", root]
    for folder in folders:
        for path in (folder / file.name, folder / f"{file.name}.gz"):
            if path.is_file():
                return path
    if download:
        return _download(file, root / "mnist")
    raise FileNotFoundError(f"there is no {file.name} or {file.name}.gz in "
                            f"{', '.join(map(str, folders))}: download=True fetches it into "
                            f"{folders[0]}")


def _load(path: Path, file: IdxFile) -> np.ndarray:
    """The checked content of a file as an array; an error says what to do about the file."""
    try:
        return _read(path, file)
    except _DamageError as damage:
        raise ValueError(f"{path} is damaged: {damage}. Delete it and run again with "
                         "download=True") from None


def _read(path: Path, file: IdxFile) -> np.ndarray:
    """The content of a file, as an array of the file's shape and in no copy but one."""
    content = _uncompressed(path, file.size + 1)  # one more, so that too long a file shows
    _check(content, file)
    return content[len(file.header):].reshape(file.shape)


def _uncompressed(path: Path, limit: int) -> np.ndarray:
    """The first `limit` bytes of a file's content: uint8, shorter if the file is."""
    content = np.empty(limit, np.uint8)
    length = 0
    try:
        with gzip.open(path) if _is_gzip(path) else open(path, "rb") as file:
            while count := file.readinto(content.data[length:length + PIECE]):
                length += count
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _DamageError(f"it cannot be decompressed ({error})") from None
    return content[:length]


def _is_gzip(path: Path) -> bool:
    """Whether a file is compressed: its first bytes say so, whatever its name says."""
    with open(path, "rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _check(content: np.ndarray, file: IdxFile) -> None:
    """Compare content with what it should be, from the plainest fault to the subtlest."""
    import hashlib  # brings a cryptographic library along, which takes its time

    beginning, header = content[:len(file.header)].tobytes(), file.header
    if beginning[:4] != header[:4]:
        raise _DamageError(f"it begins with the bytes [{beginning[:4].hex(' ')}], but an IDX file "
                           f"of {len(file.shape)} dimension(s) has [{header[:4].hex(' ')}]")
    if len(beginning) == len(header) and beginning != header:
        shape = struct.unpack(f">{len(file.shape)}I", beginning[4:])
        raise _DamageError(f"its header says that it holds {_times(shape)} bytes, not "
                           f"{_times(file.shape)}")
    if len(content) != file.size:
        length = f"more than {file.size:,}" if len(content) > file.size else f"{len(content):,}"
        raise _DamageError(f"its content is {length} bytes long, not {file.size:,}")
    sha256 = hashlib.sha256(content.data).hexdigest()
    if sha256 != file.sha256:
        raise _DamageError(f"the sha256 of its content is {sha256}, not {file.sha256}")


def _times(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))


# --- downloading -------------------------------------------------------------------------


class _MirrorError(Exception):
    """Why a mirror did not hand over a file."""


def _download(file: IdxFile, folder: Path) -> Path:
    """Fetch a file into `folder` from the first mirror that has it, and return its path.

    While it arrives it is called `.part`. Only when its content has been checked does it get
    its final name, in one step, so nobody ever sees half a file under that name. Of several
    processes one downloads, and the others wait for it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{file.name}.gz"
    with _alone_in(folder):
        return path if path.is_file() else _download_alone(file, path)


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Inside the block no other process of this machine is in such a block for this folder.

    Nothing is locked where that cannot be done: on Windows, and on some network file systems.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)  # which unlocks it


def _download_alone(file: IdxFile, path: Path) -> Path:
    part = path.with_name(f"{path.name}.part")
    reasons = []
    for mirror in MIRRORS:
        url = f"{mirror}{file.name}.gz"
        try:
            _fetch_and_check(url, part, file)
        except (_MirrorError, _DamageError) as reason:
            reasons.append(f"\n  {url}: {reason}")
        else:
            os.replace(part, path)
            return path
    raise ConnectionError(f"no mirror handed over {path.name}:{''.join(reasons)}\nRun again to "
                          f"go on from where it stopped, or put the file into {path.parent} by "
                          "hand")


def _fetch_and_check(url: str, part: Path, file: IdxFile) -> None:
    """Complete `part` from `url`; if what results is damaged, let it go.

    The damage may be in what lay there before, and no fault of this mirror's: then it is
    asked once more, for the whole file.
    """
    resumed = _length(part) > 0
    try:
        _fetch(url, part)
        _read(part, file)
    except _DamageError:
        part.unlink(missing_ok=True)
        if not resumed:
            raise
        _fetch_and_check(url, part, file)


def _fetch(url: str, part: Path) -> None:
    """Add to `part` what it lacks of the file at `url`, or all of it if the server must."""
    from urllib.request import Request, urlopen

    have = _length(part)
    headers = {"User-Agent": "tinygrad-mnist"} | ({"Range": f"bytes={have}-"} if have else {})
    with _blaming_the_mirror():
        response = urlopen(Request(url, headers=headers), timeout=TIMEOUT)
    with response, open(part, "ab") as output:
        if not _continues_at(response, have):
            output.truncate(0)
        _save(response, output, url)


def _continues_at(response: Any, have: int) -> bool:
    """Whether a server sends the rest from byte `have`; a simple one sends the whole again."""
    return (response.status == 206
            and response.headers.get("Content-Range", "").startswith(f"bytes {have}-"))


def _save(response: Any, output: Any, url: str) -> None:
    """Write what a server sends to the end of `output`, and show how far it has come."""
    from tqdm import tqdm

    start, announced = output.seek(0, os.SEEK_END), response.headers.get("Content-Length", "")
    total = start + int(announced) if announced.isdigit() else None
    with tqdm(desc=url.rpartition("/")[2], initial=start, total=total, unit="B", unit_scale=True,
              disable=None) as progress:  # None: no bar where no one is looking at a terminal
        while piece := _next_piece(response):
            output.write(piece)
            progress.update(len(piece))
    if total is not None and output.tell() < total:
        raise _MirrorError(f"the connection ended after {output.tell():,} of {total:,} bytes")


def _next_piece(response: Any) -> bytes:
    with _blaming_the_mirror():
        return response.read1(PIECE)


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextlib.contextmanager
def _blaming_the_mirror() -> Iterator[None]:
    """Turn whatever can go wrong on a network into `_MirrorError`, with the reason.

    It is wrapped around the network only: a full disk is not the mirror's fault. Nor is a
    `.part` to which nothing can be added, which is damaged.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError

    try:
        yield
    except HTTPError as error:
        error.close()
        if error.code == 416:  # Range Not Satisfiable
            raise _DamageError("what is here already is no shorter than the file") from None
        raise _MirrorError(f"the server answered {error.code} {error.reason}") from None
    except URLError as error:
        raise _MirrorError(str(error.reason)) from None
    except TimeoutError:
        raise _MirrorError(f"nothing came for {TIMEOUT:g} seconds") from None
    except (OSError, HTTPException) as error:
        raise _MirrorError(str(error) or type(error).__name__) from None
