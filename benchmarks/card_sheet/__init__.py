"""Every card in every format, to look at."""
