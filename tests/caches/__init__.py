"""A simulator of caches: zones with a clock, resolvers that keep answers, senders that come with old ones.

Nothing here sleeps. The zones are those of the stand-in for Cloudflare, changed by our real code over HTTP. A
machine takes the mail that the receiver's own code takes, by the letterbox.toml that a deploy renders for it.

A test says what a sender must never meet, and walks through changes with any time between them.
"""
