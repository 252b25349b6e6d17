"""Generated documents of the contracts, and what generates them; a test keeps the files current."""
