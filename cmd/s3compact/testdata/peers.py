"""What other engines read from gzip JSON lines. One process an engine.

python peers.py ENGINE FOLDER
FOLDER holds case folders with data.json.gz and type, the SQL type of the column
v. Prints a line of JSON for each: {"case":…, "rows":[…]} or {"case":…, "error":…}.
"""

import json
import os
import sys


def shown(value):
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return value


def pyarrow(path, kind):
    import pyarrow as pa
    import pyarrow.json as pj

    types = {"bigint": pa.int64(), "int": pa.int32(), "varchar": pa.string()}
    schema = pa.schema([("id", pa.int64()), ("v", types[kind])])
    table = pj.read_json(path, parse_options=pj.ParseOptions(explicit_schema=schema))
    column = table.column("v")
    if kind == "varchar":
        column = column.cast(pa.binary())
    return column.to_pylist()


def duckdb(path, kind):
    import duckdb

    rows = duckdb.connect().execute(
        f"SELECT v FROM read_json('{path}', format = 'newline_delimited', columns = {{'id': 'BIGINT', 'v': '{kind}'}})")
    return [r[0] for r in rows.fetchall()]


def chdb(path, kind):
    import chdb

    types = {"bigint": "Nullable(Int64)", "int": "Nullable(Int32)", "varchar": "Nullable(String)"}
    got = chdb.query(
        f"SELECT if(isNull(v), 'null', hex(toString(assumeNotNull(v)))) FROM file('{path}', 'JSONEachRow', 'id Nullable(Int64), v {types[kind]}') SETTINGS max_threads = 1",
        "TabSeparatedRaw")
    rows = []
    for line in got.bytes().decode("ascii").splitlines():
        value = None if line == "null" else bytes.fromhex(line)
        rows.append(int(value) if value is not None and kind != "varchar" else value)
    return rows


def polars(path, kind):
    import polars as pl

    types = {"bigint": pl.Int64, "int": pl.Int32, "varchar": pl.String}
    return pl.scan_ndjson(path, schema={"id": pl.Int64, "v": types[kind]}).collect()["v"].to_list()


session = None


def spark(path, kind):
    global session
    from pyspark.sql import SparkSession

    if session is None:
        session = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
                   .config("spark.sql.session.timeZone", "UTC").getOrCreate())
        session.sparkContext.setLogLevel("OFF")
    rows = session.read.schema(f"id bigint, v {kind.replace('varchar', 'string')}").json(path)
    return [r["v"] for r in rows.collect()]


if __name__ == "__main__":
    for case in sorted(os.listdir(sys.argv[2])):
        folder = os.path.join(sys.argv[2], case)
        with open(os.path.join(folder, "type"), encoding="ascii") as f:
            kind = f.read()
        try:
            rows = globals()[sys.argv[1]](os.path.join(folder, "data.json.gz"), kind)
            out = {"case": case, "rows": [shown(r) for r in rows]}
        except BaseException as e:  # engines have their own
            out = {"case": case, "error": str(e)[:200] or type(e).__name__}
        print(json.dumps(out), flush=True)
