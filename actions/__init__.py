"""What the assistant can do: one file a topic, which is how the action server finds it."""

import os

# Read when NumPy is loaded, later than this. Sums here are small and many shoppers ask at once:
# threads that wait for each other cost more than they bring. Who sets it knows better.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
