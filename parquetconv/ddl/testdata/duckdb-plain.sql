CREATE OR REPLACE VIEW "odd ""name""" AS
SELECT * FROM read_parquet('s3://my-tables/logs/*.parquet', union_by_name = true, hive_partitioning = false);
