"""Read figures, dates, words and names in fifteen languages; each language is one TOML file."""
