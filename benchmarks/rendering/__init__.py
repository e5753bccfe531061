"""What `render.py` measures with: the same words, voice and pictures for everybody."""
