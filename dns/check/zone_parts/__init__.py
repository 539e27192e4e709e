"""The parts of `judge_zone`: the delegation, the resolvers' caches, and servers that do not answer. Pure."""

from __future__ import annotations
