"""The first mail, from the control machine: proving that it arrives, and finding out why none does.

Neither is a step of a deploy. Both run the host's own `letterbox proof` and `letterbox doctor` over ssh, and
use the receiver's words for what those find, so that the same is said here as there.
"""
