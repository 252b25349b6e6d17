"""`groundswell up`: everything in one terminal."""
