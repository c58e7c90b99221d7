-- A table of this name that exists stays as it is. Where the schema has changed, drop it first: it is external, its files stay.
CREATE TABLE IF NOT EXISTS `logs`.`requests` (
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
  `geo` struct<`lat`: double, `lon`: double, `at`: timestamp>,
  `labels` map<string,bigint>,
  `_extra` string,
  `dt` date,
  `bucket` int
)
USING PARQUET
PARTITIONED BY (`dt`, `bucket`)
LOCATION 's3a://my-tables/logs/';

MSCK REPAIR TABLE `logs`.`requests`;
