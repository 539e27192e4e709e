"""The Worker's script in workerd, Cloudflare's own runtime, over HTTPS. Only thorough tests run it."""
