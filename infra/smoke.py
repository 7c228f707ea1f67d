"""Tries a deployment: starts a run, on a sample where it is allowed, and asks gold by Athena.

    pulumi stack output --json | python -m infra.smoke [--sample]

With `--sample` one order of 1 January 2000 is delivered first, and has to be in `daily_sales`
afterwards, to the cent. That is for environments whose data may be mixed with a sample: dev and
test. Without it the run takes what lies there, and gold has to answer. The exit code is 0 when all
of it worked; if not, one sentence says what did not, and where to look.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import boto3

from pipeline.contracts import ORDERS

DAY = "2000-01-01"
AMOUNT = Decimal("10.01")
_NEEDED = ("landing", "stateMachine", "workgroup", "gold")
_POLL_SECONDS = 15.0
_RUN_SECONDS = 60 * 60.0
_QUERY_SECONDS = 5 * 60.0


class SmokeError(Exception):
    """The deployment does not do what it should; the text says what, and where to look."""


@dataclass(frozen=True)
class Sales:
    """What gold says of a day: orders, and money in the shop's currency."""

    orders: int
    amount: Decimal


@dataclass(frozen=True)
class Smoke:
    """A deployment to be tried.

    Attributes:
        outputs: What the stack says of itself.
        client: Returns the client of a service.
        pause: Waits for some seconds.
        clock: Tells seconds that only grow.
    """

    outputs: Mapping[str, Any]
    client: Callable[[str], Any]
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def perform(self, number: int | None) -> Sales:
        """Try it and return what gold says in the end.

        Args:
            number: Number of the order that is delivered as a sample; None for no sample.

        Raises:
            SmokeError: It does not work.
        """
        missing = [name for name in _NEEDED if not self.outputs.get(name)]
        if missing:
            msg = f"The stack's outputs lack {', '.join(missing)}. Run `pulumi up` first."
            raise SmokeError(msg)
        before = self.sales() if number is not None else None
        if number is not None:
            self.deliver(number)
        self.run()
        after = self.sales()
        if before is not None:
            expected = Sales(before.orders + 1, before.amount + AMOUNT)
            if after != expected:
                msg = (
                    f"Gold says {after.orders} orders for {after.amount} on {DAY}, and it should "
                    f"be {expected.orders} for {expected.amount} after the sample. Look at the "
                    "run's alerts and at quarantine."
                )
                raise SmokeError(msg)
        return after

    def deliver(self, number: int) -> None:
        """Put a file with one order into the landing zone."""
        bucket, _, prefix = str(self.outputs["landing"]).removeprefix("s3://").partition("/")
        key = f"{prefix}/orders/smoke-{number}.csv".removeprefix("/")
        self.client("s3").put_object(Bucket=bucket, Key=key, Body=sample(number))

    def run(self) -> None:
        """Start a run and wait for its end."""
        states = self.client("stepfunctions")
        machine = self.outputs["stateMachine"]
        why = json.dumps({"reason": "smoke"})
        said = states.start_execution(stateMachineArn=machine, input=why)
        execution = said["executionArn"]
        end = self._waited(
            lambda: states.describe_execution(executionArn=execution),
            lambda found: found["status"] != "RUNNING",
            _RUN_SECONDS,
            f"The run {execution}",
        )
        if end["status"] != "SUCCEEDED":
            why = f"{end.get('error', '')} {end.get('cause', '')}".strip() or "no cause was given"
            msg = f"The run {execution} ended as {end['status']}: {why} Look at its history."
            raise SmokeError(msg)

    def sales(self) -> Sales:
        """Ask gold for the sample's day."""
        athena = self.client("athena")
        query = (
            "SELECT count(*), coalesce(sum(order_count), 0), coalesce(sum(total_sales), 0) "  # noqa: S608 - the stack's own name
            f'FROM "{self.outputs["gold"]}"."daily_sales" WHERE "date" = DATE \'{DAY}\''
        )
        said = athena.start_query_execution(QueryString=query, WorkGroup=self.outputs["workgroup"])
        number = said["QueryExecutionId"]
        end = self._waited(
            lambda: athena.get_query_execution(QueryExecutionId=number)["QueryExecution"]["Status"],
            lambda status: status["State"] not in {"QUEUED", "RUNNING"},
            _QUERY_SECONDS,
            f"The query {number}",
        )
        if end["State"] != "SUCCEEDED":
            why = end.get("StateChangeReason", "no reason was given")
            msg = f"The query {number} on gold ended as {end['State']}: {why}"
            raise SmokeError(msg)
        rows = athena.get_query_results(QueryExecutionId=number)["ResultSet"]["Rows"]
        if len(rows) < 2:  # noqa: PLR2004 - the first row holds the names
            msg = f"The query {number} on gold answered with no row."
            raise SmokeError(msg)
        _, orders, amount = (cell.get("VarCharValue", "0") for cell in rows[1]["Data"])
        return Sales(int(orders), Decimal(amount))

    def _waited(
        self, ask: Callable[[], Any], is_done: Callable[[Any], bool], seconds: float, what: str
    ) -> Any:
        until = self.clock() + seconds
        while not is_done(found := ask()):
            if self.clock() >= until:
                msg = f"{what} has not ended after {seconds / 60:.0f} minutes. Look at it in AWS."
                raise SmokeError(msg)
            self.pause(_POLL_SECONDS)
        return found


def sample(number: int) -> bytes:
    """Return a file with one order of this number."""
    values = {
        "order_num": "1",
        "order_id": str(number),
        "user_id": str(number),
        "order_timestamp": f"{DAY}T12:00:00Z",
        "total_amount": str(AMOUNT),
        "date": DAY,
    }
    header = ",".join(column.name for column in ORDERS.columns)
    row = ",".join(values[column.name] for column in ORDERS.columns)
    return f"{header}\n{row}\n".encode()


def main() -> int:
    """Run from the command line; the stack's outputs come on standard input."""
    parser = argparse.ArgumentParser(prog="python -m infra.smoke", description=__doc__)
    parser.add_argument("--sample", action="store_true", help="deliver an order first")
    chosen = parser.parse_args()
    try:
        outputs = json.load(sys.stdin)
    except ValueError:
        told = "smoke: standard input is no JSON: pipe `pulumi stack output --json` in."
        print(told, file=sys.stderr)
        return 2
    region = outputs.get("region")
    smoke = Smoke(outputs, lambda service: boto3.client(service, region_name=region))
    try:
        sales = smoke.perform(int(time.time()) if chosen.sample else None)
    except SmokeError as error:
        print(f"smoke: {error}", file=sys.stderr)
        return 1
    print(f"smoke: the run succeeded; gold says {sales.orders} orders for {sales.amount} on {DAY}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
