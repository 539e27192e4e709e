"""`letterbox pull` and `letterbox push`: mail from a bucket into Maildirs, and the other way.

Both compare what is here with what is there, and move the difference. So a run that was killed anywhere is
completed by the next one. Neither has a network: they ask the bucket's service through its socket.
"""
