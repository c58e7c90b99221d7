import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.hive.ql.exec.vector.VectorizedRowBatch;
import org.apache.orc.CompressionKind;
import org.apache.orc.OrcFile;
import org.apache.orc.Reader;
import org.apache.orc.RecordReader;
import org.apache.orc.Writer;

/** Writes the rows of one ORC file into another with Apache ORC's Java writer, as S3 Inventory does: ZLIB, all else by default. */
public final class Rewrite {
  public static void main(String[] args) throws Exception {
    Configuration conf = new Configuration(false);
    conf.set("fs.defaultFS", "file:///");
    conf.set("fs.file.impl", "org.apache.hadoop.fs.RawLocalFileSystem");
    Reader reader = OrcFile.createReader(new Path(args[0]), OrcFile.readerOptions(conf));
    VectorizedRowBatch batch = reader.getSchema().createRowBatch();
    try (RecordReader rows = reader.rows();
        Writer writer = OrcFile.createWriter(new Path(args[1]), OrcFile.writerOptions(conf)
            .setSchema(reader.getSchema()).compress(CompressionKind.ZLIB))) {
      while (rows.nextBatch(batch)) {
        writer.addRowBatch(batch);
      }
    }
  }
}
