"""One hook: the program `letterbox-hook` tells an application, or a command, of each message that arrived.

It runs once for each hook, as a unit of its own. The receiver puts a hard link to each message into the
queue of the hook (`.hooks/HOOK/pending/NAME`) before it answers 250. This program delivers each of them at
least once, under the id NAME, which never changes. It unlinks a message only after the target said that it
took it. It is tried again for ten days, and kept in `dead/` after that.

The modules import one way: command -> delivering -> url, running, queue -> messages, outcome, configuration,
credentials -> schedule -> state -> errors. What decides is pure: `schedule`, `url.answers`, `url.addresses`,
`url.request`, `messages.description`.
"""
