"""The bucket that keeps the mail beyond this host: its keys, and the way to the process that has the network.

Only `letterbox-bucket` (`services.bucket`) speaks to the store. All others ask it over a Unix socket:
`protocol` is what they say, `keys` is what the objects are called, and `client` is for programs that wait.
"""
