"""Grid -> text or picture. A renderer lays out what `grid.py` says and judges nothing."""
