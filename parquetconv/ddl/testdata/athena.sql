-- A table of this name that exists stays as it is. Where the schema has changed, drop it first: it is external, its files stay.
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
LOCATION 's3://my-tables/logs/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.dt.type' = 'date',
  'projection.dt.format' = 'yyyy-MM-dd',
  'projection.dt.range' = '2026-01-01,NOW',
  'projection.bucket.type' = 'integer',
  'projection.bucket.range' = '0,15',
  'storage.location.template' = 's3://my-tables/logs/dt=${dt}/bucket=${bucket}/'
);
