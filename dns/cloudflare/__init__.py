"""Cloudflare's API: zones and records as it answers and takes them."""
