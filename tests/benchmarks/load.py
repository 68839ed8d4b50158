"""How fast the page's server answers when many people draw at once.

    python tests/benchmarks/load.py [--clients 50] [--seconds 30] [--model NAME] [--url URL]

It starts `python -m webapp` in a process of its own, unless --url names one that runs already,
and asks it for predictions over loopback. Each client is a person drawing digit after digit: a
digit takes a second and a half, in which the page asks five times a second what has been drawn
so far, and once more when the pen is lifted; then the person looks at the answer for a second
and a half. So 50 clients ask for 133 predictions a second, each with its strip of pictures.

A time is from before the request is written until the whole answer is there, in this process,
which takes part of the two processes' cores as 50 browsers would not. A person is one address:
the clients come from 127.0.0.2, 127.0.0.3 and so on, which Linux has by itself; on another
system start the server with --rate 0 and use --url.

Printed are the median, the 95th percentile and the slowest, and how many were not answered as
they should be, in which case the exit code is 1.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import math
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]

DRAWING, ASKING, LOOKING = 1.5, 0.2, 1.5
"""Seconds that a digit takes, between two questions meanwhile, and that the answer is looked at."""

DIGITS = [
    [[(50, 0), (15, 20), (5, 60), (25, 95), (60, 95), (80, 60), (75, 20), (50, 0)]],
    [[(30, 20), (55, 0), (55, 100)]],
    [[(10, 25), (30, 2), (65, 5), (75, 30), (50, 60), (10, 95), (85, 95)]],
    [[(15, 10), (50, 0), (75, 20), (45, 45), (80, 70), (50, 100), (10, 90)]],
    [[(60, 0), (10, 65), (85, 65)], [(62, 35), (62, 100)]],
    [[(75, 2), (25, 2), (20, 45), (55, 38), (80, 65), (55, 98), (12, 90)]],
    [[(65, 0), (25, 45), (15, 80), (45, 100), (75, 75), (50, 52), (18, 72)]],
    [[(10, 5), (85, 5), (40, 100)], [(30, 50), (75, 50)]],
    [[(70, 15), (40, 0), (20, 22), (70, 70), (45, 100), (15, 75), (70, 15)]],
    [[(75, 25), (45, 45), (20, 25), (45, 0), (75, 20), (65, 100)]],
]
"""Corners of the strokes of each digit, on a page of 280 x 280 before they are put somewhere."""


def main() -> int:
    """Measure, and print; the exit code."""
    options = _parser().parse_args()
    with _server(options.url) as url:
        times, mistakes = asyncio.run(_crowd(url, options))
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else [math.nan] * 99
    print(f"{options.clients} clients, {options.seconds:g} s, model {options.model}: "
          f"{len(times)} predictions, {len(times) / options.seconds:.0f} a second")
    print(f"median {1e3 * cuts[49]:.1f} ms   95 % {1e3 * cuts[94]:.1f} ms   "
          f"slowest {1e3 * max(times, default=math.nan):.1f} ms   errors {len(mistakes)}")
    for mistake in sorted(set(mistakes)):
        print(f"  {mistakes.count(mistake)} x {mistake}")
    return 1 if mistakes or not times else 0


async def _crowd(url: str, options: argparse.Namespace) -> tuple[list[float], list[str]]:
    """Let everybody draw: the seconds that the answers took, and what went wrong."""
    times: list[float] = []
    mistakes: list[str] = []
    end = time.perf_counter() + options.seconds
    await asyncio.gather(*(_person(number, url, options.model, end, times, mistakes)
                           for number in range(options.clients)))
    return times, mistakes


async def _person(number: int, url: str, model: str, end: float, times: list[float],
                  mistakes: list[str]) -> None:
    """Draw digits until the end, and ask on the way what they are."""
    draw = random.Random(number)
    host, port = urlsplit(url).hostname or "127.0.0.1", urlsplit(url).port or 80
    address = (f"127.0.{number // 250}.{2 + number % 250}", 0) if host == "127.0.0.1" else None
    try:
        reader, writer = await asyncio.open_connection(host, port, local_addr=address)
        with contextlib.closing(writer):
            await asyncio.sleep(draw.uniform(0, DRAWING + LOOKING))  # nobody begins together
            while time.perf_counter() < end:
                strokes = _strokes(draw)
                for part in range(1, int(DRAWING / ASKING) + 1):
                    await asyncio.sleep(ASKING)
                    await _ask(reader, writer, host, _begun(strokes, part * ASKING / DRAWING),
                               model, times, mistakes)
                await _ask(reader, writer, host, strokes, model, times, mistakes)
                await asyncio.sleep(LOOKING)
    except (OSError, ValueError, asyncio.IncompleteReadError) as error:
        mistakes.append(f"{type(error).__name__}: {error}")


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str,
               strokes: list, model: str, times: list[float], mistakes: list[str]) -> None:
    """One prediction, over a connection that stays open."""
    body = json.dumps({"strokes": strokes, "canvas": [280, 280], "models": [model]}).encode()
    began = time.perf_counter()
    writer.write(b"POST /api/predict HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\n\r\n%s" % (host.encode(), len(body), body))
    head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(head.partition("content-length:")[2].partition("\r\n")[0])
    answer = await reader.readexactly(length)
    seconds = time.perf_counter() - began
    status = head.split(maxsplit=2)[1]
    if status == "200" and b'"picture"' in answer and b'"digit"' in answer:
        times.append(seconds)
    else:
        mistakes.append(f"{status}: {answer[:200].decode()}")


def _strokes(draw: random.Random) -> list[list[list[float]]]:
    """A digit as a hand would draw it: a point every few pixels, somewhere, shaky."""
    size, x, y = draw.uniform(0.8, 1.8), draw.uniform(10, 120), draw.uniform(10, 90)
    strokes = []
    for corners in draw.choice(DIGITS):
        points = []
        for start, stop in itertools.pairwise(corners):
            steps = max(2, round(math.dist(start, stop) / 5))
            points += [[round(x + size * (a + (b - a) * step / steps) + draw.gauss(0, 0.5), 1)
                        for x, a, b in zip((x, y), start, stop, strict=True)]
                       for step in range(steps)]
        strokes.append(points)
    return strokes


def _begun(strokes: list, part: float) -> list:
    """What has been drawn after a part of the time."""
    left = max(1, round(part * sum(map(len, strokes))))
    begun = []
    for stroke in strokes:
        if left > 0:
            begun.append(stroke[:left])
            left -= len(stroke)
    return begun


@contextlib.contextmanager
def _server(url: str | None) -> Iterator[str]:
    """The address of the server to ask; without one, of a new one that ends with the block."""
    if url:
        yield url
        return
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "webapp", "--port", str(port)], cwd=ROOT,
                              stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        if "http://" not in server.stdout.readline():
            raise SystemExit("the server has not started")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="How fast the server answers 50 people drawing.")
    parser.add_argument("--clients", type=int, default=50, help="people drawing (%(default)s)")
    parser.add_argument("--seconds", type=float, default=30.0, help="(%(default)g)")
    parser.add_argument("--model", default="best", help="the network that is asked (%(default)s)")
    parser.add_argument("--url", help="a server that runs already, such as http://127.0.0.1:5000")
    return parser


if __name__ == "__main__":
    sys.exit(main())
