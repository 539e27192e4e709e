"""The sections of the probe about what runs beside the receiver, by their names."""

from __future__ import annotations

from collections.abc import Mapping

from provision.host import layout
from provision.host.services import bucket, heartbeat, hooks, imap, renewal, resolver, timer

SECTIONS: Mapping[str, str] = {
    "renewal": renewal.PROBE,
    "resolved": resolver.PROBE_RESOLVED,
    "resolver": resolver.PROBE,
    "keep": timer.probe(layout.KEEP_SERVICE, layout.KEEP_TIMER),
    "heartbeat": heartbeat.PROBE,
    "hooks": hooks.PROBE,
    "bucket": bucket.PROBE,
    "imap": imap.PROBE,
}
