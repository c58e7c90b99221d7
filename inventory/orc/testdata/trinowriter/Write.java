import static io.trino.spi.type.BigintType.BIGINT;
import static io.trino.spi.type.BooleanType.BOOLEAN;
import static io.trino.spi.type.DateType.DATE;
import static io.trino.spi.type.DoubleType.DOUBLE;
import static io.trino.spi.type.IntegerType.INTEGER;
import static io.trino.spi.type.RealType.REAL;
import static io.trino.spi.type.SmallintType.SMALLINT;
import static io.trino.spi.type.TimestampType.TIMESTAMP_MILLIS;
import static io.trino.spi.type.TinyintType.TINYINT;
import static io.trino.spi.type.VarbinaryType.VARBINARY;
import static io.trino.spi.type.VarcharType.VARCHAR;

import io.airlift.slice.Slice;
import io.airlift.slice.Slices;
import io.airlift.units.DataSize;
import io.trino.orc.OrcDataSink;
import io.trino.orc.OrcWriteValidation.OrcWriteValidationMode;
import io.trino.orc.OrcWriter;
import io.trino.orc.OrcWriterOptions;
import io.trino.orc.OrcWriterStats;
import io.trino.orc.metadata.CompressionKind;
import io.trino.orc.metadata.OrcType;
import io.trino.orc.stream.OrcDataOutput;
import io.trino.spi.Page;
import io.trino.spi.block.Block;
import io.trino.spi.block.BlockBuilder;
import io.trino.spi.type.DecimalType;
import io.trino.spi.type.Type;
import java.io.FileOutputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Writes ORC files with columns of many kinds with the writer of Trino. */
public final class Write {
  static final List<String> NAMES = List.of("key", "bucket", "size", "modified", "class", "latest", "version", "b", "s", "i", "f", "d", "bin", "day", "dec");
  static final List<Type> TYPES = List.of(VARCHAR, VARCHAR, BIGINT, TIMESTAMP_MILLIS, VARCHAR, BOOLEAN, VARCHAR, TINYINT, SMALLINT, INTEGER, REAL, DOUBLE, VARBINARY, DATE, DecimalType.createDecimalType(12, 3));

  public static void main(String[] args) throws Exception {
    for (CompressionKind kind : new CompressionKind[] {CompressionKind.NONE, CompressionKind.ZLIB, CompressionKind.SNAPPY, CompressionKind.LZ4, CompressionKind.ZSTD}) {
      for (int variant = 0; variant < 2; variant++) {
        write(args[0] + "/" + kind + "-" + variant + ".orc", Integer.parseInt(args[1]), kind, variant);
      }
    }
  }

  static void write(String path, int rows, CompressionKind kind, int variant) throws Exception {
    OutputStream out = new FileOutputStream(path);
    OrcDataSink sink = new OrcDataSink() {
      long size;
      public long size() { return size; }
      public long getRetainedSizeInBytes() { return 0; }
      public void write(List<OrcDataOutput> outputs) {
        try {
          for (OrcDataOutput o : outputs) {
            io.airlift.slice.DynamicSliceOutput s = new io.airlift.slice.DynamicSliceOutput(1024);
            o.writeData(s);
            Slice b = s.slice();
            out.write(b.getBytes());
            size += b.length();
          }
        } catch (Exception e) { throw new RuntimeException(e); }
      }
      public void close() throws java.io.IOException { out.close(); }
    };
    OrcWriterOptions options = new OrcWriterOptions().withRowGroupMaxRowCount(variant == 0 ? 1000 : 10000).withStripeMaxRowCount(12345)
        .withMaxCompressionBufferSize(DataSize.ofBytes(variant == 0 ? 8192 : 262144));
    Random random = new Random(variant);
    try (OrcWriter writer = new OrcWriter(sink, NAMES, TYPES, OrcType.createRootOrcType(NAMES, TYPES), kind, options, Map.of(), false, OrcWriteValidationMode.BOTH, new OrcWriterStats())) {
      for (int row = 0; row < rows; ) {
        int n = Math.min(777, rows - row);
        Block[] blocks = new Block[TYPES.size()];
        for (int c = 0; c < blocks.length; c++) {
          boolean nulls = c > 4 && (row / 4000) % 2 == c % 2;
          BlockBuilder b = TYPES.get(c).createBlockBuilder(null, n);
          for (int i = 0; i < n; i++) {
            if (c == 6 || nulls && random.nextInt(3) == 0) b.appendNull();
            else value(b, TYPES.get(c), c, row + i, random);
          }
          blocks[c] = b.build();
        }
        writer.write(new Page(n, blocks));
        row += n;
      }
    }
  }

  static void value(BlockBuilder b, Type type, int c, int row, Random random) {
    int shape = row / 700 % 4;
    if (c == 0) type.writeSlice(b, Slices.utf8Slice(String.format("logs/%04d/%06d-%x%s", row / 600, row, random.nextInt(), "a".repeat(random.nextInt(300) == 0 ? 2000 : random.nextInt(9)))));
    else if (c == 1) type.writeSlice(b, Slices.utf8Slice("example-bucket"));
    else if (c == 4) type.writeSlice(b, Slices.utf8Slice(new String[] {"STANDARD", "GLACIER", "STANDARD_IA", ""}[shape == 0 ? 0 : random.nextInt(4)]));
    else if (type == VARBINARY) { byte[] x = new byte[random.nextInt(20)]; random.nextBytes(x); type.writeSlice(b, Slices.wrappedBuffer(x)); }
    else if (type == BOOLEAN) type.writeBoolean(b, shape == 0 || random.nextBoolean());
    else if (type == TIMESTAMP_MILLIS) type.writeLong(b, shape == 0 ? 1_700_000_000_000_000L : random.nextLong() % 4_000_000_000_000L / 1 * 1000);
    else if (type == DOUBLE) type.writeDouble(b, random.nextGaussian());
    else if (type == REAL) type.writeLong(b, Float.floatToIntBits(random.nextFloat()));
    else if (type == TINYINT) type.writeLong(b, (byte) random.nextInt());
    else if (type == SMALLINT) type.writeLong(b, (short) random.nextInt());
    else if (type == INTEGER) type.writeLong(b, shape == 0 ? row * 3 : random.nextInt() >> random.nextInt(32));
    else if (type == DATE) type.writeLong(b, random.nextInt(30000) - 5000);
    else if (type instanceof DecimalType) type.writeLong(b, random.nextInt(999_999_999));
    else type.writeLong(b, shape == 0 ? 4096 : shape == 1 ? 1000 + random.nextInt(50) + (random.nextInt(60) == 0 ? 1 << 30 : 0) : shape == 2 ? row * 17L : random.nextLong() >> random.nextInt(64));
  }
}
