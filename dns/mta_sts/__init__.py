"""MTA-STS (RFC 8461): the policy that makes a sender insist on TLS, and what a run does about it."""

from __future__ import annotations
