-- A table of this name that exists stays as it is. Where the schema has changed, drop it first: it is external, its files stay.
-- The catalog reads microseconds with hive.timestamp-precision = MICROSECONDS; times are UTC.
CREATE TABLE IF NOT EXISTS "hive"."logs"."requests" (
  "ts" timestamp(6),
  "status" integer,
  "user id" bigint,
  "ok" boolean,
  "f" real,
  "d" double,
  "price" decimal(12,2),
  "ua" varchar,
  "raw" varbinary,
  "born" date,
  "anything" varchar,
  "tags" array(varchar),
  "geo" row("lat" double, "lon" double, "at" timestamp(6)),
  "labels" map(varchar, bigint),
  "_extra" varchar,
  "dt" date,
  "bucket" integer
)
WITH (
  external_location = 's3://my-tables/logs/',
  format = 'PARQUET',
  partitioned_by = ARRAY['dt', 'bucket']
);

CALL "hive".system.sync_partition_metadata('logs', 'requests', 'FULL');
