"""Run by the peer's Python: channel totals of five models, with Marketing-Attribution-Models, from a file.

Prints JSON: the totals in cents, and the seconds from opening the file to the last total, imports left out.
"""

import json
import sys
import time

import polars as pl
from mam.core import MAM

COLUMNS = {
    "session": pl.String,
    "at": pl.Datetime,
    "kind": pl.String,
    "channel": pl.String,
    "cents": pl.Int64,
}


def main(file: str) -> None:
    start = time.perf_counter()
    rows = pl.read_csv(file, has_header=False, schema=COLUMNS)
    sales = rows.filter(pl.col("kind") == "conversion").select("session", "cents", sold_at="at")
    touches = rows.filter(pl.col("kind") == "touch").select("session", "at", "channel")
    # A session's sale stands on its last touch; touches outside its window do not count.
    journeys = (
        touches.join(sales, on="session")
        .filter(
            (pl.col("at") <= pl.col("sold_at")) & (pl.col("at") >= pl.col("sold_at") - pl.duration(days=30))
        )
        .with_columns(last=pl.col("at") == pl.col("at").max().over("session"))
        .with_columns(cents=pl.when("last").then("cents").otherwise(0))
    )
    mam = MAM(
        journeys,
        format_type="session",
        channels_colname="channel",
        journey_with_conv_colname="last",
        datetime_colname="at",
        user_id_colname="session",
        conversion_value_colname="cents",
    )
    totals = {
        name: dict(getattr(mam, f"run_{name}")().to_polars().iter_rows())
        for name in ("first_click", "last_click", "linear", "position_based", "time_decay")
    }
    print(json.dumps({"seconds": time.perf_counter() - start, "totals": totals}))


if __name__ == "__main__":
    main(sys.argv[1])
