"""`letterbox doctor`: checks the path of a message on this host, link by link, up to the first broken link."""
