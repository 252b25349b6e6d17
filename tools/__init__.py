"""What `make` runs around the product: environment, test programs, locks. Standard library only."""
