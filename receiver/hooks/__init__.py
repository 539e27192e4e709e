"""The command `hooks`: what waits in the queues of the hooks, and trying it again or dropping it."""
