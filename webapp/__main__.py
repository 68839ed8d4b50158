"""The program: serve the page.

    python -m webapp [--host 127.0.0.1] [--port 5000] [--collect FILE]

To let phones in the same network draw, say `--host 0.0.0.0`; the line that it prints is the
address to open on them.
"""

from __future__ import annotations

import argparse
import errno
import logging
import socket
import sys
from collections.abc import Sequence

from . import DEFAULTS, create_app
from .serving import THREADS, make_server


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C; the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(levelname)s: %(message)s")
    address = _reachable_at(options.host)
    names = [*DEFAULTS["HOSTS"], options.host, socket.gethostname(), *options.trust]
    try:
        app = create_app({"COLLECT": options.collect, "RATE": options.rate, "HOSTS": names})
        server = make_server(app, options.host, options.port, options.threads)
    except (OSError, ValueError) as error:
        print(f"webapp: {_sentence(error, options)}", file=sys.stderr)
        return 1
    print(f"Draw a digit at http://{address}:{options.port} (Ctrl-C stops the server)", flush=True)
    server.run()
    return 0


def _reachable_at(host: str) -> str:
    """The address to open in a browser when the server listens on `host`."""
    if host not in ("0.0.0.0", "::"):
        return f"[{host}]" if ":" in host else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:  # the address that packets to a far network would come from; none is sent
            probe.connect(("192.0.2.1", 9))
            return probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"


def _sentence(error: OSError | ValueError, options: argparse.Namespace) -> str:
    """What keeps the server from starting, and what to do about it."""
    number = getattr(error, "errno", None)
    if number in (errno.EADDRNOTAVAIL, socket.EAI_NONAME, socket.EAI_AGAIN):
        return f"{options.host} is no address of this machine: use 127.0.0.1, or 0.0.0.0 for all"
    if number == errno.EADDRINUSE:
        return (f"port {options.port} is taken: another program, or this one, is serving there. "
                f"Choose another one: --port {options.port + 1}")
    if number == errno.EACCES and options.port < 1024:
        return f"port {options.port} is for administrators only: choose one from 1024 on"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m webapp", description="A page to draw a digit on and to see how it is read.")
    parser.add_argument("--host", default="127.0.0.1",
                        help="the address to listen on; 0.0.0.0: this machine's all (%(default)s)")
    parser.add_argument("--port", type=_port, default=5000, help="(%(default)s)")
    parser.add_argument("--collect", metavar="FILE",
                        help="keep the drawings that people give away in this file, as JSON lines")
    parser.add_argument("--rate", type=_rate, default=DEFAULTS["RATE"], metavar="N",
                        help="requests a second that one address may make; 0: any (%(default)g)")
    parser.add_argument("--trust", action="append", default=[], metavar="NAME",
                        help="another name that the page is reached by, behind a proxy say")
    parser.add_argument("--threads", type=int, choices=range(1, 65), default=THREADS, metavar="N",
                        help="requests to work on at once (%(default)s)")
    return parser


def _port(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 65535, not {text}")


def _rate(text: str) -> float:
    try:
        if 0 <= float(text) < 1e6:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"must be a number from 0 on, not {text}")


if __name__ == "__main__":
    sys.exit(main())
