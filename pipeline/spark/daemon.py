"""The process that Spark forks its Python workers from, on a laptop.

Spark puts archives of itself in front of a worker's path and lets the worker forget before every
task what its path holds. Python before 3.12 then reads the directories of all archives anew
(python/cpython#103200), at a third of a second a task; later Spark asks for it only where there is
need (SPARK-54744). On a laptop pyspark is an installed package: its archives are not needed.
"""

import sys

_ARCHIVES = ("/pyspark.zip", "-src.zip", ".jar")

for archive in [place for place in sys.path if place.endswith(_ARCHIVES)]:
    sys.path.remove(archive)
    sys.path_importer_cache.pop(archive, None)  # It has been looked into on the way to this module.

from pyspark.daemon import manager  # noqa: E402 - found where the path says now

if __name__ == "__main__":
    manager()
