"""Serving: start, signals and shutdown. SIGTERM stops in a bounded time; SIGHUP reloads the certificate."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable, Sequence

from receiver import __version__, bucket_queue, loaded
from receiver.config.values import Config
from receiver.keeping.quotas import Quotas, WorkerQuotas
from receiver.loop.event_loop import new_loop
from receiver.serving.check import hook_problems, mail_problems, store_problems
from receiver.serving.listening import address_text
from receiver.serving.tally import Tally
from receiver.serving.workers import Supervisor
from receiver.smtp.admission import Admission
from receiver.smtp.certificate import Certificate
from receiver.smtp.connection import Connection
from receiver.smtp.open_connections import OpenConnections
from receiver.smtp.reception import Reception
from receiver.storage.folders import Folders
from receiver.storage.store import Store
from receiver.storage.writer import Writer
from receiver.storage.writer_process import WriterProcess
from receiver.system import systemd
from receiver.system.journal import in_background, log
from receiver.system.libc import limit_arenas
from receiver.system.limits import raise_file_limit

_BACKLOG = 1024  # connections that wait to be accepted
_SWEEP_EVERY = 3600  # seconds between removals of leftovers


def run(config: Config, sockets: Sequence[socket.socket]) -> int:
    """Serve until SIGTERM or SIGINT, and return the exit code.

    With several workers it returns in each worker and in the supervisor. Raises OSError or CertificateError
    if it cannot start.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is a certificate to reload
    raise_file_limit()
    writer = _writer(config, sockets)
    if config.checks is not None:
        from receiver.serving.sender_checks import load_library  # late, because others need none of it

        load_library()  # The workers share it. The writer, which is forked already, needs none of it.
    quotas = Quotas(config.quota, config.workers) if config.quota else None
    if config.workers == 1:
        try:
            admission, own = Admission(config.limits), quotas.of_worker(0) if quotas else None
            return _run(config, sockets, admission, writer.channel() if writer else None, own)
        finally:
            if writer:
                writer.end()
    tally = Tally(config.workers)
    supervisor = Supervisor(config.workers, tally, sockets, writer)
    worker = supervisor.run()
    if worker is None:
        if writer:
            writer.end()
        return supervisor.code
    admission = Admission(config.limits, tally.of_worker(worker.number))
    own = quotas.of_worker(worker.number) if quotas else None
    return _run(config, sockets, admission, worker.channel, own)


def _writer(config: Config, sockets: Sequence[socket.socket]) -> WriterProcess | None:
    """Start the process that stores small messages. None if a 250 means that the bucket has the message."""
    if config.store is not None and config.store.waits_for_bucket:
        return None
    return WriterProcess(config.mail, sockets, config.hooks, bucket=config.store is not None)


def _run(
    config: Config,
    sockets: Sequence[socket.socket],
    admission: Admission,
    channel: socket.socket | None,
    quotas: WorkerQuotas | None,
) -> int:
    folders = Folders(config.mail, hooks=config.hooks, bucket=config.store is not None)
    writer, bucket = Writer(channel) if channel else None, None
    folders.prepare_mail_folder()
    if config.store is not None and config.store.waits_for_bucket:
        from receiver.storage.bucket.puts import Puts  # late, because others need none of it

        bucket = Puts(config.store.socket)
    store = Store(folders, config.hostname, writer=writer, bucket=bucket)
    with asyncio.Runner(loop_factory=new_loop) as runner, in_background():
        runner.run(_serve(config, sockets, admission, store, writer, quotas))
    return 1 if writer and writer.lost else 0


async def _serve(
    config: Config,
    sockets: Sequence[socket.socket],
    admission: Admission,
    store: Store,
    writer: Writer | None,
    quotas: WorkerQuotas | None,
) -> None:
    spam_filter, connections = None, OpenConnections(admission)
    if config.spam_filter:
        from receiver.spam_filter import SpamFilter  # late, because others need none of it

        spam_filter = SpamFilter(config.spam_filter.socket, config.hostname)
    if config.checks is None:
        await _receive(sockets, connections, Reception(config, store, None, spam_filter, quotas), writer)
        return
    from receiver.serving.sender_checks import sender_checks  # late, as above

    async with sender_checks(config) as checks:
        await _receive(sockets, connections, Reception(config, store, checks, spam_filter, quotas), writer)


async def _receive(
    sockets: Sequence[socket.socket],
    connections: OpenConnections,
    reception: Reception,
    writer: Writer | None,
) -> None:
    config, store = reception.config, reception.store
    certificate = Certificate(config.tls) if config.tls else None
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await recover(store)
    if config.store is not None and not bucket_queue.pushed(config.mail).exists():
        from receiver.transfer.pushing import note_empty  # late, because one start in a host's life needs it

        note_empty(config, store.folders)
    if writer:
        await writer.open(stop.set)
    servers = [
        await loop.create_server(
            lambda: Connection(reception, connections, certificate, loop), sock=each, backlog=_BACKLOG
        )
        for each in sockets
    ]
    addresses = ",".join(address_text(each) for each in sockets)
    for problem in (*mail_problems(config.mail), *hook_problems(config), *store_problems(config)):
        log("warning", problem=problem, note="senders get 4xx and try again until this is fixed")
    tune_memory()
    report = report_loaded(config, certificate)
    loop.add_signal_handler(signal.SIGHUP, reload, certificate, report)
    log("listening", address=addresses, hostname=config.hostname, mail=config.mail)
    systemd.notify("READY=1", f"STATUS=Receiving mail on {addresses}")
    background = [loop.create_task(sweep_regularly(store))]
    if reception.quotas and reception.quotas.is_first:
        from receiver.serving.counting import count_regularly  # late, as above

        background.append(loop.create_task(count_regularly(config.mail, reception.quotas.quotas)))
    await stop.wait()
    for task in background:
        task.cancel()
    systemd.notify("STOPPING=1")
    for each in sockets:
        loop.remove_reader(each)
    # A connection that the loop has just accepted must become a session first, because a closed Server drops
    # it.
    await asyncio.sleep(0.05)
    for server in servers:
        server.close()
    await connections.close_all(config.hostname, config.limits.shutdown_timeout)
    await asyncio.gather(*background, return_exceptions=True)
    store.close()
    log("stopped")


async def sweep_regularly(store: Store) -> None:
    """Remove the leftovers of dead receivers, and recover their mail, at the start and every hour."""
    while True:
        removed = await store.sweep()
        if removed:
            log("swept", removed=removed)
        await asyncio.sleep(_SWEEP_EVERY)
        await recover(store)


async def recover(store: Store) -> None:
    """Recover the mail that a crash left in the log. This comes before we serve."""
    made = await store.recover()
    if made:
        log("recovered", files=made)


def report_loaded(config: Config, certificate: Certificate | None) -> Callable[[], None]:
    """Write down what we serve with, now and whenever we load another certificate. Returns what writes it."""
    # A worker is forked from the main process, and has its configuration.
    main = os.getpid() if config.workers == 1 else os.getppid()
    release = loaded.release()

    def report() -> None:
        in_use = certificate.in_use if certificate else None
        digest, expires = (in_use.sha256, in_use.expires) if in_use else (None, None)
        loaded.publish(loaded.Loaded(config.sha256, release, digest, expires, main, __version__))

    report()
    if certificate:
        certificate.when_loaded = report
    return report


def reload(certificate: Certificate | None, report: Callable[[], None]) -> None:
    """Read the certificate again, report what is loaded, and tell systemd about it."""
    systemd.notify_reloading()
    if certificate:
        certificate.reload()
    report()
    systemd.notify("READY=1")


def tune_memory() -> None:
    """Set up Python's garbage collector and the C library's heaps for a server that runs long.

    Objects made at start-up live as long as the process, so the garbage collector need not look at them
    (`gc.freeze`). A message's objects are freed by reference counting; cycles are rare, so the collector runs
    rarely.
    """
    limit_arenas()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
