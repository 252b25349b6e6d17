"""The worker's own model and fold, in process and without Kafka."""
