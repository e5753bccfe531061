"""One file a kind of shot: each looks at a sentence and says what it could show, and why."""
