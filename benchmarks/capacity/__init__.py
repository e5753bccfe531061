"""How much one studio carries: the size, its history, the load, the figures."""
