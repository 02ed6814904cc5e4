"""Wall time, memory and bytes written of a command and of the PostgreSQL server it uses."""

from __future__ import annotations

import resource
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
        client_cpu: processor seconds of the command and its children.
        server_cpu: processor seconds of all server processes.
        client_mb: peak resident memory of the command and its children, MiB.
        server_mb: peak memory of all server processes, shared pages counted once, MiB; of the
            shared ones no more than the machine has in use.
        written_mb: bytes that the server's processes handed to storage, MiB.
    """

    seconds: float
    client_cpu: float
    server_cpu: float
    client_mb: float
    server_mb: float
    written_mb: float


PAGE_MB = resource.getpagesize() / 2**20


def _resident_mb(processes: Sequence[psutil.Process]) -> float:
    """Returns what the processes hold, the pages that they share counted once.

    From the kernel's counters: what each of them shares with whom would need a walk through its
    page tables, which took 5 % of a core beside a server with 3 GB of shared buffers.
    """
    own = shared = 0
    for process in processes:
        try:
            counts = Path(f"/proc/{process.pid}/statm").read_text(encoding="utf-8").split()
        except OSError:
            continue
        own += int(counts[1]) - int(counts[2])
        shared += int(counts[2])
    return own * PAGE_MB + min(shared * PAGE_MB, _shared_memory_mb())


def _shared_memory_mb() -> float:
    for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("Shmem:"):
            return int(line.split()[1]) / 1024
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
        self.client_mb = max(self.client_mb, _resident_mb(clients))
        self.server_mb = max(self.server_mb, _resident_mb(servers))
        for process in servers:
            try:
                self._written[process.pid] = process.io_counters().write_bytes
            except psutil.Error:
                continue

    def _run(self) -> None:
        while not self._done.wait(1):
            self._sample()


def _client_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def server_cpu(server: psutil.Process) -> float:
    """Sums what the server's processes have used, those that have ended included."""
    times = server.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in server.children(recursive=True):
        try:
            own = child.cpu_times()
        except psutil.Error:
            continue
        total += own.user + own.system
    return float(total)


def command(
    arguments: Sequence[str], server: psutil.Process, environment: dict[str, str], log: Path
) -> Measurement:
    """Runs a command to its end and measures it.

    Raises:
        RuntimeError: when it ends with an exit code other than 0; it has the end of `log`.
    """
    started, client_used, server_used = time.perf_counter(), _client_cpu(), server_cpu(server)
    with log.open("a", encoding="utf-8") as output:
        process = subprocess.Popen(
            list(arguments), env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        with Sampler(psutil.Process(process.pid), server) as sampler:
            code = process.wait()
    if code != 0:
        text = log.read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"{' '.join(arguments)} ended with {code}:\n{text[-4000:]}")
    return Measurement(
        seconds=time.perf_counter() - started,
        client_cpu=_client_cpu() - client_used,
        server_cpu=server_cpu(server) - server_used,
        client_mb=sampler.client_mb,
        server_mb=sampler.server_mb,
        written_mb=sampler.written_mb,
    )
