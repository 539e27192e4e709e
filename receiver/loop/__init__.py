"""What the event loops of asyncio and uvloop lack: work without a task, and one timer for many deadlines."""
