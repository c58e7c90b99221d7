"""Reads a table with pyarrow and tells where it is not what Python makes of the text.

usage: oracle.py TABLE QUESTION, where QUESTION is a file of JSON:
  values   the values of the rows, by id: JSON, or fields of CSV
  isCSV    which
  columns  name of a column: [form, type or time], see expected

Prints {"compared": n, "differences": [..]}. Its rules are those of
docs/convert.md, put into Python's decimals, fractions and floats.
"""
import base64, decimal, fractions, glob, json, math, re, struct, sys
import pyarrow as pa, pyarrow.parquet as pq

decimal.getcontext().prec = 100
MICROS = 10**6
EPOCHS = {"epoch_s": MICROS, "epoch_ms": 1000, "epoch_us": 1}


class Bad(Exception):
    """A value that its column cannot hold."""


def days(year, month, day):
    """Days since 1970, by counting leap years; Python's own dates end at year 1."""
    lengths = [31, 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    if not (1 <= month <= 12 and 1 <= day <= lengths[month - 1]):
        raise Bad
    before = year - 1
    return before * 365 + before // 4 - before // 100 + before // 400 + sum(lengths[: month - 1]) + day - 1 - 719_162


FIRST, LAST = days(1, 1, 1) * 86_400 * MICROS, (days(9999, 12, 31) + 1) * 86_400 * MICROS


def in_reach(micros):
    if not FIRST <= micros < LAST:
        raise Bad
    return micros


def date(text):
    m = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)", text, re.ASCII)
    if not m:
        raise Bad
    d = days(*map(int, m.groups()))
    in_reach(d * 86_400 * MICROS)
    return d


def timestamp(text):
    m = re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))", text, re.ASCII)
    if not m:
        raise Bad
    hour, minute, second = map(int, m.group(2, 3, 4))
    year, month, day = map(int, m[1].split("-"))
    offset = 0
    if m[6]:
        if int(m[7]) > 23 or int(m[8]) > 59:
            raise Bad
        offset = (int(m[7]) * 60 + int(m[8])) * (60 if m[6] == "+" else -60)
    if hour > 23 or minute > 59 or second > 59:
        raise Bad
    seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
    return in_reach(seconds * MICROS + int(((m[5] or "") + "000000")[:6]))


def number(text):
    """The number as (digits, exponent): digits × 10^exponent."""
    m = re.fullmatch(r"([+-]?)(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d+))?", text, re.ASCII)
    if not m:
        raise Bad
    whole, _, fraction = m[2].partition(".")
    digits, exponent = int(whole + fraction), int(m[3] or 0) - len(fraction)
    while digits and digits % 10 == 0:
        digits, exponent = digits // 10, exponent + 1
    return (-digits if m[1] == "-" else digits), exponent


def integer(text, bits):
    digits, exponent = number(text)
    if digits == 0:
        return 0
    if exponent < 0 or exponent > 30:
        raise Bad
    n = digits * 10**exponent
    if not -(2 ** (bits - 1)) <= n < 2 ** (bits - 1):
        raise Bad
    return n


def floating(text, bits):
    digits, exponent = number(text)
    if bits == 64:
        f = float(text)
        if math.isinf(f):
            raise Bad
        return f
    sign = -1.0 if text.startswith("-") else 1.0
    if digits == 0 or exponent + len(str(abs(digits))) < -60:
        return math.copysign(0.0, sign)
    if exponent + len(str(abs(digits))) > 60:
        raise Bad
    exact = abs(digits) * fractions.Fraction(10) ** exponent
    place = -149
    while exact >= fractions.Fraction(2) ** (place + 24):
        place += 1
    nearest = round(exact / fractions.Fraction(2) ** place) * fractions.Fraction(2) ** place
    if nearest >= 2**128:
        raise Bad
    return sign * float(nearest)


def exact(text, precision, scale):
    digits, exponent = number(text)
    if digits == 0:
        return decimal.Decimal(0)
    if exponent < -scale or exponent > 40 or abs(digits) * 10 ** (exponent + scale) >= 10**precision:
        raise Bad
    return decimal.Decimal(digits).scaleb(exponent)


def binary(text):
    plain = text.replace("\r", "").replace("\n", "")
    try:
        out = base64.b64decode(plain, validate=True)
    except ValueError:
        raise Bad from None
    if base64.b64encode(out).decode() != plain:
        raise Bad
    return out


def epoch(text, unit):
    digits, exponent = number(text)
    if digits == 0:
        return 0
    if exponent + len(str(abs(digits))) > 40:
        raise Bad
    return in_reach(math.floor(digits * fractions.Fraction(10) ** max(exponent, -400) * unit))


def of_text(text, kind):
    """A field of CSV, or a cast from string."""
    if kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise Bad
        return text.lower() == "true"
    if kind.startswith("decimal"):
        return exact(text, *map(int, kind[len("decimal(") : -1].split(",")))
    return {
        "int32": lambda: integer(text, 32), "int64": lambda: integer(text, 64),
        "float": lambda: floating(text, 32), "double": lambda: floating(text, 64),
        "date": lambda: date(text), "timestamp": lambda: timestamp(text),
        "binary": lambda: binary(text), "string": lambda: text,
    }[kind]()


def of_json(raw, kind):
    """A value of JSON in a column; None is null."""
    first = raw[0]
    if raw == "null":
        return None
    if kind == "json":
        return raw
    if first == '"' and kind in ("string", "binary", "date", "timestamp"):
        return of_text(json.loads(raw), kind)
    if first in "tf" and kind == "boolean":
        return raw == "true"
    if first in "-0123456789" and kind == "string":
        return raw
    if first in "-0123456789" and kind not in ("boolean", "binary", "date", "timestamp"):
        return of_text(raw, kind)
    raise Bad


def of_cast(raw, kind):
    """cast(member as kind), of a member that no column reads."""
    if raw == "null":
        return None
    if raw[0] == '"':
        return of_text(json.loads(raw), kind)
    return raw if kind == "string" else of_json(raw, kind)


def of_epoch(raw, unit):
    if raw == "null":
        return None
    if raw[0] not in "-0123456789":
        raise Bad
    return epoch(raw, EPOCHS[unit])


def expected(raw, form, kind, is_csv):
    try:
        if is_csv:
            return epoch(raw, EPOCHS[kind]) if form == "epoch" else of_text(raw, kind)
        read = {"cast": of_cast, "epoch": of_epoch}.get(form, of_json)
        value = read(raw, kind)
    except Bad:
        return None
    if form == "list":
        return [value]
    if form == "struct":
        return {"a.b": value, "z": None}
    if form == "map":
        return [("k", value)]
    return value


def plain(column):
    """Python values, with times as numbers: datetime ends before the year 1 and after 9999."""
    return column.cast(numeric(column.type)).to_pylist()


def numeric(t):
    if pa.types.is_timestamp(t):
        return pa.int64()
    if pa.types.is_date(t):
        return pa.int32()
    if pa.types.is_list(t):
        return pa.list_(numeric(t.value_type))
    if pa.types.is_map(t):
        return pa.map_(pa.string(), numeric(t.item_type))
    if pa.types.is_struct(t):
        return pa.struct([(f.name, numeric(f.type)) for f in t])
    return t


def comparable(v):
    """Floats by their bits, so that -0 is not 0."""
    if isinstance(v, float):
        return ("float", struct.pack(">d", v))
    if isinstance(v, (list, tuple)):
        return [comparable(x) for x in v]
    if isinstance(v, dict):
        return {k: comparable(x) for k, x in v.items()}
    return v


root, question = sys.argv[1], json.load(open(sys.argv[2], encoding="utf-8"))
table = pa.concat_tables([pq.ParquetFile(f).read() for f in sorted(glob.glob(root + "/*.parquet"))])
ids, differences, compared = table["id"].to_pylist(), [], 0
if sorted(ids) != list(range(len(question["values"]))):
    differences.append("rows: %d of %d" % (len(ids), len(question["values"])))
for name, (form, kind) in question["columns"].items():
    for row, got in zip(ids, plain(table[name])):
        raw = question["values"][row]
        want = expected(raw, form, kind, question["isCSV"])
        compared += 1
        if comparable(got) != comparable(want):
            differences.append("%s %s of %s: %r, not %r" % (form, kind, raw, got, want))
print(json.dumps({"compared": compared, "differences": differences}))
