"""Plumbing that knows no domain word: settings, clock, Kafka, logs, metrics, lifecycle."""
