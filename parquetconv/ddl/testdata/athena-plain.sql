-- A table of this name that exists stays as it is. Where the schema has changed, drop it first: it is external, its files stay.
CREATE EXTERNAL TABLE IF NOT EXISTS `t` (
  `a` string
)
STORED AS PARQUET
LOCATION 's3://my-tables/logs/';
