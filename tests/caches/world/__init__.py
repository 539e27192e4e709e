"""The simulated world: zones, edge, machines and a user, resolvers and senders, and the clock of them all."""
