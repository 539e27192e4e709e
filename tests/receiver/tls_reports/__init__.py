"""Tests of `letterbox tls-reports`. `reports/` has reports in the shapes that senders really use."""
