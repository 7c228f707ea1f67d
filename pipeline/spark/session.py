"""Spark sessions: the settings that results depend on, and a session of one's own on a laptop."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession

from pipeline.errors import CallError, EngineError
from pipeline.spark.releases import RELEASES, Release, release_of

# What is written must not depend on where a session comes from.
_RESULTS = {
    # Narwhals leaves hour, weekday and date of a timestamp to the session.
    "spark.sql.session.timeZone": "UTC",
    # Else INT96, which no reader wants any more.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Delta reader 1, writer 2, which every engine reads.
    "spark.databricks.delta.properties.defaults.minReaderVersion": "1",
    "spark.databricks.delta.properties.defaults.minWriterVersion": "2",
    "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
    # What a rollback needs stays readable longer than its table's retention; upkeep sees to it.
    "spark.databricks.delta.vacuum.enforceTimeTravelWithinDeletedFileRetentionDuration": "false",
    # One file for each partition value and task would be many; they are put together first.
    "spark.databricks.delta.optimizeWrite.enabled": "true",
}

# Spark would note for every expression where in the code it was made: a third of what a plan costs.
_WITHOUT_ORIGINS = {"spark.sql.dataFrameQueryContext.enabled": "false"}
# The Python half of it cannot be set on a session that runs already.
AT_THE_START = {"spark.python.sql.dataFrameDebugging.enabled": "false"}

_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}

_LAPTOP = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "3g",
    "spark.python.daemon.module": "pipeline.spark.daemon",
    # Hadoop's own local file system keeps a checksum beside every file and refuses a file that
    # another engine has written anew.
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
    "spark.hadoop.fs.AbstractFileSystem.file.impl": "org.apache.hadoop.fs.local.RawLocalFs",
    "spark.sql.shuffle.partitions": "4",
    # The log of a laptop's table is small.
    "spark.databricks.delta.snapshotPartitions": "1",
}

# For tables of a few rows, where planning and compiling cost more than the work.
SMALL = {
    "spark.master": "local[1]",
    # Without the second compiler Java has room for little code, and would throw it away again.
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=160m "
    "-XX:+UseSerialGC",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.optimizeWrite.enabled": "false",
}

# Classes that pyspark asks the JVM for, by these names, whenever it makes an expression.
_ASKED_FOR = ("functions", "PythonUtils", "org.apache.spark.sql.functions")

_JAVA = (17, 21)


def prepared(session: SparkSession) -> SparkSession:
    """Give a session the settings that results and planning depend on, where it has others."""
    for name, value in (_RESULTS | _WITHOUT_ORIGINS).items():
        session.conf.set(name, value)
    _keep_classes(session)
    return session


def _keep_classes(session: SparkSession) -> None:
    """Keep in Python what names are asked for all the time.

    The JVM would look for `functions` in every jar, each time, before it looks where pyspark has
    imported it from: a tenth of what a small plan costs.
    """
    jvm = session._jvm  # noqa: SLF001 - Spark's own way from Python into the JVM
    for name in _ASKED_FOR:
        setattr(jvm, name, getattr(jvm, name))


def laptop_session(settings: Mapping[str, str] | None = None) -> SparkSession:
    """Start Spark in this machine, or return the session that runs already.

    Args:
        settings: Further settings of Spark, which go before the usual ones.

    Raises:
        CallError: There is no Java that this Spark runs on, or the Spark is one that Glue has not.
        EngineError: Spark does not start.
    """
    chosen = laptop_settings() | dict(settings or {})
    _check_java()
    builder = SparkSession.builder.appName("lakehouse").config(map=chosen)
    # Workers are started by the JVM, which would take any Python that comes first on PATH.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    log = Path(tempfile.gettempdir()) / f"lakehouse-spark-{os.getpid()}.log"
    try:
        with _output_to(log):
            session = builder.getOrCreate()
    except Exception as error:
        msg = f"Spark {pyspark.__version__} did not start: {_last_words(log) or error}"
        raise EngineError(msg, _hint(log)) from error
    log.unlink(missing_ok=True)  # The JVM holds it open; nothing is left when it ends.
    session.sparkContext.setLogLevel("OFF")
    # Nobody looks at the UI that would tell from where in the code each of Spark's steps was asked
    # for, and it costs a tenth of a small run to find out.
    for name in ("callSite.short", "callSite.long"):
        session.sparkContext.setLocalProperty(name, "lakehouse")
    return session


def laptop_settings() -> dict[str, str]:
    """Return the settings of a Spark in this machine, Delta Lake included.

    Raises:
        CallError: The Spark that is installed is one that Glue has not.
    """
    # Workers find the pipeline where the driver found it.
    code = {"spark.executorEnv.PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    # Nothing is kept there; without a name it would appear wherever the user stands.
    unused = {"spark.sql.warehouse.dir": f"{tempfile.gettempdir()}/lakehouse-warehouse"}
    own = {"spark.master": "local[*]", **_LAPTOP, **code, **unused}
    planning = _WITHOUT_ORIGINS | AT_THE_START
    return {**_RESULTS, **planning, **_DELTA, **own, **_jars(_release())}


def _release() -> Release:
    release = release_of(pyspark.__version__)
    if release is None:
        known = " or ".join(f"{r.spark} (Glue {r.glue})" for r in RELEASES)
        msg = f"pyspark {pyspark.__version__} is installed; expected {known}."
        raise CallError(msg, f"Install pyspark=={RELEASES[0].spark}, then run again.")
    return release


def _check_java() -> None:
    hint = "Install Java 17 (on Debian and Ubuntu: apt-get install openjdk-17-jre-headless)."
    home = os.environ.get("JAVA_HOME")
    java = f"{home}/bin/java" if home else shutil.which("java")
    if not java or not Path(java).is_file():
        where = f"JAVA_HOME is {home}, where there is none" if home else "there is none on PATH"
        raise CallError(f"Spark needs Java 17, and {where}.", hint)
    said = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    if found is None or int(found[1]) not in _JAVA:
        version = found[1] if found else "of unknown version"
        raise CallError(f"Spark needs Java 17, and {java} is Java {version}.", hint)


def _jars(release: Release) -> dict[str, str]:
    """Return the settings that bring Delta Lake: from Ivy's cache, else fetched into it."""
    cache = _ivy() / "jars"
    files = [cache / f"{jar.replace(':', '_', 1).replace(':', '-')}.jar" for jar in release.jars]
    if all(file.is_file() for file in files):
        return {"spark.jars": ",".join(map(str, files))}
    return {
        "spark.jars.ivy": str(_ivy()),
        "spark.jars.packages": ",".join(release.jars),
        "spark.jars.excludes": ",".join(release.excluded),
    }


def _ivy() -> Path:
    given = os.environ.get("LAKEHOUSE_IVY")
    return Path(given) if given else Path.home() / ".ivy2.lakehouse"


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """Let the JVM inherit a file as its standard streams: what it says is not for users."""
    streams = {1: sys.stdout, 2: sys.stderr}
    kept = {}
    for number, stream in streams.items():
        stream.flush()
        kept[number] = os.dup(number)
    try:
        with log.open("wb") as file:
            for number in streams:
                os.dup2(file.fileno(), number)
        yield
    finally:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    sign = re.compile("error|exception|unresolved", re.IGNORECASE)
    telling = [line for line in lines if sign.search(line)]
    return " ".join(telling[:2])[:400]


def _hint(log: Path) -> str:
    if "unresolved dependency" in log.read_text(errors="replace").lower():
        return "Delta Lake comes from Maven Central at the first start: check network and proxy."
    return f"All that it said is in {log}."
