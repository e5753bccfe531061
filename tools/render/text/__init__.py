"""Text before it becomes pixels: pure functions over words, sentences and cues."""
