"""When a message is tried: by the schedule, and because somebody asks for it."""
