"""The quick engine: one process of SeaweedFS in the place of a cluster, for the short run in `make test`.

Its data is not synced to the disk, and one process has no copies. So it proves what our processes do, and
nothing of what an engine does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from obstore.store import S3Store

from tests.bucket.seaweed import BUCKET, Engine, seaweed


@dataclass(frozen=True, slots=True)
class Weed:
    """A running SeaweedFS."""

    engine: Engine
    region: str = "us-east-1"

    @property
    def urls(self) -> Sequence[str]:
        return [self.engine.url]

    @property
    def key(self) -> tuple[str, str]:
        return self.engine.key, self.engine.secret

    def enter(self, number: int) -> Sequence[str]:
        return ()

    def store(self, node: int = 0) -> S3Store:
        return S3Store(
            BUCKET, endpoint=self.engine.endpoint, region=self.region,
            access_key_id=self.engine.key, secret_access_key=self.engine.secret,
            virtual_hosted_style_request=False, client_options={"allow_http": True, "timeout": "20s"},
        )  # fmt: skip


@contextmanager
def running() -> Iterator[Weed]:
    with seaweed() as engine:
        yield Weed(engine)
