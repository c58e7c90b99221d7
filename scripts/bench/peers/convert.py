"""Convert a folder of gzip JSON lines into Parquet by day and bucket, the way of one peer.

python convert.py ENGINE SOURCE TABLE BUCKETS
python convert.py check TABLE            prints rows, sum of bytes, sum of status, files
"""

import os
import sys

# name, type in the words of this program
COLUMNS = [
    ("time", "timestamp"), ("app_id", "int64"), ("host", "string"), ("method", "string"), ("path", "string"),
    ("status", "int32"), ("bytes", "int64"), ("request_time", "double"), ("upstream", "string"),
    ("upstream_time", "double"), ("user_agent", "string"), ("referrer", "string"), ("client_ip", "string"),
    ("client_port", "int32"), ("cache_status", "string"), ("tls_version", "string"), ("country", "string"),
    ("trace_id", "string"), ("request_id", "string"), ("bot", "boolean"), ("labels", "json"),
]


def chdb(source, table, buckets):
    import chdb

    words = {"timestamp": "DateTime64(6, 'UTC')", "int64": "Int64", "int32": "Int32", "double": "Float64",
             "string": "String", "boolean": "Bool", "json": "String"}
    structure = ", ".join(f"{name} Nullable({words[kind]})" for name, kind in COLUMNS)
    os.makedirs(table)
    chdb.query(f"""
        INSERT INTO FUNCTION file('{table}/{{_partition_id}}.parquet', 'Parquet')
        PARTITION BY concat('dt=', toString(toDate(assumeNotNull(time))), '_bucket=', toString(assumeNotNull(app_id) % {buckets}))
        SELECT * FROM file('{source}/*.json.gz', 'JSONEachRow', '{structure.replace("'", "''")}')
        SETTINGS output_format_parquet_compression_method = 'zstd', output_format_compression_level = 1,
                 date_time_input_format = 'best_effort', input_format_json_read_objects_as_strings = 1,
                 max_partitions_per_insert_block = 0, max_threads = {os.cpu_count()}
    """)


def duckdb(source, table, buckets):
    import duckdb

    words = {"timestamp": "TIMESTAMPTZ", "int64": "BIGINT", "int32": "INTEGER", "double": "DOUBLE",
             "string": "VARCHAR", "boolean": "BOOLEAN", "json": "JSON"}
    columns = ", ".join(f"'{name}': '{words[kind]}'" for name, kind in COLUMNS)
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    db.execute("SET preserve_insertion_order = false")
    db.execute(f"""
        COPY (SELECT *, CAST(time AS DATE) AS dt, app_id % {buckets} AS bucket
              FROM read_json('{source}/*.json.gz', format = 'newline_delimited', columns = {{{columns}}}))
        TO '{table}' (FORMAT parquet, PARTITION_BY (dt, bucket), COMPRESSION zstd, COMPRESSION_LEVEL 1)
    """)


def polars(source, table, buckets):
    import polars as pl

    words = {"timestamp": pl.String, "int64": pl.Int64, "int32": pl.Int32, "double": pl.Float64,
             "string": pl.String, "boolean": pl.Boolean,
             "json": pl.Struct({"team": pl.String, "region": pl.String, "canary": pl.Boolean})}
    rows = pl.scan_ndjson(f"{source}/*.json.gz", schema={name: words[kind] for name, kind in COLUMNS})
    rows = rows.with_columns(pl.col("time").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC"))
    rows = rows.with_columns(pl.col("labels").struct.json_encode(), dt=pl.col("time").dt.date(), bucket=pl.col("app_id") % buckets)
    rows.sink_parquet(pl.PartitionBy(table, key=["dt", "bucket"]), compression="zstd", compression_level=1, mkdir=True)


def spark(source, table, buckets):
    from pyspark.sql import SparkSession, functions as f
    from pyspark.sql.types import (BooleanType, DoubleType, IntegerType, LongType, StringType, StructField,
                                   StructType, TimestampType)

    words = {"timestamp": TimestampType(), "int64": LongType(), "int32": IntegerType(), "double": DoubleType(),
             "string": StringType(), "boolean": BooleanType(), "json": StringType()}
    session = (SparkSession.builder.master(f"local[{os.cpu_count()}]").config("spark.ui.enabled", "false")
               .config("spark.driver.memory", "4g").config("spark.sql.session.timeZone", "UTC")
               .config("spark.sql.parquet.compression.codec", "zstd")
               .config("spark.hadoop.parquet.compression.codec.zstd.level", "1").getOrCreate())
    session.sparkContext.setLogLevel("ERROR")
    rows = session.read.schema(StructType([StructField(name, words[kind]) for name, kind in COLUMNS])).json(source)
    rows = rows.withColumn("dt", f.to_date("time")).withColumn("bucket", f.col("app_id") % buckets)
    rows.write.partitionBy("dt", "bucket").parquet(table)
    session.stop()


def check(table):
    import duckdb

    print(*duckdb.connect().execute(f"""
        SELECT count(*), sum(bytes), sum(status), count(DISTINCT filename)
        FROM read_parquet('{table}/**/*.parquet', filename = true, hive_partitioning = false)
        WHERE time IS NOT NULL AND filename NOT LIKE '%/_s3compact/%'
    """).fetchone())


if __name__ == "__main__":
    if sys.argv[1] == "check":
        check(sys.argv[2])
    else:
        globals()[sys.argv[1]](sys.argv[2], sys.argv[3], int(sys.argv[4]))
