CREATE OR REPLACE VIEW "requests" AS
SELECT * FROM read_parquet('s3://my-tables/logs/dt=*/bucket=*/*.parquet', union_by_name = true, hive_partitioning = true, hive_types = {'dt': DATE, 'bucket': INTEGER});
