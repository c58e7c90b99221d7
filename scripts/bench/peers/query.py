"""One peer's answer to one question about an inventory report in ORC.

    query.py ENGINE THREADS REPORT GROUPING MIN_OBJECTS MAX_BYTES OUT
    query.py versions

writes to OUT a line "prefix<TAB>objects<TAB>bytes" for each group of at least
MIN_OBJECTS objects and less than MAX_BYTES bytes. GROUPING is depth1 or dir;
THREADS 0 is the engine's default. Each engine has the fastest form of the query
that was found for it; none reads a column but key and size.
"""

import glob
import sys


def chdb_query(threads, report, grouping, least, below, out):
    import chdb

    # The given column types are free of nulls: faster than what chDB infers.
    group = {
        "depth1": "concat(substringIndex(key, '/', 1), '/')",
        "dir": "substring(key, 1, length(key) - position(reverse(key), '/') + 1)",
    }[grouping]
    settings = f"SETTINGS max_threads = {threads}" if threads else ""
    if grouping == "depth1":  # the slash is put on after the grouping
        inner, shown = "substringIndex(key, '/', 1)", "concat(g, '/')"
    else:
        inner, shown = group, "g"
    chdb.query(
        f"SELECT {shown}, n, b FROM (SELECT {inner} AS g, count() AS n, sum(size) AS b "
        f"FROM file('{report}/*.orc', 'ORC', 'key String, size Int64') GROUP BY g HAVING b < {below} AND n >= {least}) "
        f"INTO OUTFILE '{out}' FORMAT TSV {settings}")


def stripes(report):
    from pyarrow import orc

    for path in sorted(glob.glob(report + "/*.orc")):
        f = orc.ORCFile(path)
        for i in range(f.nstripes):
            yield f.read_stripe(i, columns=["key", "size"])


def pyarrow_query(threads, report, grouping, least, below, out):
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyarrow import csv

    if threads:
        pa.set_cpu_count(threads)
        pa.set_io_thread_count(threads)
    pattern = {"depth1": "^(?P<g>[^/]*/)", "dir": "^(?P<g>.*/)"}[grouping]
    parts = []
    for b in stripes(report):
        g = pc.struct_field(pc.extract_regex(b["key"], pattern), "g")
        t = pa.table({"g": g, "size": b["size"]})
        parts.append(t.group_by("g", use_threads=threads != 1).aggregate([("size", "count"), ("size", "sum")]))
    t = pa.concat_tables(parts).group_by("g", use_threads=threads != 1).aggregate([("size_count", "sum"), ("size_sum", "sum")])
    t = t.rename_columns(["g", "n", "b"])
    t = t.filter(pc.and_(pc.less(t["b"], below), pc.greater_equal(t["n"], least)))
    csv.write_csv(t, out, csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none"))


def duckdb_query(threads, report, grouping, least, below, out):
    import duckdb
    import pyarrow as pa

    con = duckdb.connect()
    if threads:
        con.execute(f"SET threads = {threads}")
    schema = pa.schema([("key", pa.string()), ("size", pa.int64())])
    rows = pa.RecordBatchReader.from_batches(schema, stripes(report))
    con.register("inventory", rows)
    group = {"depth1": "key[:instr(key, '/')]", "dir": "key[:length(key) - instr(reverse(key), '/') + 1]"}[grouping]
    con.execute(
        f"COPY (SELECT {group} AS g, count(*) AS n, sum(size) AS b FROM inventory GROUP BY g "
        f"HAVING b < {below} AND n >= {least}) TO '{out}' (FORMAT csv, HEADER false, DELIMITER '\t', QUOTE '')")


def main(args):
    if args == ["versions"]:
        from importlib.metadata import version

        print(*(f"{p} {version(p)}" for p in ("chdb", "pyarrow", "duckdb")), sep="\n")
        return
    engine, threads, report, grouping, least, below, out = args
    run = {"chdb": chdb_query, "pyarrow": pyarrow_query, "duckdb": duckdb_query}[engine]
    run(int(threads), report, grouping, int(least), int(below), out)


if __name__ == "__main__":
    main(sys.argv[1:])
