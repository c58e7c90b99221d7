package parquetconv

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"golang.org/x/sync/errgroup"

	"github.com/s3compact/s3compact/parquetconv/linerows"
	"github.com/s3compact/s3compact/parquetconv/schema"
)

// gatherer collects rows by partition over a whole batch, in their order, and
// writes a row group when a partition's buffer is full, or the largest ones
// when all buffers together are.
type gatherer struct {
	ctx    context.Context
	group  *errgroup.Group // of the batch; writes run in it
	slots  chan struct{}   // one for each row group being written
	schema *arrow.Schema
	budget budget

	byPath map[string]*partition
	order  []*partition // as they first occurred
	bytes  int64        // in all buffers
}

// partition is one folder of the table.
type partition struct {
	path     string
	builders []array.Builder
	bytes    int64
	buffered int64 // rows in the builders
	rows     int64 // all

	files []*tableFile
	last  chan struct{} // closed when the last row group handed over is written
}

// maxPartitions bounds the partitions of a batch: each holds a file open.
const maxPartitions = 2000

func newGatherer(ctx context.Context, g *errgroup.Group, s *schema.Schema, b budget) *gatherer {
	files, _ := s.Arrow()
	return &gatherer{ctx: ctx, group: g, slots: make(chan struct{}, b.writers), schema: files, budget: b, byPath: map[string]*partition{}}
}

// add copies the rows of a block to their partitions.
func (g *gatherer) add(b *linerows.Block) error {
	if b.Rows == 0 {
		return nil
	}
	targets := make([]*partition, len(b.Partitions))
	for i, path := range b.Partitions {
		p, err := g.partition(path)
		if err != nil {
			return err
		}
		targets[i] = p
	}
	counts := make([]int64, len(targets))
	for _, t := range b.Partition {
		counts[t]++
	}
	for c, column := range b.Columns {
		if err := copyColumn(column, b.Partition, targets, c); err != nil {
			return err
		}
		column.Release()
	}
	for i, p := range targets {
		p.rows += counts[i]
		p.buffered += counts[i]
		p.bytes += b.PartitionBytes[i]
		g.bytes += b.PartitionBytes[i]
		if p.bytes >= g.budget.rowGroupBytes {
			if err := g.flush(p); err != nil {
				return err
			}
		}
	}
	for g.bytes > g.budget.gatherBytes {
		if err := g.flush(g.largest()); err != nil {
			return err
		}
	}
	return nil
}

func (g *gatherer) partition(path string) (*partition, error) {
	if p := g.byPath[path]; p != nil {
		return p, nil
	}
	if len(g.order) == maxPartitions {
		return nil, fmt.Errorf("the batch has rows for more than %d partitions: partition by something coarser, or make the batches smaller with --batch-size on a new table", maxPartitions)
	}
	p := &partition{path: path, builders: make([]array.Builder, g.schema.NumFields())}
	for i, f := range g.schema.Fields() {
		p.builders[i] = array.NewBuilder(memory.DefaultAllocator, f.Type)
	}
	g.byPath[path] = p
	g.order = append(g.order, p)
	return p, nil
}

func (g *gatherer) largest() *partition {
	top := g.order[0]
	for _, p := range g.order {
		if p.bytes > top.bytes {
			top = p
		}
	}
	return top
}

// flush hands a partition's rows over to be written as a row group, behind
// those handed over before. It waits while as many are being written as the
// budget allows.
func (g *gatherer) flush(p *partition) error {
	columns := make([]arrow.Array, len(p.builders))
	for i, b := range p.builders {
		columns[i] = b.NewArray()
	}
	batch := array.NewRecordBatch(g.schema, columns, p.buffered)
	g.bytes -= p.bytes
	p.bytes, p.buffered = 0, 0

	select {
	case g.slots <- struct{}{}:
	case <-g.ctx.Done():
		return g.ctx.Err()
	}
	before, written := p.last, make(chan struct{})
	p.last = written
	g.group.Go(func() error {
		defer func() { <-g.slots }()
		defer close(written)
		if before != nil {
			<-before // its own slot lets it go on
		}
		if err := p.write(g.schema, batch); err != nil {
			return fmt.Errorf("write a row group of partition %q: %w", p.path, err)
		}
		return nil
	})
	return nil
}

func (g *gatherer) flushAll() error {
	for _, p := range g.order {
		if p.buffered > 0 {
			if err := g.flush(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// write appends a row group to the partition's file, or begins a new one.
func (p *partition) write(s *arrow.Schema, batch arrow.RecordBatch) error {
	defer batch.Release()
	n := len(p.files)
	if n == 0 || p.files[n-1].size() >= targetFileBytes {
		if n > 0 {
			if err := p.files[n-1].close(); err != nil {
				return err
			}
		}
		f, err := newTableFile(s)
		if err != nil {
			return err
		}
		p.files = append(p.files, f)
		n++
	}
	return p.files[n-1].writer.Write(batch)
}

// close frees the files; the batch is over.
func (g *gatherer) close() error {
	var first error
	for _, p := range g.order {
		for _, f := range p.files {
			if err := f.temp.Close(); err != nil && first == nil {
				first = err
			}
		}
	}
	return first
}
