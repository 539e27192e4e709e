"""TLS reports (RFC 8460): what senders say of TLS between them and this host, for `letterbox tls-reports`.

A report is a stranger's word. It is read in bounded time and memory, shown, and never acted upon. The mailbox
is only read.
"""
