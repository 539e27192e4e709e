"""What a heartbeat needs of the mail folder, without the rest of it: `letterbox heartbeat-look`.

`services/heartbeat/` has the network and no mail, this has the mail's user and no network. They speak over a
socket of systemd.
"""
