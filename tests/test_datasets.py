"""Datasets: the digits as they were published, or an error that says what to do.

The shipped files are read once in full. Everything that can go wrong with files and mirrors is
tried on tiny files of the same format, and with a real web server on this machine.
"""

import gzip
import hashlib
import http.server
import io
import multiprocessing
import os
import re
import socket
import struct
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from tinygrad_mnist import datasets
from tinygrad_mnist.datasets import MNIST, IdxFile, TensorDataset
from tinygrad_mnist.tensor import Tensor
from tinygrad_mnist.transforms import ToTensor

SHIPPED = Path(__file__).resolve().parent.parent / "data"


# --- the shipped digits ------------------------------------------------------------------


@pytest.fixture(scope="module")
def sixty_thousand():
    return MNIST(SHIPPED)


@pytest.fixture(scope="module")
def ten_thousand():
    return MNIST(SHIPPED, train=False)


def test_the_training_digits_are_all_there(sixty_thousand):
    assert len(sixty_thousand) == 60000
    assert (sixty_thousand.images.shape, sixty_thousand.images.dtype) == ((60000, 28, 28), np.uint8)
    assert (sixty_thousand.labels.shape, sixty_thousand.labels.dtype) == ((60000,), np.int64)
    assert sixty_thousand.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.bincount(sixty_thousand.labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert sixty_thousand.images.sum(dtype=np.int64) == 1_567_298_545


def test_the_test_digits_are_all_there(ten_thousand):
    assert len(ten_thousand) == 10000
    assert (ten_thousand.images.shape, ten_thousand.images.dtype) == ((10000, 28, 28), np.uint8)
    assert ten_thousand.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(ten_thousand.labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert ten_thousand.images.sum(dtype=np.int64) == 264_923_200


def test_pictures_equal_the_bytes_of_the_file(ten_thousand):
    with gzip.open(SHIPPED / "mnist" / "t10k-images-idx3-ubyte.gz") as file:
        content = np.frombuffer(file.read(), np.uint8)
    assert np.array_equal(ten_thousand.images.ravel(), content[16:])


def test_a_number_gives_one_example(ten_thousand):
    picture, label = ten_thousand[0]
    assert (picture.shape, picture.dtype) == ((28, 28), np.uint8)
    assert type(label) is int
    assert label == 7
    last_picture, last_label = ten_thousand[-1]
    assert np.array_equal(last_picture, ten_thousand.images[9999])
    assert last_label == ten_thousand.labels[9999]


@pytest.mark.parametrize("index", [
    slice(3, 9, 2), [5, 3, 3, -1], np.array([5, 3], np.uint8), Tensor(np.array([0, 9])), []])
def test_indices_give_a_batch(ten_thousand, index):
    pictures, labels = ten_thousand[index]
    rows = np.arange(10000)[index] if isinstance(index, slice) else np.array(index, np.int64)
    assert np.array_equal(pictures, ten_thousand.images[rows])
    assert np.array_equal(labels, ten_thousand.labels[rows])
    assert labels.dtype == np.int64


def test_a_transform_is_given_batches():
    came_in = []

    def halved(pictures):
        came_in.append((pictures.shape, pictures.dtype))
        return pictures / 2

    dataset = MNIST(SHIPPED, train=False, transform=halved)
    assert dataset.transform is halved
    picture, label = dataset[5]
    pictures, labels = dataset[[5, 6]]
    assert came_in == [((1, 28, 28), np.uint8), ((2, 28, 28), np.uint8)]
    assert np.array_equal(picture, dataset.images[5] / 2)
    assert np.array_equal(pictures[0], picture)
    assert labels[0] == label


def test_with_to_tensor_an_example_is_a_tensor():
    picture, label = MNIST(SHIPPED, train=False, transform=ToTensor())[0]
    assert isinstance(picture, Tensor)
    assert picture.shape == (1, 28, 28)
    assert label == 7


def test_a_transform_must_be_callable():
    with pytest.raises(TypeError, match="transform must be a function of a batch"):
        MNIST(SHIPPED, transform="ToTensor")


def test_it_says_what_it_is(ten_thousand):
    assert repr(ten_thousand) == f"MNIST(10,000 test pictures from {SHIPPED})"


def test_the_readme_of_the_data_tells_the_same_checksums():
    readme = (SHIPPED / "README.md").read_text(encoding="utf-8")
    for file in (*datasets.FILES["train"], *datasets.FILES["test"]):
        assert f"| {file.name} | {file.size} | {file.sha256} |" in readme


# --- tiny files of the same format -------------------------------------------------------


def idx(array):
    """The bytes of an IDX file, written down here independently of the reader."""
    return (bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", n) for n in array.shape)
            + array.tobytes())


PICTURES = np.random.default_rng(0).integers(0, 256, (7, 28, 28), np.uint8)
LABELS = np.array([5, 0, 4, 1, 9, 2, 1], np.uint8)
CONTENT = {"train-images-idx3-ubyte": idx(PICTURES), "train-labels-idx1-ubyte": idx(LABELS)}
PACKED = {f"/{name}.gz": gzip.compress(content, mtime=0) for name, content in CONTENT.items()}
PICTURES_GZ, LABELS_GZ = PACKED


@pytest.fixture
def tiny(monkeypatch):
    """The table of published files, as if MNIST had seven training pictures."""
    shapes = [PICTURES.shape, LABELS.shape]
    files = tuple(IdxFile(name, shape, hashlib.sha256(content).hexdigest())
                  for (name, content), shape in zip(CONTENT.items(), shapes, strict=True))
    monkeypatch.setattr(datasets, "FILES", {"train": files})


def put(folder, packed=True, **changed):
    """The tiny files in a folder; `pictures` and `labels` replace the bytes of a file."""
    folder.mkdir(parents=True, exist_ok=True)
    changes = [changed.get("pictures"), changed.get("labels")]
    for (path, content), change in zip(PACKED.items(), changes, strict=True):
        name = path[1:] if packed else path[1:].removesuffix(".gz")
        whole = content if packed else gzip.decompress(content)
        (folder / name).write_bytes(whole if change is None else change)
    return folder


def assert_is_tiny(dataset):
    assert np.array_equal(dataset.images, PICTURES)
    assert dataset.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("packed", [True, False], ids=["gz", "plain"])
@pytest.mark.parametrize("layout", ["mnist", "MNIST/raw", "."])
@pytest.mark.parametrize("kind", [str, Path])
def test_every_layout_is_found(tiny, tmp_path, layout, packed, kind):
    put(tmp_path / layout, packed)
    assert_is_tiny(MNIST(kind(tmp_path)))


def test_a_compressed_file_with_a_plain_name_is_read(tiny, tmp_path):
    put(tmp_path, packed=False, pictures=PACKED[PICTURES_GZ])
    assert_is_tiny(MNIST(tmp_path))


def test_pictures_can_be_changed_in_memory(tiny, tmp_path):
    dataset = MNIST(put(tmp_path))
    dataset.images[0, 0, 0] ^= 255
    assert dataset.images[0, 0, 0] != PICTURES[0, 0, 0]


def test_the_environment_names_the_root(tiny, tmp_path, monkeypatch):
    put(tmp_path / "mnist")
    monkeypatch.setenv("TINYGRAD_MNIST_DATA", str(tmp_path))
    assert_is_tiny(MNIST())


def test_who_moves_mnist_alone_still_finds_the_trained_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYGRAD_MNIST_DATA", str(tmp_path))
    assert datasets.models_root() == SHIPPED / "models"
    (tmp_path / "models").mkdir()
    assert datasets.models_root() == tmp_path / "models"


def test_without_a_word_the_root_is_the_clone(monkeypatch):
    monkeypatch.delenv("TINYGRAD_MNIST_DATA", raising=False)
    assert datasets.default_root() == SHIPPED


def test_without_a_clone_the_root_is_here(tmp_path, monkeypatch):
    monkeypatch.delenv("TINYGRAD_MNIST_DATA", raising=False)
    monkeypatch.setattr(datasets, "__file__", str(tmp_path / "tinygrad_mnist" / "datasets.py"))
    assert datasets.default_root() == Path("data")


def test_missing_files_say_where_they_were_looked_for(tiny, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        MNIST(tmp_path)
    for words in ("train-images-idx3-ubyte", str(tmp_path / "mnist"),
                  str(tmp_path / "MNIST" / "raw"), "download=True"):
        assert words in str(caught.value)


@pytest.mark.parametrize("index", [7, -8, [0, 7], [-8], np.int64(7)])
def test_an_index_out_of_range_is_named(tiny, tmp_path, index):
    with pytest.raises(IndexError, match=r"there is no example (7|-8): the dataset has 7"):
        MNIST(put(tmp_path))[index]


@pytest.mark.parametrize("index", [1.0, "0", None, [True] * 7, [[0, 1]], (slice(2), 0)])
def test_an_index_of_another_kind_is_refused(tiny, tmp_path, index):
    with pytest.raises(IndexError, match="an index is an integer, a slice or a row of integers"):
        MNIST(put(tmp_path))[index]


def test_looping_ends(tiny, tmp_path):
    assert [label for _, label in MNIST(put(tmp_path))] == LABELS.tolist()


# --- damaged files -----------------------------------------------------------------------


def flipped(content):
    return content[:-1] + bytes([content[-1] ^ 1])


DAMAGES = {
    "truncated gzip": (PACKED[PICTURES_GZ][:-100], "cannot be decompressed"),
    "gzip with a wrong checksum": (flipped(PACKED[PICTURES_GZ]), "cannot be decompressed"),
    "gzip of noise": (b"\x1f\x8b\x08\0\0\0\0\0\0\0" + b"\xff" * 50, "cannot be decompressed"),
    "a web page": (b"<html>Please log in</html>",
                   r"begins with the bytes \[3c 68 74 6d\].*\[00 00 08 03\]"),
    "labels for pictures": (PACKED[LABELS_GZ], r"\[00 00 08 01\].*3 dimension.*\[00 00 08 03\]"),
    "empty": (b"", r"begins with the bytes \[\]"),
    "other shape": (idx(PICTURES[:6]), "6 x 28 x 28 bytes, not 7 x 28 x 28"),
    "header only in part": (idx(PICTURES)[:10], "10 bytes long, not 5,504"),
    "one byte short": (idx(PICTURES)[:-1], "5,503 bytes long, not 5,504"),
    "one byte too long": (idx(PICTURES) + b"\0", "more than 5,504 bytes long, not 5,504"),
    "one bit flipped": (flipped(idx(PICTURES)),
                        hashlib.sha256(flipped(idx(PICTURES))).hexdigest()),
}


@pytest.mark.parametrize(("content", "reason"), DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_file_is_explained(tiny, tmp_path, content, reason):
    put(tmp_path, pictures=content)
    with pytest.raises(ValueError, match=reason) as caught:
        MNIST(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / PICTURES_GZ[1:]} is damaged: ")
    assert str(caught.value).endswith("Delete it and run again with download=True")


def test_damaged_labels_are_found_too(tiny, tmp_path):
    put(tmp_path, labels=flipped(idx(LABELS)))
    with pytest.raises(ValueError, match=r"labels.* is damaged: the sha256"):
        MNIST(tmp_path)


# --- downloads, from a web server on this machine ----------------------------------------


class Mirror:
    """A web server with the tiny files. `misbehave(request, content)` may answer otherwise.

    requests: what was asked of it, pairs of path and Range header.
    """

    def __init__(self, misbehave=None, ranges=True):
        self.requests = []
        self.released = threading.Event()
        mirror = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                mirror.requests.append((self.path, self.headers["Range"]))
                (misbehave or mirror.answer)(self, PACKED[self.path])

            def log_message(self, *_):
                pass

        self.ranges = ranges
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def answer(self, request, content):
        asked = request.headers["Range"]
        start = int(asked[len("bytes="):-1]) if asked and self.ranges else 0
        if start >= len(content):
            request.send_error(416)
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range",
                                f"bytes {start}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - start))
        request.end_headers()
        request.wfile.write(content[start:])

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def serve(tiny, monkeypatch):
    """A function that starts mirrors and makes them the ones that are asked, in this order."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    started = []

    def serve(*mirrors):
        started.extend(mirror for mirror in mirrors if isinstance(mirror, Mirror))
        urls = [mirror.url if isinstance(mirror, Mirror) else mirror for mirror in mirrors]
        monkeypatch.setattr(datasets, "MIRRORS", tuple(urls))
        return mirrors

    yield serve
    for mirror in started:
        mirror.close()


def send(request, content, length=None):
    request.send_response(200)
    request.send_header("Content-Length", str(len(content) if length is None else length))
    request.end_headers()
    request.wfile.write(content)


def not_found(request, content):
    request.send_error(404, "Not Found")


def wrong_page(request, content):
    send(request, b"<html>Please log in</html>")


def wrong_bit(request, content):
    send(request, gzip.compress(flipped(gzip.decompress(content))))


def half(request, content):
    send(request, content[:len(content) // 2], len(content))


def half_in_chunks(request, content):
    request.protocol_version = "HTTP/1.1"
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    request.wfile.write(b"40\r\n" + content[:20])
    request.close_connection = True


def hangs_up(request, content):
    request.close_connection = True


def unused_url():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


BOTH = sorted(path[1:] for path in PACKED)


def test_missing_files_are_downloaded(serve, tmp_path):
    (mirror,) = serve(Mirror())
    assert_is_tiny(MNIST(tmp_path / "new", download=True))
    assert mirror.requests == [(PICTURES_GZ, None), (LABELS_GZ, None)]
    assert names_in(tmp_path / "new" / "mnist") == BOTH


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # of the mirror's thread
def test_of_many_processes_one_downloads_and_the_others_wait(serve, tmp_path):
    (mirror,) = serve(Mirror())
    fork = multiprocessing.get_context("fork")
    others = [fork.Process(target=MNIST, args=(tmp_path,), kwargs={"download": True})
              for _ in range(5)]
    for each in others:
        each.start()
    for each in others:
        each.join(60)
        each.kill()
    assert [each.exitcode for each in others] == [0] * 5
    assert mirror.requests == [(PICTURES_GZ, None), (LABELS_GZ, None)]
    assert names_in(tmp_path / "mnist") == BOTH


def test_files_that_are_there_are_not_fetched_again(serve, tmp_path):
    (mirror,) = serve(Mirror())
    put(tmp_path / "MNIST" / "raw")
    (tmp_path / "MNIST" / "raw" / LABELS_GZ[1:]).unlink()
    assert_is_tiny(MNIST(tmp_path, download=True))
    assert_is_tiny(MNIST(tmp_path, download=True))
    assert mirror.requests == [(LABELS_GZ, None)]


def test_without_download_nothing_is_fetched(serve, tmp_path):
    (mirror,) = serve(Mirror())
    with pytest.raises(FileNotFoundError):
        MNIST(tmp_path)
    assert mirror.requests == []
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("misbehave", [
    not_found, wrong_page, wrong_bit, half, half_in_chunks, hangs_up])
def test_the_second_mirror_helps_out(serve, tmp_path, misbehave):
    first, second = serve(Mirror(misbehave), Mirror())
    assert_is_tiny(MNIST(tmp_path, download=True))
    assert [path for path, _ in first.requests] == [PICTURES_GZ, LABELS_GZ]
    assert [path for path, _ in second.requests] == [PICTURES_GZ, LABELS_GZ]
    assert names_in(tmp_path / "mnist") == BOTH


def test_what_the_first_mirror_sent_is_continued_by_the_second(serve, tmp_path):
    _, second = serve(Mirror(half), Mirror())
    MNIST(tmp_path, download=True)
    assert second.requests == [(path, f"bytes={len(content) // 2}-")
                               for path, content in PACKED.items()]


def test_a_mirror_that_refuses_is_passed_over(serve, tmp_path):
    serve(unused_url(), Mirror())
    assert_is_tiny(MNIST(tmp_path, download=True))


def test_a_mirror_that_stalls_is_given_up(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "TIMEOUT", 0.2)

    def stall(request, content):
        send(request, content[:30], len(content))
        first.released.wait()

    first = Mirror(stall)
    _, second = serve(first, Mirror())
    assert_is_tiny(MNIST(tmp_path, download=True))
    assert second.requests == [(PICTURES_GZ, "bytes=30-"), (LABELS_GZ, "bytes=30-")]


def leave_part(folder, content):
    (folder / "mnist").mkdir()
    part = folder / "mnist" / f"{PICTURES_GZ[1:]}.part"
    part.write_bytes(content)
    return part


def test_an_interrupted_download_goes_on(serve, tmp_path):
    (mirror,) = serve(Mirror())
    leave_part(tmp_path, PACKED[PICTURES_GZ][:1000])
    assert_is_tiny(MNIST(tmp_path, download=True))
    assert mirror.requests[0] == (PICTURES_GZ, "bytes=1000-")
    assert len(mirror.requests) == 2
    assert names_in(tmp_path / "mnist") == BOTH


def test_it_starts_again_where_the_server_cannot_continue(serve, tmp_path):
    (mirror,) = serve(Mirror(ranges=False))
    leave_part(tmp_path, PACKED[PICTURES_GZ][:1000])
    assert_is_tiny(MNIST(tmp_path, download=True))
    assert mirror.requests == [(PICTURES_GZ, "bytes=1000-"), (LABELS_GZ, None)]


def test_an_answer_from_another_place_in_the_file_is_not_appended(serve, tmp_path):
    def from_the_beginning(request, content):
        request.send_response(206)
        request.send_header("Content-Range", f"bytes 0-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    (mirror,) = serve(Mirror(from_the_beginning))
    leave_part(tmp_path, PACKED[PICTURES_GZ][:1000])
    assert_is_tiny(MNIST(tmp_path, download=True))
    assert len(mirror.requests) == 2


@pytest.mark.parametrize("left", [
    b"\x1f\x8b" + b"noise" * 100, PACKED[PICTURES_GZ] + b"more", PACKED[PICTURES_GZ]],
    ids=["noise", "too long", "complete"])
def test_a_part_to_which_nothing_fits_is_discarded(serve, tmp_path, left):
    (mirror,) = serve(Mirror())
    leave_part(tmp_path, left)
    assert_is_tiny(MNIST(tmp_path, download=True))
    assert mirror.requests == [(PICTURES_GZ, f"bytes={len(left)}-"), (PICTURES_GZ, None),
                               (LABELS_GZ, None)]
    assert names_in(tmp_path / "mnist") == BOTH


def test_when_all_mirrors_fail_each_is_named_with_its_reason(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets, "TIMEOUT", 0.2)

    def stall(request, content):
        mirrors[-1].released.wait()

    refused = unused_url()
    mirrors = serve(refused, Mirror(not_found), Mirror(wrong_page), Mirror(half), Mirror(stall))
    with pytest.raises(ConnectionError) as caught:
        MNIST(tmp_path, download=True)
    message = str(caught.value)
    for mirror, reason in zip(mirrors, [
            ".*refused", ".* 404 Not Found", ".*begins with the bytes", ".*connection ended after "
            f"{len(PACKED[PICTURES_GZ]) // 2:,} of", "nothing came for 0.2 seconds"], strict=True):
        url = mirror.url if isinstance(mirror, Mirror) else mirror
        assert re.search(f"{re.escape(url + PICTURES_GZ[1:])}: {reason}", message)
    assert message.endswith(f"or put the file into {tmp_path / 'mnist'} by hand")


@pytest.mark.parametrize("misbehave", [wrong_page, wrong_bit])
def test_wrong_content_leaves_nothing_behind(serve, tmp_path, misbehave):
    serve(Mirror(misbehave))
    with pytest.raises(ConnectionError):
        MNIST(tmp_path, download=True)
    assert names_in(tmp_path / "mnist") == []


def test_truncated_content_stays_a_part_and_is_completed_later(serve, tmp_path):
    serve(Mirror(half))
    with pytest.raises(ConnectionError):
        MNIST(tmp_path, download=True)
    assert names_in(tmp_path / "mnist") == [f"{PICTURES_GZ[1:]}.part"]
    with pytest.raises(FileNotFoundError):
        MNIST(tmp_path)
    serve(Mirror())
    assert_is_tiny(MNIST(tmp_path, download=True))


def test_a_folder_that_cannot_be_made_is_not_the_mirrors_fault(serve, tmp_path):
    serve(Mirror())
    (tmp_path / "mnist").write_text("a file where the folder should be")
    with pytest.raises(FileExistsError):
        MNIST(tmp_path, download=True)


def test_progress_is_quiet_where_no_one_looks(serve, tmp_path, capsys):
    serve(Mirror())
    MNIST(tmp_path, download=True)
    assert capsys.readouterr() == ("", "")


def test_progress_is_shown_on_a_terminal(serve, tmp_path, monkeypatch):
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stderr", terminal)
    serve(Mirror())
    leave_part(tmp_path, PACKED[PICTURES_GZ][:1000])  # counts as having come already
    MNIST(tmp_path, download=True)
    assert "train-images-idx3-ubyte.gz: 100%" in terminal.getvalue()


# --- TensorDataset -----------------------------------------------------------------------


def test_a_tensor_dataset_gives_rows():
    numbers, letters = np.arange(8).reshape(4, 2), Tensor(np.array([10.0, 11.0, 12.0, 13.0]))
    dataset = TensorDataset(numbers, letters)
    assert len(dataset) == 4
    left, right = dataset[[2, 0]]
    assert left.tolist() == [[4, 5], [0, 1]]
    assert isinstance(right, Tensor)
    assert right.tolist() == [12, 10]
    left, right = dataset[-1]
    assert (left.tolist(), right.item()) == ([6, 7], 13)
    assert dataset[1:3][0].tolist() == [[2, 3], [4, 5]]
    assert [row.item() for _, row in dataset] == [10, 11, 12, 13]
    assert repr(dataset) == "TensorDataset((4, 2), (4,))"


def test_a_tensor_dataset_may_hold_one_array_or_no_rows():
    (row,) = TensorDataset(np.arange(3))[2]
    assert row == 2
    assert list(TensorDataset(np.zeros((0, 5)))) == []


@pytest.mark.parametrize("index", [4, -5, [0, 4], 2**40])
def test_a_tensor_dataset_names_an_index_out_of_range(index):
    with pytest.raises(IndexError, match=r"there is no example \S+: the dataset has 4"):
        TensorDataset(np.arange(4))[index]


@pytest.mark.parametrize(("arrays", "reason"), [
    ((np.zeros((3, 2)), np.zeros(4)), r"equally many rows, not \(3, 2\) and \(4,\)"),
    ((np.array(1.0),), r"one or more arrays with equally many rows, not \(\)"),
    ((), "not nothing"),
])
def test_a_tensor_dataset_refuses_lengths_that_differ(arrays, reason):
    with pytest.raises(ValueError, match=reason):
        TensorDataset(*arrays)


def test_a_tensor_dataset_refuses_lists():
    with pytest.raises(TypeError, match="made of arrays or Tensors, not list"):
        TensorDataset([1, 2, 3])
