"""The page, served for a test by the server that serves it to everybody."""

import contextlib
import threading

from webapp import create_app
from webapp.serving import make_server


class Served:
    """The page, served on a port of this machine until it is stopped."""

    def __init__(self, port=0, **config):
        self.server = make_server(create_app({"RATE": 0, **config}), "127.0.0.1", port)
        self.port = int(self.server.effective_port)
        self.address = f"http://127.0.0.1:{self.port}/"
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        with contextlib.suppress(OSError):  # its sockets were closed: it has been stopped
            self.server.run()

    def stop(self):
        self.server.close()
        self.server.task_dispatcher.shutdown()
        for channel in list(self.server.active_channels.values()):
            channel.handle_close()
        self.thread.join(5)
