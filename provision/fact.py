"""The name of `provision.host.fact` until version 0.2.0. It goes with the release after that."""

from __future__ import annotations

from provision.host.fact import HostObservation as HostObservation
