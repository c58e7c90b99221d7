import java.nio.charset.StandardCharsets;
import java.sql.Timestamp;
import java.util.Random;
import java.util.TimeZone;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hive.ql.exec.vector.BytesColumnVector;
import org.apache.hadoop.hive.ql.exec.vector.ColumnVector;
import org.apache.hadoop.hive.ql.exec.vector.DecimalColumnVector;
import org.apache.hadoop.hive.ql.exec.vector.DoubleColumnVector;
import org.apache.hadoop.hive.ql.exec.vector.ListColumnVector;
import org.apache.hadoop.hive.ql.exec.vector.LongColumnVector;
import org.apache.hadoop.hive.ql.exec.vector.MapColumnVector;
import org.apache.hadoop.hive.ql.exec.vector.StructColumnVector;
import org.apache.hadoop.hive.ql.exec.vector.TimestampColumnVector;
import org.apache.hadoop.hive.ql.exec.vector.UnionColumnVector;
import org.apache.hadoop.hive.ql.exec.vector.VectorizedRowBatch;
import org.apache.hadoop.hive.common.type.HiveDecimal;
import org.apache.orc.CompressionKind;
import org.apache.orc.OrcConf;
import org.apache.orc.OrcFile;
import org.apache.orc.TypeDescription;
import org.apache.orc.Writer;

/** Writes ORC files with columns of all kinds with Apache ORC's Java writer, in many of the ways that it can. */
public final class Write {
  static final String SCHEMA = "struct<key:string,bucket:string,size:bigint,modified:timestamp,class:string,latest:boolean,"
      + "marker:boolean,version:string,tags:array<string>,attributes:map<string,bigint>,owner:struct<id:int,name:string>,"
      + "either:uniontype<int,string>,b:tinyint,s:smallint,i:int,f:float,d:double,bin:binary,day:date,dec:decimal(20,4),"
      + "small:decimal(8,2),vc:varchar(9),ch:char(7),ins:timestamp with local time zone>";

  public static void main(String[] args) throws Exception {
    int rows = Integer.parseInt(args[1]);
    CompressionKind[] kinds = {CompressionKind.NONE, CompressionKind.ZLIB, CompressionKind.SNAPPY, CompressionKind.LZ4, CompressionKind.ZSTD};
    for (CompressionKind kind : kinds) {
      for (OrcFile.Version version : new OrcFile.Version[] {OrcFile.Version.V_0_11, OrcFile.Version.V_0_12}) {
        for (int variant = 0; variant < 3; variant++) {
          write(args[0] + "/" + kind + "-" + version.getName() + "-" + variant + ".orc", rows, kind, version, variant);
        }
      }
    }
  }

  static void write(String path, int rows, CompressionKind kind, OrcFile.Version version, int variant) throws Exception {
    TimeZone.setDefault(TimeZone.getTimeZone(variant == 1 ? "America/Los_Angeles" : "UTC"));
    Configuration conf = new Configuration(false);
    conf.set("fs.defaultFS", "file:///");
    conf.set("fs.file.impl", "org.apache.hadoop.fs.RawLocalFileSystem");
    OrcConf.ROWS_BETWEEN_CHECKS.setLong(conf, 3000);
    OrcConf.DICTIONARY_KEY_SIZE_THRESHOLD.setDouble(conf, variant == 2 ? 0 : 0.8);
    OrcConf.ROW_INDEX_STRIDE_DICTIONARY_CHECK.setBoolean(conf, variant == 0);
    TypeDescription schema = TypeDescription.fromString(SCHEMA);
    OrcFile.WriterOptions options = OrcFile.writerOptions(conf).setSchema(schema).compress(kind).version(version)
        .rowIndexStride(variant == 2 ? 10_000 : 1000).stripeSize(variant == 1 ? 2_000_000 : 8_000_000).enforceBufferSize()
        .bufferSize(variant == 0 ? 4096 : 65536)
        .encodingStrategy(variant == 0 ? OrcFile.EncodingStrategy.COMPRESSION : OrcFile.EncodingStrategy.SPEED)
        .bloomFilterColumns(variant == 1 ? "key,size" : "");
    Random random = new Random(variant);
    VectorizedRowBatch batch = schema.createRowBatch(500);
    try (Writer writer = OrcFile.createWriter(new Path(path), options)) {
      for (int row = 0; row < rows; ) {
        int n = Math.min(500, rows - row);
        batch.reset();
        batch.size = n;
        for (int c = 0; c < batch.cols.length; c++) {
          boolean nulls = c > 4 && (row / 4000) % 2 == c % 2;
          fill(batch.cols[c], schema.getChildren().get(c), c, row, n, nulls ? 0.3 : 0, random);
        }
        writer.addRowBatch(batch);
        row += n;
      }
    }
  }

  static void fill(ColumnVector v, TypeDescription type, int c, int from, int n, double nulls, Random random) {
    v.ensureSize(n, false);
    for (int i = 0; i < n; i++) {
      if (random.nextDouble() < nulls || c == 7) {
        v.noNulls = false;
        v.isNull[i] = true;
        continue;
      }
      v.isNull[i] = false;
      value(v, type, c, from + i, i, random);
    }
  }

  static void value(ColumnVector v, TypeDescription type, int c, int row, int i, Random random) {
    int shape = row / 700 % 4;
    switch (type.getCategory()) {
      case BOOLEAN:
        ((LongColumnVector) v).vector[i] = c == 5 || random.nextInt(100) == 0 ? 1 : 0;
        break;
      case BYTE:
        ((LongColumnVector) v).vector[i] = (byte) (shape == 0 ? 5 : random.nextInt());
        break;
      case SHORT:
        ((LongColumnVector) v).vector[i] = (short) (shape == 0 ? row : random.nextInt());
        break;
      case INT:
        ((LongColumnVector) v).vector[i] = shape == 0 ? -row * 3 : random.nextInt() >> random.nextInt(32);
        break;
      case LONG:
        ((LongColumnVector) v).vector[i] = shape == 0 ? 4096
            : shape == 1 ? 1000 + random.nextInt(50) + (random.nextInt(60) == 0 ? 1 << 30 : 0) : shape == 2 ? row * 17L : random.nextLong() >> random.nextInt(64);
        break;
      case DATE:
        ((LongColumnVector) v).vector[i] = random.nextInt(30_000) - 5_000;
        break;
      case FLOAT:
      case DOUBLE:
        ((DoubleColumnVector) v).vector[i] = type.getCategory() == TypeDescription.Category.FLOAT ? random.nextFloat() : random.nextGaussian() * 1e9;
        break;
      case STRING:
      case VARCHAR:
      case CHAR:
      case BINARY: {
        byte[] text;
        switch (c) {
          case 0: text = String.format("logs/%04d/%06d-%x%s", row / 600, row, random.nextInt(), "a".repeat(random.nextInt(300) == 0 ? 2000 : random.nextInt(9))).getBytes(StandardCharsets.UTF_8); break;
          case 1: text = "example-bucket".getBytes(StandardCharsets.UTF_8); break;
          case 4: text = new String[] {"STANDARD", "GLACIER", "STANDARD_IA", ""}[shape == 0 ? 0 : random.nextInt(4)].getBytes(StandardCharsets.UTF_8); break;
          case 17: text = new byte[random.nextInt(20)]; random.nextBytes(text); break;
          default: text = ("é" + random.nextInt(1000)).getBytes(StandardCharsets.UTF_8);
        }
        ((BytesColumnVector) v).setVal(i, text);
        break;
      }
      case TIMESTAMP:
      case TIMESTAMP_INSTANT: {
        Timestamp t = new Timestamp(shape == 0 ? 1_700_000_000_000L : random.nextLong() % 4_000_000_000_000L);
        t.setNanos(new int[] {0, 120_000_000, random.nextInt(1_000_000_000), 1000}[shape]);
        ((TimestampColumnVector) v).set(i, t);
        break;
      }
      case DECIMAL:
        ((DecimalColumnVector) v).set(i, HiveDecimal.create(java.math.BigDecimal.valueOf(random.nextInt(99_999_999), 2)));
        break;
      case LIST: {
        ListColumnVector list = (ListColumnVector) v;
        list.offsets[i] = list.childCount;
        list.lengths[i] = random.nextInt(3);
        list.childCount += (int) list.lengths[i];
        list.child.ensureSize(list.childCount, true);
        for (int j = 0; j < list.lengths[i]; j++) {
          ((BytesColumnVector) list.child).setVal((int) list.offsets[i] + j, ("t" + j).getBytes(StandardCharsets.UTF_8));
        }
        break;
      }
      case MAP: {
        MapColumnVector map = (MapColumnVector) v;
        map.offsets[i] = map.childCount;
        map.lengths[i] = 1;
        map.childCount += 1;
        map.keys.ensureSize(map.childCount, true);
        map.values.ensureSize(map.childCount, true);
        ((BytesColumnVector) map.keys).setVal((int) map.offsets[i], "k".getBytes(StandardCharsets.UTF_8));
        ((LongColumnVector) map.values).vector[(int) map.offsets[i]] = row;
        break;
      }
      case STRUCT: {
        StructColumnVector s = (StructColumnVector) v;
        ((LongColumnVector) s.fields[0]).vector[i] = row;
        ((BytesColumnVector) s.fields[1]).setVal(i, ("n" + row).getBytes(StandardCharsets.UTF_8));
        break;
      }
      case UNION: {
        UnionColumnVector u = (UnionColumnVector) v;
        u.tags[i] = row % 2;
        ((LongColumnVector) u.fields[0]).vector[i] = row;
        ((BytesColumnVector) u.fields[1]).setVal(i, ("u" + row).getBytes(StandardCharsets.UTF_8));
        break;
      }
      default:
        throw new IllegalArgumentException(type.toString());
    }
  }
}
