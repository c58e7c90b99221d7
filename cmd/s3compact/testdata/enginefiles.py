"""What pyarrow and DuckDB say of a folder of Parquet files, as JSON on stdout.

python enginefiles.py FOLDER PROBES
PROBES is JSON: {"column", "present": [...], "absent": [...]}, values for the
bloom filter of a column.
"""

import glob
import json
import sys

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq


def ends(values):
    """The least and greatest value, and the number of nulls."""
    found = pc.min_max(values)
    return found["min"].as_py(), found["max"].as_py(), values.null_count


def describe(path):
    file = pq.ParquetFile(path)
    groups = []
    for g in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(g)
        columns = {}
        for i in range(group.num_columns):
            c = group.column(i)
            s = c.statistics
            about = {
                "codec": c.compression, "encodings": list(c.encodings), "physical": c.physical_type,
                "columnIndex": c.has_column_index, "offsetIndex": c.has_offset_index,
                "bloom": c.bloom_filter_offset is not None,
                "statistics": s is not None and s.has_min_max, "nulls": s.null_count if s is not None else None,
                "logical": str(file.schema.column(i).logical_type),
            }
            if about["statistics"] and "." not in c.path_in_schema:
                values = file.read_row_group(g, columns=[c.path_in_schema]).column(0)
                about["right"] = (s.min, s.max, s.null_count) == ends(values)
            columns[c.path_in_schema] = about
        groups.append({"rows": group.num_rows, "bytes": group.total_byte_size, "columns": columns})
    return groups


def main():
    files = sorted(glob.glob(sys.argv[1] + "/*.parquet"))
    probes = json.loads(sys.argv[2])
    connection = duckdb.connect()

    def excluded(value):
        """Whether the bloom filters of all row groups of all files exclude a value."""
        rows = [r for path in files for r in connection.execute(
            "SELECT bloom_filter_excludes FROM parquet_bloom_probe(?, ?, ?)", [path, probes["column"], value]).fetchall()]
        return all(r[0] for r in rows)

    print(json.dumps({
        "files": [describe(path) for path in files],
        "presentExcluded": sum(excluded(v) for v in probes["present"]),
        "absentExcluded": sum(excluded(v) for v in probes["absent"]),
    }))


main()
