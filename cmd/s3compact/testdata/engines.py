"""What an engine reads from a table of Parquet files. One process an engine.

python engines.py ENGINE QUESTION…
Each QUESTION is a file of JSON: {"root", "statements", "table", "partitions", "rows",
"figures", "filters", "conditions"}. Prints for each {"rows": [...], "figures": [...],
"filtered": [{"rows", "files"}], "counts": {condition: rows}}. Whole numbers, decimals, dates and times (microseconds
since 1970, UTC) are shown as text, so that no digit is lost.
"""

import datetime
import decimal
import json
import os
import re
import sys

EPOCH = datetime.datetime(1970, 1, 1)


def shown(v):
    if v is None or isinstance(v, (bool, str, float)):
        return v
    if isinstance(v, int):
        return str(v)
    if isinstance(v, decimal.Decimal):
        return format(v.normalize(decimal.Context(prec=40)), "f")
    if isinstance(v, datetime.datetime):
        if v.tzinfo is not None:
            v = v.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return str((v - EPOCH) // datetime.timedelta(microseconds=1))
    if isinstance(v, datetime.date):
        return v.isoformat()
    if isinstance(v, (bytes, bytearray)):
        return bytes(v).hex()
    if isinstance(v, list):
        return [shown(e) for e in v]
    if isinstance(v, dict):
        return {k: shown(e) for k, e in v.items()}
    raise TypeError(type(v))


def statements(text):
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return [s for s in re.split(r";\s*(?:\n|$)", "\n".join(lines)) if s.strip()]


def where(f, quote, escape=("'", "''")):
    name = quote + f["column"] + quote
    if f["value"] is None:
        return name + " IS NULL"
    text = f["value"] if f["kind"] in ("boolean", "int32", "int64") else "'" + re.sub(*escape, f["value"]) + "'"
    return name + " = " + (f["kind"] + " " if f["kind"] in ("date", "timestamp") else "") + text


def python_value(f):
    of = {"date": datetime.date.fromisoformat, "int32": int, "int64": int, "boolean": lambda s: s == "true",
          "timestamp": lambda s: datetime.datetime.fromisoformat(s + "+00:00")}.get(f["kind"], str)
    return of(f["value"])


def pyarrow(q):
    import pyarrow as pa
    import pyarrow.dataset as ds

    kinds = {"date": pa.date32(), "string": pa.string(), "int32": pa.int32(), "int64": pa.int64(), "boolean": pa.bool_(), "timestamp": pa.timestamp("us", tz="UTC")}
    hive = ds.partitioning(pa.schema([(name, kinds[kind]) for name, kind in q["partitions"] or []]), flavor="hive")
    found = ds.dataset(q["root"], partitioning=hive, format="parquet")
    # A data set has the columns of its first file, unless it is told which there are.
    schema = pa.unify_schemas([f.physical_schema for f in found.get_fragments()] + [found.schema])
    table = ds.dataset(q["root"], partitioning=hive, format="parquet", schema=schema)
    rows = table.to_table().to_pylist(maps_as_pydicts="strict") if q["rows"] else []
    filtered = []
    for f in q["filters"] or []:
        field = ds.field(f["column"])
        test = field.is_null() if f["value"] is None else field == python_value(f)
        filtered.append({"rows": table.count_rows(filter=test), "files": len(list(table.get_fragments(test)))})
    return {"rows": rows, "figures": None, "filtered": filtered, "counts": {}}


def duckdb(q):
    import duckdb

    c = duckdb.connect()
    c.execute("SET timezone = 'UTC'")
    for s in statements(q["statements"]):
        c.execute(s)
    rows = c.execute("SELECT * FROM " + q["table"]).to_arrow_table().to_pylist(maps_as_pydicts="strict") if q["rows"] else []
    figures = list(c.execute(q["figures"]).to_arrow_table().to_pylist()[0].values()) if q["figures"] else None
    filtered = []
    for f in q["filters"] or []:
        query = "SELECT count(*), count(id) FROM %s WHERE %s" % (q["table"], where(f, '"'))
        plan = c.execute("EXPLAIN ANALYZE " + query).fetchall()[0][1]
        files = re.search(r"Total Files Read: (\d+)", plan) or re.search(r"Scanning Files: (\d+)/", plan)
        filtered.append({"rows": c.execute(query).fetchone()[1], "files": int(files.group(1)) if files else -1, "plan": plan})
    counts = {k: c.execute("SELECT count(*) FROM %s WHERE %s" % (q["table"], k)).fetchone()[0] for k in q["conditions"] or []}
    return {"rows": rows, "figures": figures, "filtered": filtered, "counts": counts}


def spark(q):
    from pyspark.sql import SparkSession

    folder = os.path.dirname(sys.argv[2])
    session = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
               .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
               .config("spark.sql.session.timeZone", "UTC").config("spark.driver.memory", "1g")
               .config("spark.sql.warehouse.dir", os.path.join(folder, "warehouse"))
               .config("spark.sql.shuffle.partitions", "2").getOrCreate())
    session.sparkContext.setLogLevel("ERROR")
    session.sql("CREATE DATABASE IF NOT EXISTS logs")
    for s in statements(q["statements"]):
        session.sql(s)

    def collected(query):
        # Python's datetime can't show every time that pyspark brings it, so times come as microseconds.
        frame = session.sql(query)
        names = [(f.name, f.dataType.typeName()) for f in frame.schema.fields]
        return frame.selectExpr(*["unix_micros(`%s`) AS `%s`" % (n, n) if k == "timestamp" else "`%s`" % n for n, k in names]).collect()

    rows = [r.asDict(recursive=True) for r in collected("SELECT * FROM " + q["table"])] if q["rows"] else []
    figures = list(collected(q["figures"])[0]) if q["figures"] else None
    filtered = []
    for f in q["filters"] or []:
        frame = session.sql("SELECT id FROM %s WHERE %s" % (q["table"], where(f, "`", (r"(['\\])", r"\\\1"))))
        filtered.append({"rows": frame.count(), "files": len(frame.inputFiles())})
    counts = {k: session.sql("SELECT count(*) FROM %s WHERE %s" % (q["table"], k)).first()[0] for k in q["conditions"] or []}
    return {"rows": rows, "figures": figures, "filtered": filtered, "counts": counts}


def main():
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as f:
            q = json.load(f)
        a = {"pyarrow": pyarrow, "duckdb": duckdb, "spark": spark}[sys.argv[1]](q)
        a["figures"] = a["figures"] and [shown(v) for v in a["figures"]]
        a["rows"] = [shown(r) for r in a["rows"]]
        print(json.dumps(a))


main()
