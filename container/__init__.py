"""How the operator's image is made: `build.py` runs here, `settle.py` inside of the build."""
