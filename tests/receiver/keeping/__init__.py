"""Tests of what removes old mail, and of quotas."""
