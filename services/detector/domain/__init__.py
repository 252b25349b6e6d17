"""The fold and its rooms: pure functions of values; no Kafka, no clock, no randomness, no environment."""
