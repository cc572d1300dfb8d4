package minka

// #include <minka.h>
import "C"

import (
	"context"
	"errors"
	"time"
	"unsafe"
)

// Record is a record that was polled. Its bytes are copies.
type Record struct {
	Topic      string
	Partition  int32
	Offset     int64
	Timestamp  time.Time
	Key, Value []byte // nil for null
	Headers    []Header
	// DeliveryCount is how often it was delivered to a member of a queue group, this time
	// included; 1 without one.
	DeliveryCount uint32
}

// Start is where to begin in a partition.
type Start struct{ raw C.minka_start }

// Earliest begins with the first record that is there.
func Earliest() Start { return Start{C.minka_start{kind: C.MINKA_START_EARLIEST}} }

// Latest begins with the next record that comes.
func Latest() Start { return Start{C.minka_start{kind: C.MINKA_START_LATEST}} }

// AtOffset begins with the record of this offset, or the nearest that is there.
func AtOffset(offset int64) Start {
	return Start{C.minka_start{kind: C.MINKA_START_OFFSET, value: C.int64_t(offset)}}
}

// AtTime begins with the first record of this time or later, or the next that comes.
func AtTime(at time.Time) Start {
	return Start{C.minka_start{kind: C.MINKA_START_TIME, value: C.int64_t(at.UnixMilli())}}
}

// Consumer consumes records. One goroutine at a time may use it; Close may come from any.
type Consumer struct {
	handle
	raw *C.minka_consumer
}

// NewConsumer opens a consumer, which connects to nothing yet. Its settings have their Kafka names,
// such as group.id; minka.h lists them at minka_consumer_open.
func NewConsumer(target Target, settings Settings) (*Consumer, error) {
	consumer := &Consumer{}
	err := configure(settings, func(config *C.minka_config) error {
		return target.open(func(broker *C.minka_broker, servers C.minka_bytes) error {
			return call(func() C.minka_status {
				return C.minka_consumer_open(broker, servers, config, &consumer.raw)
			})
		})
	})
	if err != nil {
		return nil, err
	}
	consumer.free = func() { C.minka_consumer_free(consumer.raw) }
	return consumer, nil
}

// Subscribe joins the group of the setting group.id, to read these topics with its other members.
func (c *Consumer) Subscribe(topics ...string) error {
	var memory arena
	defer memory.free()
	names := (*C.minka_bytes)(memory.alloc(len(topics), C.sizeof_minka_bytes))
	for i, raw := 0, unsafe.Slice(names, len(topics)); i < len(topics); i++ {
		raw[i] = memory.text(topics[i])
	}
	return c.call(func() C.minka_status {
		return C.minka_consumer_subscribe(c.raw, names, C.size_t(len(topics)))
	})
}

// Assign reads one partition from where it says, instead of what was read before.
func (c *Consumer) Assign(topic string, partition int32, start Start) error {
	var memory arena
	defer memory.free()
	one := (*C.minka_partition_start)(memory.alloc(1, C.sizeof_minka_partition_start))
	one.topic = memory.text(topic)
	one.partition = C.int32_t(partition)
	one.start = start.raw
	return c.call(func() C.minka_status { return C.minka_consumer_assign(c.raw, one, 1) })
}

// Seek goes on elsewhere in a partition.
func (c *Consumer) Seek(topic string, partition int32, start Start) error {
	var memory arena
	defer memory.free()
	name := memory.text(topic)
	return c.call(func() C.minka_status {
		return C.minka_consumer_seek(c.raw, name, C.int32_t(partition), start.raw)
	})
}

// Poll waits for records until the context ends, and then returns its error. What the poll before
// returned counts as done, unless enable.auto.commit is false.
func (c *Consumer) Poll(ctx context.Context) ([]Record, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		records, err := c.pollOnce(ctx)
		// A wake that came too late for an earlier poll says nothing of this one.
		if err != nil && !errors.Is(err, Interrupted) || len(records) > 0 {
			return records, err
		}
	}
}

// PollFor waits for records at most this long, and returns none when the time is over.
func (c *Consumer) PollFor(ctx context.Context, timeout time.Duration) ([]Record, error) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	records, err := c.Poll(limited)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, nil
	}
	return records, err
}

func (c *Consumer) pollOnce(ctx context.Context) ([]Record, error) {
	polled, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ctx.Done():
			// If it fails, the consumer is closed, which ends the poll as well.
			_ = c.call(func() C.minka_status { return C.minka_consumer_wake(c.raw) })
		case <-polled:
		}
	}()
	defer func() { close(polled); <-watched }()

	var batch *C.minka_batch
	err := c.call(func() C.minka_status {
		return C.minka_consumer_poll(c.raw, milliseconds(timeLeft(ctx)), &batch)
	})
	if err != nil {
		return nil, err
	}
	defer C.minka_batch_free(batch)
	return records(batch), nil
}

// records copies what a batch shows.
func records(batch *C.minka_batch) []Record {
	count := int(C.minka_batch_count(batch))
	if count == 0 {
		return nil
	}
	var memory arena
	defer memory.free()
	first := (*C.minka_record)(memory.alloc(count, C.sizeof_minka_record))
	count = int(C.minka_batch_next_many(batch, first, C.size_t(count)))
	copies := make([]Record, count)
	for i, raw := range unsafe.Slice(first, count) {
		copies[i] = Record{
			Topic:         text(raw.topic),
			Partition:     int32(raw.partition),
			Offset:        int64(raw.offset),
			Timestamp:     time.UnixMilli(int64(raw.timestamp)),
			Key:           bytes(raw.key),
			Value:         bytes(raw.value),
			Headers:       headers(raw.headers, raw.header_count),
			DeliveryCount: uint32(raw.delivery_count),
		}
	}
	return copies
}

// Accept says that a message of a queue group has been dealt with. The broker is told with the next
// poll or commit.
func (c *Consumer) Accept(record Record) error { return c.acknowledge(record, C.MINKA_ACCEPT) }

// Release says that a message is for somebody else, or for later: it is delivered again.
func (c *Consumer) Release(record Record) error { return c.acknowledge(record, C.MINKA_RELEASE) }

// Reject says that a message cannot be dealt with: no member gets it again.
func (c *Consumer) Reject(record Record) error { return c.acknowledge(record, C.MINKA_REJECT) }

// Renew says that a message takes longer: its lock begins anew.
func (c *Consumer) Renew(record Record) error { return c.acknowledge(record, C.MINKA_RENEW) }

func (c *Consumer) acknowledge(record Record, what C.int32_t) error {
	var memory arena
	defer memory.free()
	topic := memory.text(record.Topic)
	return c.call(func() C.minka_status {
		return C.minka_consumer_acknowledge(
			c.raw, topic, C.int32_t(record.Partition), C.int64_t(record.Offset), what)
	})
}

// Commit says that what was returned is done, and waits until the broker has that.
func (c *Consumer) Commit() error {
	return c.call(func() C.minka_status { return C.minka_consumer_commit(c.raw) })
}

// Close ends the consumer: what was returned is done, unless enable.auto.commit is false, and a
// member leaves its group at once.
func (c *Consumer) Close() error {
	return c.close(func() C.minka_status { return C.minka_consumer_close(c.raw) })
}
