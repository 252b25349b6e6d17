"""CRM exports: one declarative mapping per format, bytes in, call events out."""
