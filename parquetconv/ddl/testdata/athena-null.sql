-- A table of this name that exists stays as it is. Where the schema has changed, drop it first: it is external, its files stay.
-- Without partition projection: some rows have no dt, and projection does not show their folder.
-- New partitions are found by the second statement, or as convert --register glue://database/table adds them.
CREATE EXTERNAL TABLE IF NOT EXISTS `logs`.`requests` (
  `ts` timestamp,
  `status` int,
  `user id` bigint,
  `ok` boolean,
  `f` float,
  `d` double,
  `price` decimal(12,2),
  `ua` string,
  `raw` binary,
  `born` date,
  `anything` string,
  `tags` array<string>,
  `geo` struct<lat:double,lon:double,at:timestamp>,
  `labels` map<string,bigint>,
  `_extra` string
)
PARTITIONED BY (
  `dt` date,
  `bucket` int
)
STORED AS PARQUET
LOCATION 's3://my-tables/logs/';

MSCK REPAIR TABLE `logs`.`requests`;
