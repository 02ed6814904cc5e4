"""Wall time, memory and bytes written of a command and of the PostgreSQL server it uses."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass
class Measurement:
    """What one command cost.

    Attributes:
        seconds: wall time.
        client_mb: peak resident memory of the command and its children, MiB.
        server_mb: peak memory of all server processes, shared pages counted once, MiB.
        written_mb: bytes that the server's processes handed to storage, MiB.
    """

    seconds: float
    client_mb: float
    server_mb: float
    written_mb: float


def _pss_mb(process: psutil.Process) -> float:
    """Proportional set size: pages shared between backends count once in the sum."""
    try:
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


class Sampler:
    """Samples the memory of a process tree and of a server tree until it is stopped."""

    def __init__(self, client: psutil.Process | None, server: psutil.Process) -> None:
        self.client, self.server = client, server
        self.client_mb = self.server_mb = 0.0
        self._written: dict[int, int] = {}
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Sampler:
        self._sample()
        self._start = dict(self._written)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self._sample()

    @property
    def written_mb(self) -> float:
        """MiB written by the server since the sampler was entered."""
        total = sum(value - self._start.get(pid, 0) for pid, value in self._written.items())
        return total / 2**20

    def _tree(self, root: psutil.Process | None) -> list[psutil.Process]:
        if root is None:
            return []
        try:
            return [root, *root.children(recursive=True)]
        except psutil.Error:
            return []

    def _sample(self) -> None:
        clients, servers = self._tree(self.client), self._tree(self.server)
        self.client_mb = max(self.client_mb, sum(map(_pss_mb, clients)))
        self.server_mb = max(self.server_mb, sum(map(_pss_mb, servers)))
        for process in servers:
            try:
                self._written[process.pid] = process.io_counters().write_bytes
            except psutil.Error:
                continue

    def _run(self) -> None:
        while not self._done.wait(0.5):
            self._sample()


def command(
    arguments: Sequence[str], server: psutil.Process, environment: dict[str, str], log: Path
) -> Measurement:
    """Runs a command to its end and measures it.

    Raises:
        RuntimeError: when it ends with an exit code other than 0; `log` has its output.
    """
    started = time.perf_counter()
    with log.open("a", encoding="utf-8") as output:
        process = subprocess.Popen(
            list(arguments), env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        with Sampler(psutil.Process(process.pid), server) as sampler:
            code = process.wait()
    if code != 0:
        raise RuntimeError(f"{' '.join(arguments)} ended with {code}; see {log}")
    return Measurement(
        time.perf_counter() - started, sampler.client_mb, sampler.server_mb, sampler.written_mb
    )
