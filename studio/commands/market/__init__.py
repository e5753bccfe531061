"""`bookai trends` and `bookai earnings`."""
