"""The program `letterbox-bucket`: the one process of a host that has the bucket's key and the network.

The receiver, `letterbox push` and `letterbox pull` ask it over a Unix socket (`receiver.bucket.protocol`). It
says that a message is stored only after the store has acknowledged every copy. It keeps nothing: whoever
kills it or starts it again costs its clients one more try.

The modules import one way: command -> serving -> requests -> storing, fetching -> engine -> outcome, body,
budget, configuration, credentials -> errors. `trial` is the check of the store, beside `requests`.
"""
