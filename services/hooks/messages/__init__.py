"""What a hook tells of a message: its envelope, and its JSON, which a process of its own makes."""
