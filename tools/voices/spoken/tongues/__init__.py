"""Languages as tables: what each says for figures, units, money and abbreviations."""
