"""Examples of every command, as its help shows them; commands may bring examples of their own."""

EXAMPLES: dict[str, tuple[str, ...]] = {
    "demo": (
        "lakehouse demo",
        "lakehouse demo --days 7 --dir week",
        "lakehouse demo --days 2 --no-keep",
    ),
    "generate": (
        "lakehouse generate shop --days 3 --orders-per-day 200 --seed 7",
        "lakehouse generate shop --days 30 --dirt demo",
        "lakehouse generate shop --format xlsx --dirt missing=0.01,late_order=0.002",
    ),
    "simulate": (
        "lakehouse simulate --landing shop --lake lake",
        "lakehouse simulate --landing shop --lake lake --as-of 2025-04-30",
        "lakehouse simulate --landing shop --lake lake --again orders/2025-04-01.csv",
        "lakehouse simulate --landing shop --lake lake --rebuild --json",
    ),
    "watch": (
        "lakehouse watch --landing shop --lake lake",
        "lakehouse watch --landing shop --lake lake --json",
    ),
    "replay": (
        "lakehouse replay orders/2025-04-01.csv --landing shop --lake lake",
        "lakehouse replay orders/2025-04-01.csv products/2025-04-01.csv --landing shop --lake lake",
    ),
    "backfill": (
        "lakehouse backfill --lake lake --from 2025-04-01 --to 2025-04-07",
        "lakehouse backfill --lake lake --silver",
    ),
    "runs": ("lakehouse runs --lake lake", "lakehouse runs --lake lake --limit 0 --json"),
    "rollback": (
        "lakehouse rollback 12 --lake lake",
        "lakehouse rollback 12 --lake lake --landing shop --with-later",
    ),
    "maintain": (
        "lakehouse maintain --lake lake --dry-run",
        "lakehouse maintain silver/orders --lake lake",
    ),
    "doctor": ("lakehouse doctor --lake lake", "lakehouse doctor --lake lake --mend"),
    "show": (
        "lakehouse show --lake lake",
        "lakehouse show daily_sales --lake lake --desc",
        "lakehouse show silver/orders --lake lake --only user_id=5 --only 'total_amount>=100'",
        "lakehouse show customer_insights --lake lake --schema",
        "lakehouse show gold/daily_sales --lake lake --rows 0 --csv",
    ),
    "quarantine": (
        "lakehouse quarantine --lake lake",
        "lakehouse quarantine list orders --lake lake --reason order_id:missing --limit 5",
        "lakehouse quarantine export --lake lake --to mend",
    ),
    "report": (
        "lakehouse report --lake lake",
        "lakehouse report --lake lake --to april.html",
    ),
    "compare": (
        "lakehouse compare lake other-lake",
        "lakehouse compare lake other-lake --strict --json",
    ),
    "workflow": (
        "lakehouse workflow",
        "lakehouse workflow --format mermaid",
    ),
    "bench": (
        "lakehouse bench --orders 100000",
        "lakehouse bench --engine both --orders 100000",
        "lakehouse bench --runs 3 --json",
    ),
}


def epilog(command: str, more: str = "") -> str | None:
    """Return what stands below a command's help: its examples, and then what it adds itself."""
    lines = "".join(f"\n  {line}" for line in EXAMPLES.get(command, ()))
    parts = [f"[bold]Examples[/]{lines}" if lines else "", more]
    return "\n\n".join(part for part in parts if part) or None
