"""Letterbox beside other receivers: durable mail a second. `python -m benchmarks.mail` (root)."""
