"""`letterbox doctor`: checks a message's path on this host, link by link, up to the first broken link."""
