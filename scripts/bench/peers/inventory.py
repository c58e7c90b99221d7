"""Makes S3 Inventory reports in ORC, and says what is in them.

    inventory.py DIR SPEC    makes the reports of SPEC (JSON) as folders of DIR

A report is a folder <order>-<compression> with manifest.json, manifest.checksum
and its data files. Beside the folders lies the truth: depth1.tsv and, where the
number of folders is given, dir.tsv, with a line "prefix<TAB>objects<TAB>bytes"
for every group, in prefix order. It comes from the columns before they are
written, so it owes nothing to any reader.

SPEC: rows, files, key_bytes (45 or 123), prefixes (first segments), folders
(0: by the hour; else so many in all), seed, variants: [[order, compression], …].
"""

import hashlib
import json
import os
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import orc

START = np.datetime64("2024-11-01T00:00:00", "s")
SECONDS = 2 * 365 * 86400  # the time that the objects' last_modified_date spans
HEX = np.array([f"{i:02x}".encode() for i in range(256)], dtype="S2").view("<u2")

SERVICES = [
    "checkout-api", "search-frontend", "ad-server", "billing", "identity-provider", "cdn-edge",
    "recommendations-batch", "mail-relay", "inventory-sync", "payments-gateway", "session-store", "web",
]
REGIONS = ["us-east-1", "eu-west-1", "eu-central-1", "ap-southeast-2", "sa-east-1"]


def text(fixed):
    """A string array of the rows of a two-dimensional array of bytes."""
    n, width = fixed.shape
    if n * width >= 2**31:
        raise ValueError("too many bytes for one string array")
    offsets = np.arange(n + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(n, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(fixed)))


def random_hex(rng, n, digits):
    raw = rng.integers(0, 256, size=(n, digits // 2), dtype=np.uint8)
    return text(HEX[raw].view(np.uint8).reshape(n, digits))


def choose(names, index):
    return pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), pa.array(names, pa.string())).cast(pa.string())


def digits(values, width):
    """Decimal numbers with leading zeros."""
    out = np.empty((len(values), width), dtype=np.uint8)
    v = values.copy()
    for i in range(width - 1, -1, -1):
        out[:, i] = 48 + v % 10
        v //= 10
    return text(out)


def join(*parts):
    return pc.binary_join_element_wise(*parts, "")


def prefix_names(rng, n):
    """First segments: numbers of applications, of four to six digits."""
    names = rng.choice(np.arange(1000, 400_000), size=n, replace=False)
    return sorted(str(v) for v in names)


def skewed_counts(rng, rows, groups, sigma):
    """Group sizes, log-normal, at least 1, in all exactly so many rows."""
    w = rng.lognormal(0, sigma, groups)
    counts = np.maximum(1, np.floor(w / w.sum() * rows)).astype(np.int64)
    counts[np.argmax(counts)] += rows - counts.sum()
    if counts.min() < 1:
        raise ValueError("more groups than rows")
    return counts


class Objects:
    """The rows of a report as small arrays; chunks of them become tables."""

    def __init__(self, spec):
        rng = np.random.default_rng(spec["seed"])
        n = spec["rows"]
        self.key_bytes = spec["key_bytes"]
        self.names = prefix_names(rng, spec["prefixes"])
        self.seed = spec["seed"]
        if spec["folders"]:
            # Folders below the first segments, each an hour of its own.
            per = skewed_counts(rng, spec["folders"], spec["prefixes"], 0.3)
            app = np.repeat(np.arange(spec["prefixes"], dtype=np.int32), per)
            hour = np.concatenate([np.sort(rng.choice(SECONDS // 3600, size=c, replace=False)) for c in per]).astype(np.int64)
            counts = skewed_counts(rng, n, spec["folders"], 0.8)
            self.app = np.repeat(app, counts)
            self.second = np.repeat(hour * 3600, counts) + rng.integers(0, 3600, n)
        else:
            counts = skewed_counts(rng, n, spec["prefixes"], 1.6)
            self.app = np.repeat(np.arange(spec["prefixes"], dtype=np.int32), counts)
            self.second = rng.integers(0, SECONDS, n)
        # Median and spread give a mean of 40 KB.
        self.size = rng.lognormal(np.log(40_000) - 0.5 * 0.9**2, 0.9, n).astype(np.int64) + 200
        # Which prefixes have lifecycle rules, a KMS key, multipart uploads.
        self.rule = rng.choice(4, size=spec["prefixes"], p=[0.8, 0.1, 0.06, 0.04])
        self.kms = rng.random(spec["prefixes"]) < 0.05

    def shuffle(self):
        order = np.random.default_rng(self.seed + 1).permutation(len(self.app))
        self.app, self.second, self.size = self.app[order], self.second[order], self.size[order]

    def table(self, first, end):
        rng = np.random.default_rng([self.seed, first])
        app, second, size = self.app[first:end], self.second[first:end], self.size[first:end]
        n = len(app)
        t = START + second.astype("timedelta64[s]")
        days = (t - t.astype("datetime64[M]").astype("datetime64[s]")).astype(np.int64) // 86400 + 1
        months = t.astype("datetime64[M]").astype(np.int64)
        year, month, day = digits(1970 + months // 12, 4), digits(months % 12 + 1, 2), digits(days, 2)
        hour = digits(second % 86400 // 3600, 2)
        first_segment = choose(self.names, app)
        if self.key_bytes == 45:
            # 14184/2025/10/03/17/8e3c0d6f1a2b4597.json.gz
            key = join(first_segment, "/", year, "/", month, "/", day, "/", hour, "/", random_hex(rng, n, 16), ".json.gz")
        else:
            # 14184/service=web/region=eu-west-1/dt=2025-10-03/hour=17/part-003-<uuid>-c0.json.gz
            service = choose(SERVICES, (app * 7 + 3) % len(SERVICES))
            region = choose(REGIONS, (app * 5 + 1) % len(REGIONS))
            uuid = [random_hex(rng, n, d) for d in (8, 4, 4, 4, 12)]
            key = join(
                first_segment, "/service=", service, "/region=", region, "/dt=", year, "-", month, "-", day, "/hour=", hour,
                "/part-", digits(rng.integers(0, 32, n), 3), "-", uuid[0], "-", uuid[1], "-", uuid[2], "-", uuid[3], "-", uuid[4], "-c0.json.gz",
            )
        age = SECONDS - second
        rule = self.rule[app]
        classes = np.where((rule == 1) & (age > 90 * 86400), 1, np.where(rule == 2, 2, np.where((rule == 3) & (age > 180 * 86400), 3, 0)))
        tier = np.where(classes != 2, -1, np.where(age > 90 * 86400, 2, np.where(age > 30 * 86400, 1, 0)))
        none = pa.nulls(n, pa.string())
        kms = self.kms[app]

        def constant(s):
            return pa.repeat(pa.scalar(s), n)

        columns = {
            "bucket": constant("bench-logs"),
            "key": key,
            "version_id": none,
            "is_latest": pa.array(np.ones(n, bool)),
            "is_delete_marker": pa.array(np.zeros(n, bool)),
            "size": pa.array(size),
            "last_modified_date": pa.array(t.astype("datetime64[us]")),
            "e_tag": random_hex(rng, n, 32),
            "storage_class": choose(["STANDARD", "STANDARD_IA", "INTELLIGENT_TIERING", "GLACIER_IR"], classes),
            "is_multipart_uploaded": pa.array(np.zeros(n, bool)),
            "replication_status": none,
            "encryption_status": choose(["SSE-S3", "SSE-KMS"], kms.astype(np.int32)),
            "object_lock_retain_until_date": pa.nulls(n, pa.timestamp("us")),
            "object_lock_mode": none,
            "object_lock_legal_hold_status": none,
            "intelligent_tiering_access_tier": pa.DictionaryArray.from_arrays(
                pa.array(np.maximum(tier, 0), pa.int32(), mask=tier < 0),
                pa.array(["FREQUENT", "INFREQUENT", "ARCHIVE_INSTANT_ACCESS"])).cast(pa.string()),
            "bucket_key_status": choose(["DISABLED", "ENABLED"], kms.astype(np.int32)),
            "checksum_algorithm": constant("CRC64NVME"),
            "object_access_control_list": constant("eyJ2ZXJzaW9uIjoiMjAyMi0xMS0xMCIsInN0YXR1cyI6IkFWQUlMQUJMRSIsImdyYW50cyI6W119"),
            "object_owner": constant("7009a8971cd660687538875e7c86c5b672fe116bd438f46db45460ddcd036c32"),
        }
        return pa.table(columns)

    def groups(self):
        """The truth by first segment: objects and bytes."""
        objects = np.bincount(self.app, minlength=len(self.names))
        size = np.bincount(self.app, weights=self.size, minlength=len(self.names))
        if size.max() >= 2**53:
            raise ValueError("sums are not exact")
        return [(n + "/", int(o), int(b)) for n, o, b in zip(self.names, objects, size)]

    def folder_groups(self):
        """The truth by folder, for keys of 45 bytes."""
        hour = self.second // 3600
        code = self.app.astype(np.int64) * (SECONDS // 3600) + hour
        unique, index, objects = np.unique(code, return_inverse=True, return_counts=True)
        size = np.bincount(index, weights=self.size)
        app, hour = unique // (SECONDS // 3600), unique % (SECONDS // 3600)
        when = np.datetime_as_string(START + (hour * 3600).astype("timedelta64[s]"), unit="h")
        for a, w, o, b in zip(app, when, objects, size):
            yield f"{self.names[a]}/{w.replace('-', '/').replace('T', '/')}/", int(o), int(b)


def write_groups(path, groups):
    with open(path, "w") as f:
        f.writelines(f"{p}\t{o}\t{b}\n" for p, o, b in sorted(groups))


CHUNK = 500_000  # rows in memory as a table at once while a file is written


def write_report(folder, objects, files, order, compression):
    os.makedirs(folder)
    n = len(objects.app)
    entries = []
    for i in range(files):
        first, end = n * i // files, n * (i + 1) // files
        tables = [objects.table(c, min(c + CHUNK, end)) for c in range(first, end, CHUNK)]
        if order == "sorted":
            # Rows are in order of their first segment; within it keys say.
            whole = pa.concat_tables(tables)
            tables = [whole.take(pc.sort_indices(whole["key"].combine_chunks()))]
        name = f"{hashlib.sha256(f'{order}-{compression} {i}'.encode()).hexdigest()[:32]}.orc"
        path = os.path.join(folder, name)
        with orc.ORCWriter(path, compression=compression, compression_block_size=256 << 10, stripe_size=64 << 20,
                           row_index_stride=10_000, dictionary_key_size_threshold=0.8) as w:
            for t in tables:
                for c in range(0, len(t), 100_000):
                    w.write(t.slice(c, 100_000))
        with open(path, "rb") as f:
            md5 = hashlib.file_digest(f, "md5").hexdigest()
        entries.append({"key": f"reports/bench-logs/daily/data/{name}", "size": os.path.getsize(path), "MD5checksum": md5})
    write_manifest(folder, entries)


def write_manifest(folder, entries):
    manifest = json.dumps({
        "sourceBucket": "bench-logs",
        "destinationBucket": "arn:aws:s3:::bench-reports",
        "version": "2016-11-30",
        "creationTimestamp": "1793581200000",  # 2026-11-02
        "fileFormat": "ORC",
        "fileSchema": "struct<bucket:string,key:string,…>",
        "files": entries,
    }, indent=1).encode()
    with open(os.path.join(folder, "manifest.json"), "wb") as f:
        f.write(manifest)
    with open(os.path.join(folder, "manifest.checksum"), "w") as f:
        f.write(hashlib.md5(manifest).hexdigest() + "\n")


def main(target, spec):
    os.makedirs(target, exist_ok=True)
    objects = Objects(spec)
    write_groups(os.path.join(target, "depth1.tsv"), objects.groups())
    if spec["folders"]:
        write_groups(os.path.join(target, "dir.tsv"), objects.folder_groups())
    done = "sorted"
    for order, compression in sorted(spec["variants"], key=lambda v: v[0] == "shuffled"):
        if order == "shuffled" and done == "sorted":
            objects.shuffle()
            done = order
        write_report(os.path.join(target, f"{order}-{compression}"), objects, spec["files"], order, compression)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
