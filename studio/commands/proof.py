"""`bookai proof`: everything about one video in one file that proves itself."""
