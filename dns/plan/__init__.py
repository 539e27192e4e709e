"""How what is desired differs from what is in the zone."""

from dns.plan.matching import ADDRESS, NOTHING, Change, Obstacle, Plan, Replacing, not_seen, plan

__all__ = ["ADDRESS", "NOTHING", "Change", "Obstacle", "Plan", "Replacing", "not_seen", "plan"]
