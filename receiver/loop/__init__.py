"""Additions to the event loops of asyncio and uvloop: eager tasks, and one timer for many deadlines."""
