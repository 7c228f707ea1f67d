"""The releases of Spark that Glue runs, and the Delta Lake that belongs to each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """What one version of Glue brings along.

    Attributes:
        glue: Version of AWS Glue.
        spark: Version of Spark.
        delta: Version of Delta Lake.
        scala: Version of Scala that both are built for.
        excluded: What Delta declares and this use of it does not need; some of it cannot be had.
    """

    glue: str
    spark: str
    delta: str
    scala: str
    excluded: tuple[str, ...] = ()

    @property
    def jars(self) -> tuple[str, ...]:
        """Maven coordinates of Delta Lake."""
        return (
            f"io.delta:delta-spark_{self.scala}:{self.delta}",
            f"io.delta:delta-storage:{self.delta}",
        )


GLUE_6_0 = Release(
    glue="6.0",
    spark="4.1.1",
    delta="4.2.0",
    scala="2.13",
    excluded=(
        "io.delta:delta-kernel-api",
        "io.delta:delta-kernel-defaults",
        "io.delta:delta-kernel-unitycatalog",
        "io.unitycatalog:unitycatalog-client",
        "org.antlr:antlr4-runtime",
        "org.apache.logging.log4j:log4j-core",
        "org.slf4j:slf4j-api",
    ),
)
GLUE_5_1 = Release(
    glue="5.1",
    spark="3.5.6",
    delta="3.3.2",
    scala="2.12",
    excluded=("org.antlr:antlr4-runtime",),
)
RELEASES = (GLUE_6_0, GLUE_5_1)


def release_of(spark: str) -> Release | None:
    """Return the release with this version of Spark; None when Glue runs no such."""
    return next((release for release in RELEASES if release.spark == spark), None)
