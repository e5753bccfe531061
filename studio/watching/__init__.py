"""How the studio is watched: each process's metrics, its health, and where all of them answer."""
