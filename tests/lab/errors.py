"""What can go wrong with the lab without being a defect of the lab: one line for the user."""

from __future__ import annotations


class LabError(Exception):
    """`str(error)` names the thing, the cause and the fix."""
