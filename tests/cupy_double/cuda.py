"""The double's cards: there is one."""

from __future__ import annotations

from types import SimpleNamespace

runtime = SimpleNamespace(getDeviceCount=lambda: 1)


class Device:
    """`with Device(0):`, and `Device(0).use()`."""

    def __init__(self, device: int = 0):
        self.id = device

    def __enter__(self) -> Device:
        self.use()
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass

    def use(self) -> None:
        if self.id != 0:
            raise RuntimeError("cudaErrorInvalidDevice: invalid device ordinal")
