"""How the records that are desired differ from those in the zone. Pure: records in, a plan out."""

from __future__ import annotations

from dns.plan.changes import Change, Plan, Staying, count_not_visible
from dns.plan.matching import plan
from dns.plan.obstacles import Obstacle, Replacing

__all__ = ["Change", "Obstacle", "Plan", "Replacing", "Staying", "count_not_visible", "plan"]
