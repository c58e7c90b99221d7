CREATE EXTERNAL TABLE IF NOT EXISTS `t` (
  `a` string
)
STORED AS PARQUET
LOCATION 's3://my-tables/logs/';
