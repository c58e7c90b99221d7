-- A table of this name that exists stays as it is. Where the schema has changed, drop it first: it is external, its files stay.
-- The catalog reads microseconds with hive.timestamp-precision = MICROSECONDS; times are UTC.
-- "at" is text, since a partition can't be a timestamp of microseconds: cast("at" AS timestamp(6)).
CREATE TABLE IF NOT EXISTS "hive"."logs"."requests" (
  "a" bigint,
  "at" varchar,
  "Kind" varchar
)
WITH (
  external_location = 's3://my-tables/logs/',
  format = 'PARQUET',
  partitioned_by = ARRAY['at', 'kind']
);

CALL "hive".system.sync_partition_metadata('logs', 'requests', 'FULL', false);
